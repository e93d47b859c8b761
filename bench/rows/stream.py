"""A streamed answer of 100 tokens, from a person's message to the last event, against a bare pass-through."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any

import orjson

from bench.client import Client
from bench.harness import READING, Candidate, Goal, Measured, Options, Report, interleave, ratio
from bench.home import PROVIDER, Home, home, serving
from bench.machine import cpu_s
from bench.processes import server

NAME = "stream"
TITLE = "Streamed answer of 100 tokens"
TOKENS = 100
FLOOR = "httpx2"
COLUMNS = {
    "name": "candidate",
    "case": "case",
    "cpu_ms": "server CPU ms",
    "x_httpx": f"x {FLOOR}",
    "x_aiohttp": "x aiohttp",
    "first_ms": "first token p50 ms",
    "added_ms": "added by us ms",
    "total_ms": "total p50 ms",
    "bytes": "bytes/token",
    "pg_ms": "PostgreSQL CPU ms",
}


@dataclass(frozen=True)
class Case:
    """How the model answers, and how many ask at once."""

    label: str
    model: str
    in_flight: int
    answers: int


CASES = (
    Case("at once, 1 client", "stream-100", 1, 100),
    Case("at once, 16 clients", "stream-100", 16, 160),
    Case("3 ms a token, 1 client", "paced-100", 1, 8),
    Case("3 ms a token, 16 clients", "paced-100", 16, 64),
)


@dataclass(frozen=True)
class Answer:
    """What a client saw: seconds until the first token and the end, and bytes of the stream."""

    first_s: float
    total_s: float
    bytes: int


Body = AsyncGenerator[bytes, None]
Asking = Callable[[Client, Case], Awaitable[Callable[[], Body]]]  # prepares one question; calling the result asks it


@dataclass(frozen=True)
class Side:
    """One server to measure."""

    name: str
    pid: int
    port: int
    asking: Asking
    headers: Mapping[str, str]
    postgres: int | None = None


async def run(options: Options) -> Report:
    """Measure the row."""
    lines: list[Mapping[str, Any]] = []
    async with AsyncExitStack() as stack:
        _, port = await stack.enter_async_context(server("-m", "bench.floors.model"))
        sides = await _sides(stack, f"http://127.0.0.1:{port}/v1")
        for case in CASES:
            candidates = [_candidate(side, case, options.units(case.answers)) for side in sides]
            lines += _lines(await interleave(candidates, _rounds(case, options)), case)
    return Report(NAME, TITLE, COLUMNS, lines, ("x_httpx", "x_aiohttp"), _goals(lines), _notes())


def _rounds(case: Case, options: Options) -> int:
    return options.rounds if case.model.startswith("stream") else min(options.rounds, 3)


async def _sides(stack: AsyncExitStack, url: str) -> list[Side]:
    sides: list[Side] = []
    for library in (FLOOR, *(["httpx"] if find_spec("httpx") else []), "aiohttp"):
        child, port = await stack.enter_async_context(server("-m", "bench.floors.stream", library, url))
        sides.append(Side(library, child.pid, port, _ask_floor, {}))
    place = await stack.enter_async_context(home(0))
    child, port, _ = await stack.enter_async_context(serving(place.folder, url))
    return [*sides, _ours(place, child.pid, port)]


def _ours(place: Home, pid: int, port: int) -> Side:
    return Side("metier", pid, port, _ask_us, place.headers, place.postgres)


async def _ask_floor(client: Client, case: Case) -> Callable[[], Body]:
    return lambda: client.stream("POST", "/", {"model": case.model, "text": "Say a hundred words."})


async def _ask_us(client: Client, case: Case) -> Callable[[], Body]:
    status, body = await client.json("POST", "/api/v1/threads", {"model": f"{PROVIDER}/{case.model}"})
    if status >= 300:
        raise RuntimeError(f"no thread: {status} {body!r}")
    thread = orjson.loads(body)["id"]

    async def ask() -> Body:
        status, body = await client.json("POST", f"/api/v1/threads/{thread}/messages", {"text": "Say a hundred words."})
        if status >= 300:
            raise RuntimeError(f"no run: {status} {body!r}")
        async with aclosing(client.stream("GET", f"/api/v1/runs/{orjson.loads(body)['run_id']}/events")) as chunks:
            async for chunk in chunks:
                yield chunk

    return ask


def _candidate(side: Side, case: Case, answers: int) -> Candidate:
    async def measure() -> Mapping[str, float]:
        clients = [await Client.open(side.port, side.headers) for _ in range(case.in_flight)]
        questions = [await side.asking(clients[i % case.in_flight], case) for i in range(answers)]
        try:
            return await _timed(side, questions, case.in_flight)
        finally:
            for client in clients:
                await client.close()

    return Candidate(side.name, measure)


async def _timed(side: Side, questions: list[Callable[[], Body]], in_flight: int) -> Mapping[str, float]:
    before, pg_before = cpu_s(side.pid), cpu_s(side.postgres) if side.postgres else 0.0
    per_client = await asyncio.gather(*(_one_after_the_other(questions[i::in_flight]) for i in range(in_flight)))
    took = cpu_s(side.pid) - before
    answers = [answer for one in per_client for answer in one]
    got = {
        "cpu_ms": took / len(answers) * 1e3,
        "first_ms": median(answer.first_s for answer in answers) * 1e3,
        "total_ms": median(answer.total_s for answer in answers) * 1e3,
        "bytes": median(answer.bytes for answer in answers) / TOKENS,
    }
    if side.postgres:
        got["pg_ms"] = (cpu_s(side.postgres) - pg_before) / len(answers) * 1e3
    return got


async def _one_after_the_other(questions: list[Callable[[], Body]]) -> list[Answer]:
    return [await _listen(ask) for ask in questions]


async def _listen(ask: Callable[[], Body]) -> Answer:
    start, first, size, last = perf_counter(), 0.0, 0, b""
    async with aclosing(ask()) as chunks:
        async for chunk in chunks:
            first = first or (perf_counter() if b"event: token" in chunk else 0.0)
            size += len(chunk)
            last = chunk
    if not first or b"event: complete" not in last:
        raise RuntimeError(f"the answer is not whole: {last!r}")
    return Answer(first - start, perf_counter() - start, size)


def _lines(measured: Measured, case: Case) -> list[Mapping[str, Any]]:
    return [
        {
            "name": name,
            "case": case.label,
            "x_httpx": ratio(got, measured[FLOOR], "cpu_ms"),
            "x_aiohttp": ratio(got, measured["aiohttp"], "cpu_ms"),
            "added_ms": got["first_ms"] - measured[FLOOR]["first_ms"] if name == "metier" else None,
            **got,
        }
        for name, got in measured.items()
    ]


def _goals(lines: list[Mapping[str, Any]]) -> list[Goal]:
    ours = {line["case"]: line for line in lines if line["name"] == "metier"}
    at_once, paced = ours[CASES[0].label], ours[CASES[2].label]
    return [
        Goal(f"{at_once['case']}: CPU against {FLOOR}", 1.0, at_once["x_httpx"]),
        Goal(f"{at_once['case']}: CPU", 3.0, at_once["cpu_ms"], "ms"),
        Goal(f"{at_once['case']}: first token, added", 3.0, at_once["added_ms"], "ms"),
        Goal(f"{at_once['case']}: wire", 45.0, at_once["bytes"], "bytes/token"),
        Goal(f"{paced['case']}: CPU against {FLOOR}", 0.8, paced["x_httpx"]),
        Goal(f"{paced['case']}: CPU against aiohttp", 1.5, paced["x_aiohttp"]),
    ]


def _notes() -> list[str]:
    return [
        READING,
        "metier: POST of the message, then GET of the run's events; first token is counted from the POST.",
        "metier looks up key, thread and authority, offers the default agent's tools, and commits every row.",
    ]
