"""How long `import metier` takes and how much it brings, and how soon the server answers."""

import asyncio
import resource
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import perf_counter

from bench.harness import READING, Candidate, Goal, Options, Report, interleave, ratio
from bench.home import home, serving, until_healthy
from bench.processes import ROOT, server

NAME = "import"
TITLE = "Import, and start of the server"
BARE = "python, nothing imported"
SERVER_FLOOR = "uvicorn, bare ASGI app"
COLUMNS = {
    "name": "candidate",
    "cpu_ms": "CPU ms",
    "wall_ms": "wall ms",
    "x": "x floor",
    "modules": "modules",
}
WHOLE = "from metier import Metier"
IMPORTS = {BARE: "", "import fastapi": "import fastapi", "import metier": "import metier", WHOLE: WHOLE}


async def run(options: Options) -> Report:
    """Measure the row."""
    imports = await interleave([Candidate(name, _import(code)) for name, code in IMPORTS.items()], options.rounds)
    async with home(0) as place:
        starts = [
            Candidate(SERVER_FLOOR, _start(_bare_server)),
            Candidate("metier serve", _start(lambda: serving(place.folder))),
        ]
        started = await interleave(starts, min(options.rounds, 3))
    lines = [{"name": name, "x": ratio(got, imports[BARE], "wall_ms"), **got} for name, got in imports.items()]
    lines += [{"name": name, "x": ratio(got, started[SERVER_FLOOR], "wall_ms"), **got} for name, got in started.items()]
    ours = imports["import metier"]
    goals = [
        Goal("import metier", 0.15, (ours["wall_ms"] - imports[BARE]["wall_ms"]) / 1e3, "s"),
        Goal("import metier, modules", 350, ours["modules"], "modules"),
        Goal("metier serve until /healthz answers", 0.8, started["metier serve"]["wall_ms"] / 1e3, "s"),
    ]
    notes = [
        READING,
        "Imports run with compiled files; the goal's time is without the interpreter's own start.",
        "The server's start is with its embedded database already running and migrated.",
    ]
    return Report(NAME, TITLE, COLUMNS, lines, ("x",), goals, notes)


def _import(code: str) -> Callable[[], Awaitable[Mapping[str, float]]]:
    async def measure() -> Mapping[str, float]:
        cpu, wall = _children_cpu_s(), perf_counter()
        told = await _told(f"{code}\nimport sys\nprint(len(sys.modules))")
        wall = perf_counter() - wall
        return {"cpu_ms": (_children_cpu_s() - cpu) * 1e3, "wall_ms": wall * 1e3, "modules": float(told)}

    return measure


async def _told(code: str) -> str:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdin=DEVNULL, stdout=PIPE)
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{code!r} ended with code {process.returncode}")
    return told.decode()


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(serve: Callable[[], AbstractAsyncContextManager[object]]) -> Callable[[], Awaitable[Mapping[str, float]]]:
    async def measure() -> Mapping[str, float]:
        start = perf_counter()
        async with serve():  # entered when the server answers
            return {"wall_ms": (perf_counter() - start) * 1e3}

    return measure


@asynccontextmanager
async def _bare_server() -> AsyncGenerator[None, None]:
    async with server("-m", "bench.floors.healthy") as (child, port):
        await until_healthy(port, child)
        yield
