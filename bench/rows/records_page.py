"""Pages of 50 records out of a million over HTTP, with key and permissions, against SQL by hand on a bare ASGI app."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from bench.client import Client
from bench.harness import READING, Candidate, Goal, Measured, Options, Report, interleave, ratio
from bench.home import Home, home, serving
from bench.machine import cpu_s
from bench.processes import server

NAME = "records_page"
FLOOR = "bare ASGI, SQL by hand"
PAGES = 200
COLUMNS = {
    "name": "candidate",
    "case": "case",
    "cpu_us": "server CPU us",
    "x_cpu": "x CPU",
    "p50_ms": "p50 ms",
    "x_p50": "x p50",
    "pg_us": "PostgreSQL CPU us",
    "x_pg": "x PostgreSQL",
    "kb": "kB",
}


@dataclass(frozen=True)
class Case:
    """A question, as our URL asks it and as SQL by hand does.

    Attributes:
        query: Parameters of the URL.
        where, order: What SQL says, `c` being the company.
        count: Ask for the number of matches too; both sides count up to 10,001.
        after_first: Ask for the page behind the first.
    """

    label: str
    query: Mapping[str, str]
    order: str
    where: str = "true"
    count: bool = False
    after_first: bool = False


NEWEST = "c.created_at desc, c.id desc"
LARGEST = "c.employees desc nulls last, c.id desc"
CASES = (
    Case("newest", {"sort": "-created_at"}, NEWEST),
    Case("newest, second page", {"sort": "-created_at"}, NEWEST, after_first=True),
    Case("by name", {"sort": "name"}, 'lower(c.name) collate "C", c.id'),
    Case("one industry, newest", {"where": '{"industry":{"eq":"energy"}}'}, NEWEST, "c.industry = 'energy'"),
    Case(
        "fewer than 5,000 employees, the largest",
        {"where": '{"employees":{"lt":5000}}', "sort": "-employees"},
        LARGEST,
        "c.employees < 5000",
    ),
    Case(
        "more than 9,900 employees, with count",
        {"where": '{"employees":{"gt":9900}}', "sort": "-employees", "count": "true"},
        LARGEST,
        "c.employees > 9900",
        count=True,
    ),
)


@dataclass(frozen=True)
class Server:
    """A server to ask, and what each request needs."""

    pid: int
    port: int
    headers: Mapping[str, str]


async def run(options: Options) -> Report:
    """Measure the row."""
    lines: list[Mapping[str, Any]] = []
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(home(options.rows))
        child, port, _ = await stack.enter_async_context(serving(place.folder))
        ours = Server(child.pid, port, place.headers)
        questions = [await _ask_both(case, ours, place) for case in CASES]
        told = {"url": place.url, "queries": {f"/{i}": sql for i, (_, sql) in enumerate(questions)}}
        child, port = await stack.enter_async_context(server("-m", "bench.floors.records", told=told))
        floor = Server(child.pid, port, {})
        pages = options.units(PAGES)
        for i, case in enumerate(CASES):
            candidates = [
                Candidate(FLOOR, _measure(floor, f"/{i}", place, pages)),
                Candidate("metier", _measure(ours, questions[i][0], place, pages)),
            ]
            lines += _lines(await interleave(candidates, options.rounds), case)
    title = f"Page of 50 out of {options.rows:,} records, over HTTP"
    return Report(NAME, title, COLUMNS, lines, ("x_cpu", "x_p50", "x_pg"), _goals(lines), _notes())


async def _ask_both(case: Case, ours: Server, place: Home) -> tuple[str, list[str]]:
    """Give our path, and the SQL by hand for the same records."""
    path = f"/api/v1/records/company?{urlencode(case.query, quote_via=quote)}"
    if not case.after_first:
        return path, _sql(case, place)
    client = await Client.open(ours.port, ours.headers)
    first = orjson.loads((await _get(client, path))[1])
    await client.close()
    last = first["data"][-1]
    after = f" and (c.created_at, c.id) < ('{last['created_at']}'::timestamptz, '{last['id']}'::uuid)"
    return f"{path}&cursor={first['next_cursor']}", _sql(case, place, after)


def _sql(case: Case, place: Home, after: str = "") -> list[str]:
    source, where = f'from "{place.schema}".company c', f"where c.deleted_at is null and {case.where}{after}"
    page = f"select {place.selects} {source} {place.joins} {where} order by {case.order} limit 51"
    count = f"select count(*) as total from (select 1 {source} {where} limit 10001) found"
    return [page, count] if case.count else [page]


def _measure(server: Server, path: str, place: Home, pages: int) -> Callable[[], Awaitable[Mapping[str, float]]]:
    async def measure() -> Mapping[str, float]:
        client = await Client.open(server.port, server.headers)
        before, pg_before = cpu_s(server.pid), cpu_s(place.postgres)
        taken = [await _get(client, path) for _ in range(pages)]
        took, pg_took = cpu_s(server.pid) - before, cpu_s(place.postgres) - pg_before
        await client.close()
        return {
            "cpu_us": took / pages * 1e6,
            "p50_ms": median(wall_s for wall_s, _ in taken) * 1e3,
            "pg_us": pg_took / pages * 1e6,
            "kb": len(taken[0][1]) / 1e3,
        }

    return measure


async def _get(client: Client, path: str) -> tuple[float, bytes]:
    """Give the seconds it took and the body."""
    start = perf_counter()
    status, body = await client.json("GET", path)
    wall_s = perf_counter() - start
    if status != 200:
        raise RuntimeError(f"GET {path} answered {status}: {body[:500]!r}")
    return wall_s, body


def _lines(measured: Measured, case: Case) -> list[Mapping[str, Any]]:
    floor = measured[FLOOR]
    return [
        {
            "name": name,
            "case": case.label,
            "x_cpu": ratio(got, floor, "cpu_us"),
            "x_p50": ratio(got, floor, "p50_ms"),
            "x_pg": ratio(got, floor, "pg_us"),
            **got,
        }
        for name, got in measured.items()
    ]


def _goals(lines: list[Mapping[str, Any]]) -> list[Goal]:
    ours = [line for line in lines if line["name"] == "metier"]
    return [
        Goal(f"{line['case']}: {what}", 2.0, line[key])
        for line in ours
        for key, what in (("x_cpu", "CPU"), ("x_p50", "p50"))
    ]


def _notes() -> list[str]:
    return [
        READING,
        "metier: Bearer key looked up, permissions, filter and sort read from the URL, JSON built by PostgreSQL.",
        "The floor: psycopg rows to orjson; nobody is asked who it is.",
    ]
