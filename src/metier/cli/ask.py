"""`metier ask` and `metier chat`: talk with an agent, here or on a server elsewhere.

Words go to standard output as they come, what tools do goes to standard error; `--json` gives the run's events, one a
line. Where the agent needs a person, the terminal asks; without one the run waits, and the command ends with 3.
"""

import asyncio
import signal
from collections.abc import Callable
from typing import Annotated

import typer

from metier.cli.answering import ENDED_BADLY, EXITS, WAITS, Answering, see_through
from metier.cli.conversation import Conversation, Where, converse
from metier.cli.lines import Line, Printer, print_json
from metier.cli.terminal import note

AgentName = Annotated[str | None, typer.Option("--agent", help="Which agent; the default one if left out.")]
ModelName = Annotated[str | None, typer.Option("--model", help="Which model; the agent's own if left out.")]
Email = Annotated[str | None, typer.Option("--as", help="Ask as the member with this e-mail.")]
Address = Annotated[str | None, typer.Option("--url", help="Ask a Metier server at this address.")]
Token = Annotated[str | None, typer.Option("--token", envvar="METIER_TOKEN", help="API key for --url.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def ask(
        question: Annotated[str, typer.Argument(help="What to ask.")],
        agent: AgentName = None,
        model: ModelName = None,
        as_: Email = None,
        url: Address = None,
        token: Token = None,
        yes: Annotated[bool, typer.Option("--yes", help="Confirm changes of records without asking.")] = False,
        json: Annotated[bool, typer.Option("--json", help="Print events, one JSON object a line.")] = False,
    ) -> None:
        """Ask an agent one question."""
        where = Where(agent, model, as_, url, token)
        answering = Answering(yes=yes, quiet=json)
        status = asyncio.run(_ask_once(where, question, print_json if json else Printer(), answering))
        raise typer.Exit(EXITS.get(status, ENDED_BADLY))

    @app.command()
    def chat(
        agent: AgentName = None,
        model: ModelName = None,
        as_: Email = None,
        url: Address = None,
        token: Token = None,
    ) -> None:
        """Talk with an agent; end with an empty line or Ctrl+D."""
        asyncio.run(_chat(Where(agent, model, as_, url, token)))


async def _ask_once(where: Where, question: str, show: Callable[[Line], None], answering: Answering) -> str:
    async with converse(where) as conversation:
        return await _answer(conversation, question, show, answering)


async def _chat(where: Where) -> None:
    async with converse(where) as conversation:
        while question := (await asyncio.to_thread(_read_line)).strip():
            if await _answer(conversation, question, Printer(), Answering()) == "waiting":
                raise typer.Exit(WAITS)


def _read_line() -> str:
    try:
        return input("> ")
    except EOFError:
        return ""


async def _answer(conversation: Conversation, question: str, show: Callable[[Line], None], answering: Answering) -> str:
    with _stopping(conversation):
        return await see_through(conversation, conversation.ask(question), show, answering)


class _stopping:  # noqa: N801 - reads as a word in `with`
    """The first Ctrl+C stops the answer and keeps what was said; the second ends the program."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._loop.add_signal_handler(signal.SIGINT, self._stop)

    def __exit__(self, *_: object) -> None:
        self._loop.remove_signal_handler(signal.SIGINT)

    def _stop(self) -> None:
        note("Stopping …")
        self._loop.remove_signal_handler(signal.SIGINT)
        self._task = self._loop.create_task(self._conversation.stop())
