"""The floor of a server's start: a bare ASGI app that answers 200 to everything.

Run: python -m bench.floors.healthy
"""

from typing import Any

import uvloop

from bench.floors.serving import serve

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}


async def app(scope: dict[str, Any], receive: object, send: Any) -> None:
    """Answer `ok`."""
    await send(START)
    await send({"type": "http.response.body", "body": b"ok"})


if __name__ == "__main__":
    uvloop.run(serve(app))
