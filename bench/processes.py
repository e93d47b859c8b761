"""Child processes of a run: servers that say where they listen, and workers that measure on command.

A server prints `ready PORT` once. A worker reads one JSON line per command and answers with one JSON line.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
READY_S = 60.0
ROUND_S = 600.0
LINE_BYTES = 1 << 24


class Child:
    """A Python process of ours; `pid` is there for measuring its CPU."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def line(self, timeout_s: float = READY_S) -> str:
        """Give the next line it prints."""
        assert self._process.stdout is not None
        raw = await asyncio.wait_for(self._process.stdout.readline(), timeout_s)
        if not raw:
            raise RuntimeError(f"a process of the bench ended early with code {await self._process.wait()}")
        return raw.decode()

    async def ask(self, command: Mapping[str, Any]) -> dict[str, float]:
        """Have a worker do one round."""
        self.write(command)
        return json.loads(await self.line(ROUND_S))

    def write(self, told: object) -> None:
        """Send a JSON line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")

    async def stop(self) -> None:
        """End it and wait."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 20)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def python(*arguments: str, env: Mapping[str, str] | None = None) -> AsyncGenerator[Child, None]:
    """Run `python ARGUMENTS` from the root of the repository for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=PIPE,
        stdout=PIPE,
        limit=LINE_BYTES,
    )
    child = Child(process)
    try:
        yield child
    finally:
        await child.stop()


@asynccontextmanager
async def server(*arguments: str, told: object = None) -> AsyncGenerator[tuple[Child, int], None]:
    """Run a server of the bench and give it with its port; it can read `told` as a JSON line."""
    async with python(*arguments) as child:
        if told is not None:
            child.write(told)
        yield child, int((await child.line()).removeprefix("ready "))


def say_ready(port: int) -> None:
    """Tell the parent where this server listens."""
    print(f"ready {port}", flush=True)


async def answer_commands(do: Callable[[dict[str, Any]], Awaitable[Mapping[str, float]]]) -> None:
    """Be a worker: do one round per line on standard input, until it ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(dict(await do(json.loads(line)))), flush=True)
