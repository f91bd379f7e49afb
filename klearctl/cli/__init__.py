"""The commands: each reads words, calls one function, prints. click and rich live only here."""
