"""An agent's turn of 5 model calls and 4 tool calls, every message durable, against raw loops that store nothing."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from bench.harness import READING, Candidate, Goal, Measured, Options, Report, interleave, ratio
from bench.home import Home, home
from bench.machine import cpu_s
from bench.processes import Child, python, server

NAME = "loop"
TITLE = "Agent turn of 5 model calls and 4 tool calls, every message durable"
IN_FLIGHT = (1, 16)
TURNS = {1: 150, 16: 320}
FLOOR = "httpx2"  # the httpx that the lock pins
COLUMNS = {
    "name": "candidate",
    "in_flight": "in flight",
    "cpu_us": "client CPU us",
    "x_httpx": f"x {FLOOR}",
    "x_aiohttp": "x aiohttp",
    "p50_us": "wall p50 us",
    "per_s": "turns/s",
    "pg_us": "PostgreSQL CPU us",
}


async def run(options: Options) -> Report:
    """Measure the row."""
    lines: list[Mapping[str, Any]] = []
    async with AsyncExitStack() as stack:
        _, port = await stack.enter_async_context(server("-m", "bench.floors.model"))
        place = await stack.enter_async_context(home(0))
        workers = await _workers(stack, place, f"http://127.0.0.1:{port}/v1")
        for in_flight in IN_FLIGHT:
            turns = options.units(TURNS[in_flight])
            candidates = [_candidate(name, worker, place, turns, in_flight) for name, worker in workers.items()]
            lines += _lines(await interleave(candidates, options.rounds), in_flight)
    return Report(NAME, TITLE, COLUMNS, lines, ("x_httpx", "x_aiohttp"), _goals(lines), _notes())


async def _workers(stack: AsyncExitStack, place: Home, url: str) -> dict[str, Child]:
    floors = [FLOOR, f"{FLOOR}-streamed", *(["httpx"] if find_spec("httpx") else []), "aiohttp"]
    started = {name: await stack.enter_async_context(python("-m", "bench.floors.loop", name, url)) for name in floors}
    ours = await stack.enter_async_context(python("-m", "bench.ours.loop", str(place.folder), url))
    return started | {"metier": ours}


def _candidate(name: str, worker: Child, place: Home, turns: int, in_flight: int) -> Candidate:
    async def measure() -> Mapping[str, float]:
        before = cpu_s(place.postgres)
        took = await worker.ask({"turns": turns, "in_flight": in_flight})
        if name != "metier":
            return took
        return {**took, "pg_us": (cpu_s(place.postgres) - before) / turns * 1e6}

    return Candidate(name, measure)


def _lines(measured: Measured, in_flight: int) -> list[Mapping[str, Any]]:
    return [
        {
            "name": name,
            "in_flight": str(in_flight),
            "x_httpx": ratio(got, measured[FLOOR], "cpu_us"),
            "x_aiohttp": ratio(got, measured["aiohttp"], "cpu_us"),
            "per_s": 1e6 / got["wall_us"],
            **got,
        }
        for name, got in measured.items()
    ]


def _goals(lines: list[Mapping[str, Any]]) -> list[Goal]:
    ours = {line["in_flight"]: line for line in lines if line["name"] == "metier"}
    return [Goal(f"client CPU against {FLOOR}, {n} in flight", 0.5, ours[str(n)]["x_httpx"]) for n in IN_FLIGHT]


def _notes() -> list[str]:
    return [
        READING,
        f"httpx2 {version('httpx2')} is what the lock pins; `-streamed` reads each answer as a stream, as metier does.",
        "The floors check and store nothing.",
        "metier: authority looked up for every step, arguments validated, messages, events and calls committed.",
    ]
