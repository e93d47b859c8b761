"""The command line. Each command is in a module of its own that imports what is heavy only when it runs."""

import sys
from importlib import import_module

import typer

from metier.cli.terminal import complain

COMMANDS = (
    "ask",
    "serve",
    "objects",
    "records",
    "runs",
    "requests",
    "confirm",
    "keys",
    "secrets",
    "hosts",
    "roles",
    "why",
    "members",
    "flags",
    "budgets",
    "usage",
    "audit",
    "link",
    "sql",
    "doctor",
    "about",
)


def main() -> None:
    """Run `metier …`: results go to standard output, all else to standard error; exit code 1 for what went wrong."""
    from metier.cli.logs import configure_logs
    from metier.errors import MetierError

    configure_logs()
    try:
        build()()
    except MetierError as error:
        complain(error, as_json="--json" in sys.argv)
        raise SystemExit(1) from None


def build() -> typer.Typer:
    """Make the commands."""
    app = typer.Typer(
        name="metier",
        help="A self-hosted workspace where AI agents with skills work on your business data.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for name in COMMANDS:
        import_module(f"metier.cli.{name}").register(app)
    return app
