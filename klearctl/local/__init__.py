"""Rendered Kubernetes objects, run as processes of this machine. Dicts in; processes, status and logs out."""
