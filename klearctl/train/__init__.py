"""The trainer: samples in, optimizer steps, checkpoints and metrics out."""
