"""A model server that speaks the real protocol and misbehaves on demand, for tests and demonstrations.

    async with ModelServer([calls(Call("find_companies", '{"limit": 1}')), says("Acme.")]) as server:
        ...  # point OPENAI_COMPATIBLE_BASE_URL at server.base_url

As a process: `python -m metier.testing.faults --port 8900 --script script.json`; see `read_script` for the file.
Like the real ones, it refuses unknown fields, and conversations in which a tool call lacks its result.
"""

import argparse
import asyncio
import contextlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import orjson

from metier.clock import Clock, SystemClock

USAGE: Mapping[str, Any] = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
FIELDS = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
}
TOOL_FIELDS = {"name", "description", "parameters"}
MAX_HEAD_BYTES = 64 * 1024


# What it answers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """One answer, to the byte.

    Attributes:
        pieces: The body, each written and flushed on its own.
        first_s: Seconds before the first byte of the body.
        between_s: Seconds between pieces.
        cut_after: Bytes of the body after which the connection is closed in the middle.
        clean_cut: Whether a cut ends the body as if it were whole, as a proxy would.
        hang_up: Close the connection instead of answering.
    """

    pieces: tuple[bytes, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    first_s: float = 0.0
    between_s: float = 0.0
    cut_after: int | None = None
    clean_cut: bool = False
    hang_up: bool = False

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)

    def slow(self, *, first_s: float = 0.0, between_s: float = 0.0) -> "Reply":
        """Give the same, slower."""
        return replace(self, first_s=first_s, between_s=between_s)

    def cut(self, after: int, *, clean: bool = False) -> "Reply":
        """Give the same, ending after so many bytes of the body."""
        return replace(self, cut_after=after, clean_cut=clean)

    def in_pieces_of(self, size: int) -> "Reply":
        """Give the same, written in pieces of so many bytes, wherever that cuts."""
        body = self.body
        return replace(self, pieces=tuple(body[at : at + size] for at in range(0, len(body), size)))

    def with_line_ends(self, line_end: bytes) -> "Reply":
        """Give the same with other line ends."""
        return replace(self, pieces=tuple(piece.replace(b"\n", line_end) for piece in self.pieces))

    def without_spaces(self) -> "Reply":
        """Give the same with `data:` right before the data."""
        return replace(self, pieces=tuple(piece.replace(b"data: ", b"data:") for piece in self.pieces))

    def with_comments(self) -> "Reply":
        """Give the same with a keep-alive comment before each event."""
        return replace(self, pieces=tuple(b": keep-alive\n\n" + piece for piece in self.pieces))


@dataclass(frozen=True)
class Call:
    """A tool call as the server streams it; `arguments` may be any text, `id` and `index` may be missing."""

    name: str
    arguments: str = "{}"
    id: str | None = ""  # empty: the server counts
    index: int | None = -1  # -1: the server counts


def stream(events: Sequence[Mapping[str, Any] | bytes], *, done: bool = True) -> Reply:
    """Answer with these events; bytes go out as they are."""
    data = [event if isinstance(event, bytes) else orjson.dumps(event) for event in events]
    return Reply(tuple(b"data: " + item + b"\n\n" for item in [*data, *([b"[DONE]"] if done else [])]))


def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    """Build one event of a streamed answer."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "test",
        "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}],
    }


def says(
    text: str, *, thinking: str = "", finish: str = "stop", usage: Mapping[str, Any] | None = USAGE, done: bool = True
) -> Reply:
    """Answer in words, one event a word."""
    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"reasoning_content": word}) for word in words(thinking)]
    events += [chunk({"content": word}) for word in words(text)]
    return stream([*events, chunk({}, finish), *_usage_event(usage)], done=done)


def calls(*wanted: Call, text: str = "", usage: Mapping[str, Any] | None = USAGE, piece: int = 7) -> Reply:
    """Call tools, side by side; arguments come in pieces of so many characters, in turns."""
    events = [chunk({"role": "assistant", "content": text or None})]
    rows = [_call_deltas(call, number, piece) for number, call in enumerate(wanted)]
    for step in range(max(map(len, rows))):
        events += [chunk({"tool_calls": [row[step]]}) for row in rows if step < len(row)]
    return stream([*events, chunk({}, "tool_calls"), *_usage_event(usage)])


def fails(status: int, message: str = "", *, code: str | None = None, retry_after: str | None = None) -> Reply:
    """Refuse with a status and an error object."""
    headers = {"Content-Type": "application/json"} | ({"Retry-After": retry_after} if retry_after else {})
    error = {"message": message or f"status {status}", "type": "error", "code": code}
    return Reply((orjson.dumps({"error": error}),), status, headers)


def hangs_up() -> Reply:
    """Close the connection without a word."""
    return Reply(hang_up=True)


def words(text: str) -> list[str]:
    """Cut a text into words, each with the space before it."""
    return re.findall(r"\s*\S+\s*$|\s*\S+", text)


def _call_deltas(call: Call, number: int, piece: int) -> list[dict[str, Any]]:
    index = number if call.index == -1 else call.index
    place: dict[str, Any] = {} if index is None else {"index": index}
    call_id = f"call_{number}" if call.id == "" else call.id
    head = {**place, "type": "function", "function": {"name": call.name, "arguments": ""}}
    cuts = [call.arguments[at : at + piece] for at in range(0, len(call.arguments), piece)]
    rest = [{**place, "function": {"arguments": cut}} for cut in cuts]
    return [head | ({"id": call_id} if call_id else {}), *rest]


def _usage_event(usage: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [] if usage is None else [{**chunk({}), "choices": [], "usage": dict(usage)}]


# The server ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The request's JSON."""
        return orjson.loads(self.raw)


class ModelServer:
    """Answers `POST …/chat/completions` by the script, in order, and `GET …/models`; on loopback.

    Attributes:
        requests: What it was asked, in order.
        connections: How many there have been.
        open_connections: How many there are now.
    """

    def __init__(
        self,
        replies: Sequence[Reply] = (),
        *,
        models: Sequence[str] = ("test",),
        repeat: bool = False,
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self.requests: list[Asked] = []
        self.connections = 0
        self.open_connections = 0
        self._replies = list(replies)
        self._models = list(models)
        self._repeat = repeat
        self._port = port
        self._clock = clock or SystemClock()
        self._next = 0
        self._server: asyncio.Server | None = None
        self._idle = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=MAX_HEAD_BYTES)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def base_url(self) -> str:
        """What a client's base URL is set to."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def chats(self) -> list[Asked]:
        """The chat completions that were asked for."""
        return [asked for asked in self.requests if asked.path.endswith("/chat/completions")]

    def then(self, *replies: Reply) -> None:
        """Add replies to the script."""
        self._replies += replies

    def only(self, *replies: Reply) -> None:
        """Forget the rest of the script, and go on with these."""
        self._replies, self._next = list(replies), 0

    async def idle(self, *, within_s: float = 2.0) -> None:
        """Wait until no connection is open.

        Raises:
            TimeoutError: One still is.
        """
        async with asyncio.timeout(within_s):
            if self.open_connections:
                await self._idle.wait()

    async def run(self) -> None:
        """Serve until cancelled."""
        if self._server is not None:
            await self._server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self._idle.clear()
        self._writers.add(writer)
        try:
            while asked := await _read_request(reader):
                self.requests.append(asked)
                if not await self._answer(asked, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            self.open_connections -= 1
            self._writers.discard(writer)
            if not self.open_connections:
                self._idle.set()
            writer.close()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer; False if the connection is to be closed."""
        reply = self._reply(asked)
        if reply.hang_up:
            return False
        writer.write(_head(reply))
        sent = 0
        for number, piece in enumerate(reply.pieces):
            wait_s = reply.first_s if number == 0 else reply.between_s
            if wait_s:
                await writer.drain()
                await self._clock.sleep(wait_s)
            if reader.at_eof():
                return False
            cut = piece if reply.cut_after is None else piece[: max(0, reply.cut_after - sent)]
            sent += len(piece)
            if cut:
                writer.write(b"%x\r\n%b\r\n" % (len(cut), cut))
                await writer.drain()
            if reply.cut_after is not None and sent >= reply.cut_after and not reply.clean_cut:
                return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    def _reply(self, asked: Asked) -> Reply:
        if asked.method == "GET" and asked.path.endswith("/models"):
            listed = [{"id": name, "object": "model"} for name in self._models]
            body = orjson.dumps({"object": "list", "data": listed})
            return Reply((body,), headers={"Content-Type": "application/json"})
        if asked.method != "POST" or not asked.path.endswith("/chat/completions"):
            return fails(404, "no such path")
        if objection := _objection(asked):
            return fails(400, objection, code="invalid_request_error")
        if self._next >= len(self._replies) and not (self._repeat and self._replies):
            return fails(400, "the script has no more replies")
        self._next += 1
        return self._replies[(self._next - 1) % len(self._replies)]


async def _read_request(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} Status", "Transfer-Encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _objection(asked: Asked) -> str | None:
    """Say what a real server would refuse in a request."""
    try:
        body = asked.body
    except orjson.JSONDecodeError:
        return "the body is not JSON"
    if unknown := set(body) - FIELDS:
        return f"unknown fields: {sorted(unknown)}"
    for tool in body.get("tools", []):
        if unknown := set(tool["function"]) - TOOL_FIELDS:
            return f"unknown tool fields: {sorted(unknown)}"
    return _broken_history(body.get("messages", []))


def _broken_history(messages: Sequence[Mapping[str, Any]]) -> str | None:
    waiting: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                return "messages with role 'tool' must follow their tool call"
            waiting.discard(message["tool_call_id"])
        elif waiting:
            return f"tool calls without result: {sorted(waiting)}"
        for call in message.get("tool_calls", []):
            waiting.add(call["id"])
            if not isinstance(orjson.loads(call["function"]["arguments"]), dict):
                return "the arguments of a tool call must be a JSON object"
    return f"tool calls without result: {sorted(waiting)}" if waiting else None


# As a process --------------------------------------------------------------------------------------------------------


def read_script(text: bytes | str) -> dict[str, Any]:
    """Read a script file into arguments of ModelServer.

    Shape: `{"replies": [reply, …], "models": ["test"], "repeat": false}`. A reply is one of
    `{"says": "Two companies.", "thinking": "…"}`, `{"calls": [{"name": "find_companies", "arguments": {"limit": 2}}]}`
    (arguments as a text go out as they are) and `{"status": 429, "message": "…", "retry_after": "1"}`, each with
    `first_s`, `between_s` (seconds) and `cut_after` (bytes) if wanted.
    """
    body: dict[str, Any] = orjson.loads(text)
    given = {key: body[key] for key in ("models", "repeat") if key in body}
    return {"replies": [_scripted(entry) for entry in body["replies"]], **given}


def _scripted(entry: Mapping[str, Any]) -> Reply:
    if "says" in entry:
        reply = says(entry["says"], thinking=entry.get("thinking", ""))
    elif "calls" in entry:
        reply = calls(*(_scripted_call(call) for call in entry["calls"]))
    else:
        reply = fails(entry["status"], entry.get("message", ""), retry_after=entry.get("retry_after"))
    extra = {key: entry[key] for key in ("first_s", "between_s", "cut_after") if key in entry}
    return replace(reply, **extra)


def _scripted_call(call: Mapping[str, Any]) -> Call:
    arguments = call.get("arguments", {})
    return Call(call["name"], arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode())


async def _run(port: int, script: Path, say: Callable[[str], object]) -> None:
    async with ModelServer(**read_script(script.read_bytes()), port=port) as server:
        say(f"{server.base_url}\n")
        await server.run()


def main() -> None:
    """Run as a process until interrupted; the first line it writes is the base URL."""
    parser = argparse.ArgumentParser(prog="python -m metier.testing.faults", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--script", type=Path, required=True, help="JSON file, see metier.testing.faults.read_script")
    given = parser.parse_args()

    def say(line: str) -> None:
        sys.stdout.write(line)
        sys.stdout.flush()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(given.port, given.script, say))


if __name__ == "__main__":
    main()
