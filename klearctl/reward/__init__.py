"""What a response is worth. Model text is untrusted here: it is read, never run."""
