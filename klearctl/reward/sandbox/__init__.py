"""Where code that a model wrote runs: source and input in; how it ended, and what it said, out."""
