"""What a node does with a pod: its containers as processes, with addresses, ports, GPUs and logs."""
