"""Server-sent events of a root run, straight from its log (WHATWG HTML, section 9.2)."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from fastapi import Response
from starlette.types import Receive, Scope, Send

from metier.actor import Actor
from metier.events import Cursor
from metier.runs import Run, Runs

KEEP_ALIVE_S = 15.0
Frame = tuple[Cursor, str, Mapping[str, Any]]
Renderer = Callable[[Runs, Actor, Run, Cursor], AsyncGenerator[Frame, None]]


async def plain_frames(runs: Runs, _actor: Actor, run: Run, after: Cursor) -> AsyncGenerator[Frame, None]:
    """Give each event as it is stored."""
    async with aclosing(runs.follow(run.root_id, after=after)) as events:
        async for event in events:
            yield event.cursor, event.type.value, event.data


class EventStream(Response):
    """Sends frames as they come; ends with them. The run goes on when the reader goes away."""

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[Frame, None]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._frames = frames
        self._sent_at = 0.0  # when the last frame went out, in the event loop's time
        self._ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the frames or the reader end; a comment goes out whenever nothing else did for a while."""
        loop = asyncio.get_running_loop()
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        self._sent_at = loop.time()
        gone = asyncio.create_task(_disconnected(receive))
        writing = asyncio.create_task(self._write(send))
        try:
            while not (gone.done() or writing.done()):
                quiet_s = loop.time() - self._sent_at
                if quiet_s >= KEEP_ALIVE_S and not self._ended:
                    await self._send(send, b": still here\n\n")
                wait_s = KEEP_ALIVE_S if quiet_s >= KEEP_ALIVE_S else KEEP_ALIVE_S - quiet_s
                await asyncio.wait({gone, writing}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
        finally:
            gone.cancel()
            writing.cancel()
            await asyncio.gather(gone, writing, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        async with aclosing(self._frames) as frames:
            async for frame in frames:
                await self._send(send, encode(frame))
        self._ended = True
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, body: bytes) -> None:
        self._sent_at = asyncio.get_running_loop().time()
        await send({"type": "http.response.body", "body": body, "more_body": True})


def encode(frame: Frame) -> bytes:
    """Give a frame's bytes: `id`, `event` and `data`."""
    cursor, name, data = frame
    return b"id: %d-%d\nevent: %b\ndata: %b\n\n" % (cursor.epoch, cursor.seq, name.encode(), orjson.dumps(data))


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
