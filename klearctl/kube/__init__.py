"""Kubernetes objects as plain dicts: render them, read their state."""
