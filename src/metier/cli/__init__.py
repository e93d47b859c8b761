"""The command line. Each command is in a module of its own that imports what is heavy only when it runs."""

import sys
from importlib import import_module
from typing import Annotated

import typer

from metier.cli.house import VIEW
from metier.cli.terminal import complain

COMMANDS = (
    "ask",
    "serve",
    "objects",
    "records",
    "runs",
    "requests",
    "app",
    "agents",
    "confirm",
    "keys",
    "secrets",
    "hosts",
    "roles",
    "why",
    "members",
    "profile",
    "flags",
    "budgets",
    "usage",
    "audit",
    "schedules",
    "link",
    "sql",
    "doctor",
    "about",
)

#: Commands that do more than look, or look as nobody.
WITHOUT_VIEW = ("ask", "chat", "demo", "serve", "link", "sql", "doctor", "version")


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
    app.callback()(_choose_view)
    for name in COMMANDS:
        import_module(f"metier.cli.{name}").register(app)
    return app


def _choose_view(
    context: typer.Context,
    as_role: Annotated[str, typer.Option(metavar="ROLE", help="Look as a role does, and change nothing.")] = "",
    as_member: Annotated[str, typer.Option(metavar="EMAIL", help="Look as a member does, and change nothing.")] = "",
) -> None:
    """Say as whom the command looks; those that do not look at the workspace as somebody refuse it."""
    from metier.errors import Invalid, Problem

    VIEW.set(f"role:{as_role}" if as_role else f"member:{as_member}" if as_member else "")
    if as_role and as_member:
        raise Invalid.of([Problem("--as-member", "name either a role or a member")])
    if VIEW.get() and context.invoked_subcommand in WITHOUT_VIEW:
        problem = f"metier {context.invoked_subcommand} does not look as somebody"
        raise Invalid.of([Problem("--as-role" if as_role else "--as-member", problem)])
