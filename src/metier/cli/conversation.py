"""A conversation with an agent: in the database of this home, or on a server elsewhere.

Without `--url` the database is opened directly, so a running server is not needed.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from metier.cli.asking import Reply
from metier.cli.lines import Line
from metier.cli.terminal import note
from metier.clock import SystemClock
from metier.errors import Invalid, MetierError, Problem, Unavailable
from metier.events import START, Cursor
from metier.settings import Settings

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.app import Metier
    from metier.egress import Egress

PAUSES_S = (0.5, 1.0, 2.0, 5.0)  # before the next try to follow an answer; the last one repeats
TRIES = 60  # some five minutes

Asked = Mapping[str, Any]  # a request to a person, as REST gives it


class Conversation(Protocol):
    """A thread with an agent, wherever it is."""

    def ask(self, text: str) -> AsyncGenerator[Line, None]:
        """Send a message and give the events of its answer, to the end."""
        ...

    async def stop(self) -> None:
        """Stop the answer that is coming."""
        ...

    async def waiting(self) -> Sequence[tuple[Asked, bool]]:
        """Give what the answer waits for, the oldest first, each with whether it is this one's to answer."""
        ...

    async def reply(self, asked: Asked, reply: Reply) -> None:
        """Answer a request as it was seen."""
        ...


@dataclass(frozen=True)
class Where:
    """Whom to ask, as the options say."""

    agent: str | None
    model: str | None
    member: str | None
    url: str | None
    token: str | None


@asynccontextmanager
async def converse(where: Where) -> AsyncGenerator[Conversation, None]:
    """Begin a conversation.

    Raises:
        Unavailable: There is no workspace, or no server there.
        Invalid: The options do not fit each other.
    """
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

    def __init__(self, metier: "Metier", actor: "Actor", thread_id: UUID | None = None) -> None:
        self._metier = metier
        self._actor = actor
        self._thread_id = thread_id
        self._run_id: UUID | None = None

    async def ask(self, text: str) -> AsyncGenerator[Line, None]:
        """Send a message and give the events of its answer."""
        assert self._thread_id is not None  # as in each conversation that asks
        run = await self._metier.chat.send(self._actor, self._thread_id, text)
        async with aclosing(self.follow(run.root_id)) as lines:
            async for line in lines:
                yield line

    async def follow(self, root_id: UUID, *, after: Cursor = START) -> AsyncGenerator[Line, None]:
        """Give the events of an answer behind a place, and answer for it from now on."""
        self._run_id = root_id
        async with aclosing(self._metier.runs.follow(root_id, after=after)) as events:
            async for event in events:
                yield Line(event.type.value, event.data, event.to_json())

    async def stop(self) -> None:
        """Stop the answer."""
        if self._run_id:
            await self._metier.runs.stop(self._actor, self._run_id)

    async def waiting(self) -> Sequence[tuple[Asked, bool]]:
        """Give what the answer waits for."""
        page = await self._metier.requests.list(self._actor, status="open", run_id=self._run_id)
        return [(one.to_json(), one.may_answer(self._actor)) for one in reversed(page.requests)]

    async def reply(self, asked: Asked, reply: Reply) -> None:
        """Answer a request."""
        from metier.runs.requests import Answer, Verdict

        answer = Answer(Verdict(reply.verdict), reply.value)
        await self._metier.requests.answer(self._actor, UUID(asked["id"]), answer, hash=asked["hash"], note=reply.note)


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

    async def waiting(self) -> Sequence[tuple[Asked, bool]]:
        """Give what the answer waits for."""
        query = f"/requests?status=open&run_id={self._run_id}"
        found = (await self._call("GET", query))["data"]
        mine = {one["id"] for one in (await self._call("GET", f"{query}&for_me=true"))["data"]}
        return [(one, one["id"] in mine) for one in reversed(found)]

    async def reply(self, asked: Asked, reply: Reply) -> None:
        """Answer a request."""
        answer = {"verdict": reply.verdict, "value": reply.value, "note": reply.note}
        await self._post(f"/requests/{asked['id']}/answer", {"hash": asked["hash"], **answer})

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        import orjson

        return await self._call("POST", path, orjson.dumps(body))

    async def _call(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        reply = await self._egress.fetch(method, self._api + path, headers=self._headers, body=body)
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
