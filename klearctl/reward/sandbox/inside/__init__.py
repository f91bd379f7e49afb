"""What runs inside the sandbox: the warm server, the confinement of its forks, and the drivers that run a program.

Standard library only, and relative imports only: a bare interpreter finds it as the top-level package `inside`.
"""
