"""Problems: where they come from, what is dropped, who solves them, and how they lie in the bucket."""
