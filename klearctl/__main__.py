"""`python -m klearctl` is `klearctl`."""

from klearctl.cli.main import main

main()
