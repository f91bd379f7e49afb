"""What the controllers of Kubernetes would do next: objects in, plans out. Pure."""
