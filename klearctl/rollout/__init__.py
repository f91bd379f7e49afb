"""Rollouts from vLLM servers: sampling over HTTP, and new weights into the running servers."""
