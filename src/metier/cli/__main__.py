"""`python -m metier.cli …` is `metier …`."""

from metier.cli import main

main()
