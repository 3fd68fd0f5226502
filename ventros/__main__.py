"""`python -m ventros` is the command line."""

from ventros.cli import main

main()
