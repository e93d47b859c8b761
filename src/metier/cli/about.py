"""`metier version`."""

import typer

from metier import __version__
from metier.cli.terminal import say


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def version() -> None:
        """Print the version."""
        say(__version__)
