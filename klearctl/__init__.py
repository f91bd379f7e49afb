"""klearctl: the Klear-Reasoner pipeline on Kubernetes."""

__version__ = "0.1.0"
