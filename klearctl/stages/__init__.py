"""What a pod runs: one program for each stage, which introduces the parts of the pod half to each other."""
