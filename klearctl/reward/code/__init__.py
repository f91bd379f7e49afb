"""Code: a program and the tests of its problem in, a verdict out. Nothing of a program runs here."""
