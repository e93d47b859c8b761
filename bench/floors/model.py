"""A model server that costs nearly nothing: it speaks OpenAI's chat completions from answers made beforehand.

The model's name in a request says how it answers:
  loop        4 calls of the tool `add`, one a step, then a sentence
  stream-N    N tokens at once
  paced-N     N tokens, one every 3 ms

Run: python -m bench.floors.model
"""

import asyncio
import re
from functools import cache
from typing import cast

import orjson
import uvloop

from bench.processes import say_ready

TOOL_CALLS = 4
PACE_S = 0.003
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\n"
STREAM_HEAD = HEAD % b"text/event-stream" + b"transfer-encoding: chunked\r\n\r\n"
MODEL = re.compile(rb'"model":\s*"([^"]+)"')
STREAMED = re.compile(rb'"stream":\s*true')
USER = re.compile(rb'"role":\s*"user"')
TOOL = re.compile(rb'"role":\s*"tool"')
LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
USAGE = {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420}


def token(number: int) -> str:
    """Give the text of one token."""
    return f"tok{number:03d} "


class Answers(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._got = b""
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, but not by class

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head_end = self._got.find(b"\r\n\r\n") + 4
        if head_end < 4:
            return
        found = LENGTH.search(self._got, 0, head_end)
        end = head_end + (int(found[1]) if found else 0)
        if len(self._got) >= end:
            body, self._got = self._got[head_end:end], self._got[end:]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        model = MODEL.search(body)
        kind, _, count = (model[1].decode() if model else "").rpartition("/")[2].partition("-")
        match kind:
            case "loop":
                self._transport.write(_step(_tool_results(body), streamed=STREAMED.search(body) is not None))
            case "stream":
                self._transport.write(_stream(tuple(_tokens(int(count)))))
            case "paced":
                self._transport.write(STREAM_HEAD)
                self._pace(tuple(_chunk(data) for data in _tokens(int(count))), 0, asyncio.get_running_loop().time())
            case _:
                self._transport.write(_whole({"object": "list", "data": [{"id": "loop"}, {"id": "stream-100"}]}))

    def _pace(self, chunks: tuple[bytes, ...], at: int, start: float) -> None:
        self._transport.write(chunks[at])
        if at + 1 == len(chunks):
            self._transport.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            return
        when = start + (at + 1) * PACE_S
        self._timer = asyncio.get_running_loop().call_at(when, self._pace, chunks, at + 1, start)


def _tool_results(body: bytes) -> int:
    last_user = max((found.start() for found in USER.finditer(body)), default=0)
    return len(TOOL.findall(body, last_user))


@cache
def _step(done: int, *, streamed: bool) -> bytes:
    if done >= TOOL_CALLS:
        return _said(streamed=streamed)
    arguments = orjson.dumps({"a": done, "b": 2}).decode()
    call = {"id": f"call_{done}", "type": "function", "function": {"name": "add", "arguments": arguments}}
    if streamed:
        return _stream((_delta({"role": "assistant", "tool_calls": [{"index": 0, **call}]}), _end("tool_calls")))
    return _completion({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")


@cache
def _said(*, streamed: bool) -> bytes:
    text = "The sums are 2, 3, 4 and 5."
    if streamed:
        return _stream((_delta({"role": "assistant", "content": text}), _end("stop")))
    return _completion({"role": "assistant", "content": text}, "stop")


@cache
def _tokens(count: int) -> tuple[bytes, ...]:
    return (*(_delta({"content": token(number)}) for number in range(count)), _end("stop"))


def _completion(message: dict[str, object], reason: str) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return _whole({"id": "c", "object": "chat.completion", "model": "loop", "choices": [choice], "usage": USAGE})


def _delta(delta: dict[str, object]) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return _data({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def _end(reason: str) -> bytes:
    choice: dict[str, object] = {"index": 0, "delta": {}, "finish_reason": reason}
    return _data({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice], "usage": USAGE})


def _data(body: dict[str, object]) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


@cache
def _stream(lines: tuple[bytes, ...]) -> bytes:
    return STREAM_HEAD + b"".join(_chunk(line) for line in (*lines, b"data: [DONE]\n\n")) + b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _whole(body: dict[str, object]) -> bytes:
    raw = orjson.dumps(body)
    return HEAD % b"application/json" + b"content-length: %d\r\n\r\n" % len(raw) + raw


async def main() -> None:
    """Listen on a free port until ended."""
    listener = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0)
    say_ready(listener.sockets[0].getsockname()[1])
    await listener.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
