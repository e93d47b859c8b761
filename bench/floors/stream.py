"""The floors of a streamed answer: a bare ASGI app that asks the model server and passes each token on at once.

Chunks are parsed and sent again as small events; nobody is asked who they are, nothing is stored.

Run: python -m bench.floors.stream httpx2|httpx|aiohttp MODEL_URL
"""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from importlib import import_module
from typing import Any

import aiohttp
import orjson
import uvloop

from bench.floors.serving import serve

Lines = Callable[[dict[str, Any]], AsyncGenerator[bytes, None]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}


def passing_on(lines: Lines) -> Any:
    """Make the ASGI app; `lines` posts a request to the model server and gives the lines of its answer."""

    async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
        asked = orjson.loads((await receive())["body"])
        messages = [{"role": "user", "content": asked["text"]}]
        await send(START)
        async with aclosing(lines({"model": asked["model"], "messages": messages, "stream": True})) as answer:
            async for line in answer:
                if line.startswith(b"data: {"):
                    await _pass_on(line, send)
        await send({"type": "http.response.body", "body": b"event: complete\ndata: {}\n\n"})

    return app


async def _pass_on(line: bytes, send: Send) -> None:
    text = orjson.loads(line[6:])["choices"][0]["delta"].get("content")
    if text:
        body = b"event: token\ndata: " + orjson.dumps({"text": text}) + b"\n\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})


@asynccontextmanager
async def httpx_lines(url: str, library: str) -> AsyncGenerator[Lines, None]:
    """Ask through httpx or its successor httpx2."""
    httpx = import_module(library)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as client:

        async def lines(body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
            async with client.stream("POST", f"{url}/chat/completions", json=body) as answer:
                async for line in answer.aiter_lines():
                    yield line.encode()

        yield lines


@asynccontextmanager
async def aiohttp_lines(url: str) -> AsyncGenerator[Lines, None]:
    """Ask through aiohttp."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def lines(body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
            async with session.post(f"{url}/chat/completions", json=body) as answer:
                async for line in answer.content:
                    yield line

        yield lines


async def main(library: str, url: str) -> None:
    """Serve until ended."""
    source = aiohttp_lines(url) if library == "aiohttp" else httpx_lines(url, library)
    async with source as lines:
        await serve(passing_on(lines))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
