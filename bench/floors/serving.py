"""Running a bare ASGI app as the bench runs ours: uvicorn with uvloop and httptools, nothing logged."""

import socket
from typing import Any

import uvicorn

from bench.processes import say_ready


async def serve(app: Any) -> None:
    """Listen on a free port of this machine until ended; `app` is any ASGI callable."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(app, loop="uvloop", http="httptools", lifespan="off", log_level="warning", access_log=False)
    say_ready(listener.getsockname()[1])
    await uvicorn.Server(config).serve(sockets=[listener])
