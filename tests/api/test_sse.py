"""The stream of events as a server sends it: in order, kept awake when nothing happens, ended with its reader."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from metier.api import sse
from metier.events import Cursor

HEAD = b"id: 1-1\nevent: token\ndata: {}\n\n"
AWAKE = b": still here\n\n"


class Reader:
    """The two ends of an ASGI connection, held by a test."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.ended = False
        self.hung_up = asyncio.Event()
        self.got = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        assert not self.ended
        if message["type"] == "http.response.body":
            self.bodies.append(message["body"])
            self.ended = not message["more_body"]
            self.got.set()


async def stream(frames: AsyncGenerator[sse.Frame, None], reader: Reader) -> None:
    await sse.EventStream(frames)({"type": "http"}, reader.receive, reader.send)


async def test_frames_come_in_order_and_the_answer_ends_with_them() -> None:
    async def frames() -> AsyncGenerator[sse.Frame, None]:
        yield Cursor(1, 1), "token", {}
        yield Cursor(1, 2), "complete", {"status": "succeeded"}

    reader = Reader()

    await stream(frames(), reader)

    assert reader.bodies == [HEAD, b'id: 1-2\nevent: complete\ndata: {"status":"succeeded"}\n\n', b""]
    assert reader.ended


async def test_a_quiet_stream_is_kept_awake_until_the_next_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.02)
    reader, go_on = Reader(), asyncio.Event()

    async def frames() -> AsyncGenerator[sse.Frame, None]:
        yield Cursor(1, 1), "token", {}
        await go_on.wait()
        yield Cursor(1, 1), "token", {}

    streaming = asyncio.create_task(stream(frames(), reader))
    while reader.bodies.count(AWAKE) < 2:
        reader.got.clear()
        await asyncio.wait_for(reader.got.wait(), 12)
    go_on.set()
    await streaming

    assert [body for body in reader.bodies if body != AWAKE] == [HEAD, HEAD, b""]


async def test_a_reader_that_goes_away_closes_its_frames() -> None:
    reader, closed = Reader(), asyncio.Event()

    async def frames() -> AsyncGenerator[sse.Frame, None]:
        try:
            yield Cursor(1, 1), "token", {}
            await asyncio.Event().wait()
        finally:
            closed.set()

    streaming = asyncio.create_task(stream(frames(), reader))
    await asyncio.wait_for(reader.got.wait(), 12)
    reader.hung_up.set()
    await asyncio.wait_for(streaming, 12)

    assert closed.is_set()
    assert not reader.ended


async def test_a_fault_in_the_frames_is_raised() -> None:
    async def frames() -> AsyncGenerator[sse.Frame, None]:
        yield Cursor(1, 1), "token", {}
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await stream(frames(), Reader())
