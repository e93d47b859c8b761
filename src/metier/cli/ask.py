"""`metier ask` and `metier chat`: talk with an agent, here or on a server elsewhere.

Without `--url` the database is opened directly, so a running server is not needed. Words go to standard output as
they come, what tools do goes to standard error; `--json` gives the run's events, one a line.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from uuid import UUID

import typer

from metier.cli.terminal import note, say_part
from metier.clock import SystemClock
from metier.errors import Invalid, MetierError, Problem, Unavailable
from metier.settings import Settings

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.app import Metier
    from metier.egress import Egress

ENDED_BADLY = 1
PAUSES_S = (0.5, 1.0, 2.0, 5.0)  # before the next try to follow an answer; the last one repeats
TRIES = 60  # some five minutes


@dataclass(frozen=True)
class Line:
    """One event as it is printed with `--json`: the stored form."""

    type: str
    data: Mapping[str, Any]
    form: Mapping[str, Any]


class Conversation(Protocol):
    """A thread with an agent, wherever it is."""

    def ask(self, text: str) -> AsyncGenerator[Line, None]:
        """Send a message and give the events of its answer, to the end."""
        ...

    async def stop(self) -> None:
        """Stop the answer that is coming."""
        ...


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
        json: Annotated[bool, typer.Option("--json", help="Print events, one JSON object a line.")] = False,
    ) -> None:
        """Ask an agent one question."""
        where = Where(agent, model, as_, url, token)
        status = asyncio.run(_ask_once(where, question, _print_json if json else _Printer()))
        raise typer.Exit(0 if status == "succeeded" else ENDED_BADLY)

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


@dataclass(frozen=True)
class Where:
    """Whom to ask, as the options say."""

    agent: str | None
    model: str | None
    member: str | None
    url: str | None
    token: str | None


async def _ask_once(where: Where, question: str, show: Callable[[Line], None]) -> str:
    async with _converse(where) as conversation:
        return await _answer(conversation, question, show)


async def _chat(where: Where) -> None:
    async with _converse(where) as conversation:
        while question := (await asyncio.to_thread(_read_line)).strip():
            await _answer(conversation, question, _Printer())


def _read_line() -> str:
    try:
        return input("> ")
    except EOFError:
        return ""


async def _answer(conversation: Conversation, question: str, show: Callable[[Line], None]) -> str:
    status = "failed"
    with _stopping(conversation):
        async with aclosing(conversation.ask(question)) as lines:
            async for line in lines:
                show(line)
                if line.type == "complete":
                    status = str(line.data["status"])
    return status


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


# Showing -------------------------------------------------------------------------------------------------------------


def _print_json(line: Line) -> None:
    import orjson

    sys.stdout.buffer.write(orjson.dumps(line.form) + b"\n")
    sys.stdout.flush()


class _Printer:
    """Shows an answer to a person."""

    def __init__(self) -> None:
        self._open = False
        self._error: Mapping[str, Any] = {}

    def __call__(self, line: Line) -> None:
        match line.type:
            case "token":
                say_part(line.data["text"])
                self._open = not str(line.data["text"]).endswith("\n")
            case "tool_call":
                self._note(f"→ {line.data['name']} {_brief(line.data['arguments'])}")
            case "tool_result":
                self._note(f"  {'✓' if line.data['success'] else '✗'} {line.data['message']}")
            case "resumed":
                self._note("Another process goes on with the answer:")
            case "error":
                self._error = line.data
            case "complete":
                self._end(line.data)
            case _:
                pass

    def _end(self, data: Mapping[str, Any]) -> None:
        self._close()
        if data["status"] != "succeeded":
            note(f"{data['status']}: {self._error.get('message', data['stop_reason'])}")
            if cure := self._error.get("cure"):
                note(f"cure: {cure}")

    def _note(self, text: str) -> None:
        self._close()
        note(text)

    def _close(self) -> None:
        if self._open:
            say_part("\n")
            self._open = False


def _brief(arguments: Mapping[str, Any]) -> str:
    import orjson

    return orjson.dumps(arguments).decode() if arguments else ""


# Here ----------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _converse(where: Where) -> AsyncGenerator[Conversation, None]:
    if where.url:
        async with _remote(where) as there:
            yield there
        return
    from metier.app import Metier

    async with Metier.open(Settings.load(), takes_over=False) as metier:
        if not await metier.access.workspaces():
            raise Unavailable("There is no workspace here yet.", cure="metier demo --load-only")
        actor = await _local_actor(metier, where.member)
        thread = await metier.chat.create_thread(actor, agent=where.agent, model=where.model)
        yield Here(metier, actor, thread.id)


async def _local_actor(metier: "Metier", email: str | None) -> "Actor":
    if email is None:
        return await metier.access.operator()
    workspace = (await metier.access.workspaces())[0]
    return await metier.access.actor_for_email(workspace.id, email)


class Here:
    """A thread in the database of this home."""

    def __init__(self, metier: "Metier", actor: "Actor", thread_id: UUID) -> None:
        self._metier = metier
        self._actor = actor
        self._thread_id = thread_id
        self._run_id: UUID | None = None

    async def ask(self, text: str) -> AsyncGenerator[Line, None]:
        """Send a message and give the events of its answer."""
        run = await self._metier.chat.send(self._actor, self._thread_id, text)
        self._run_id = run.id
        async with aclosing(self._metier.runs.follow(run.root_id)) as events:
            async for event in events:
                yield Line(event.type.value, event.data, event.to_json())

    async def stop(self) -> None:
        """Stop the answer."""
        if self._run_id:
            await self._metier.runs.stop(self._actor, self._run_id)


# There ---------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _remote(where: Where) -> AsyncGenerator[Conversation, None]:
    from metier.egress import Egress

    if not where.token:
        cure = "make one there with: metier keys create --role ROLE --name NAME"
        problem = Problem("--token", f"is needed with --url; {cure}")
        raise Invalid.of([problem], what="The command")
    if where.member:
        raise Invalid.of([Problem("--as", "works only without --url: a key says who asks")], what="The command")
    base = (where.url or "").rstrip("/")
    async with Egress() as egress:
        there = There(egress.trusting(base), base, where.token)
        await there.begin(agent=where.agent, model=where.model)
        yield there


class There:
    """A thread on a server."""

    def __init__(self, egress: "Egress", base: str, token: str) -> None:
        from metier.egress import Secret

        self._egress = egress
        self._api = f"{base}/api/v1"
        self._headers = {"Authorization": Secret(f"Bearer {token}"), "Content-Type": "application/json"}
        self._thread_id = ""
        self._run_id = ""
        self._clock = SystemClock()

    async def begin(self, *, agent: str | None, model: str | None) -> None:
        """Make the thread."""
        self._thread_id = (await self._post("/threads", {"agent": agent, "model": model}))["id"]

    async def ask(self, text: str) -> AsyncGenerator[Line, None]:
        """Send a message and give the events of its answer."""
        self._run_id = (await self._post(f"/threads/{self._thread_id}/messages", {"text": text}))["run_id"]
        async with aclosing(self._follow()) as lines:
            async for line in lines:
                yield line

    async def stop(self) -> None:
        """Stop the answer."""
        if self._run_id:
            await self._post(f"/runs/{self._run_id}/stop", {})

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        import orjson

        reply = await self._egress.fetch("POST", self._api + path, headers=self._headers, body=orjson.dumps(body))
        answer = _json(reply.body)
        if reply.status >= 400:
            raise ServerSaid(reply.status, answer)
        return answer

    async def _follow(self) -> AsyncGenerator[Line, None]:
        """Give the events to the end; goes on by itself behind the last one when the connection breaks."""
        last: Line | None = None
        tries = 0
        while last is None or last.type != "complete":
            try:
                async with aclosing(self._frames(last)) as frames:
                    async for line in frames:
                        last, tries = line, 0
                        yield line
            except Unavailable:
                if tries >= TRIES:
                    raise
            if last is None or last.type != "complete":
                await self._pause(tries)
                tries += 1

    async def _pause(self, tries: int) -> None:
        if tries == 0:
            note("The connection broke. Trying again …")
        await self._clock.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])

    async def _frames(self, last: Line | None) -> AsyncGenerator[Line, None]:
        from metier.egress import Limits

        url = f"{self._api}/runs/{self._run_id}/events"
        headers = self._headers | ({"Last-Event-ID": str(last.form["id"])} if last else {})
        limits = Limits(between_s=60.0, total_s=86_400.0, max_bytes=1 << 30)
        async with self._egress.stream("GET", url, headers=headers, limits=limits) as answer:
            if answer.status >= 500:
                raise Unavailable(f"The server answered {answer.status}.")
            if answer.status >= 400:
                raise ServerSaid(answer.status, _json(await answer.body()))
            waiting = b""
            while piece := await answer.piece():
                *frames, waiting = (waiting + piece).split(b"\n\n")
                for frame in frames:
                    if line := _line(frame, self._run_id):
                        yield line


class ServerSaid(MetierError):
    """An error of the server that was asked."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("message", f"The server answered {status}.")), cure=body.get("cure"))


def _json(body: bytes) -> dict[str, Any]:
    import orjson

    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unavailable("What answers there is not a Metier server.", cure="Check --url.") from error


def _line(frame: bytes, run_id: str) -> Line | None:
    import orjson

    fields = dict(line.split(b": ", 1) for line in frame.split(b"\n") if b": " in line and not line.startswith(b":"))
    if b"event" not in fields:
        return None
    kind, data = fields[b"event"].decode(), orjson.loads(fields[b"data"])
    return Line(kind, data, {"run_id": run_id, "id": fields[b"id"].decode(), "type": kind, "data": data})
