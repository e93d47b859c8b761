"""The floor of a page of records: SQL by hand on a bare ASGI app, psycopg rows to orjson, nobody asked who it is.

The SQL comes on standard input as one JSON line `{"url": …, "queries": {"/0": ["select …", "select count …"]}}`, since
the table's schema is named by the workspace. The second statement of a path, if there is one, counts.

Run: python -m bench.floors.records
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import psycopg
import uvloop
from psycopg.rows import dict_row

from bench.floors.serving import serve

Send = Callable[[dict[str, Any]], Awaitable[None]]
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
CONNECTIONS = 4


class Floor:
    """The app. Connections lie in a list; whoever finds none waits."""

    def __init__(
        self, connections: list[psycopg.AsyncConnection[dict[str, Any]]], queries: Mapping[str, list[str]]
    ) -> None:
        self._idle = connections
        self._free = asyncio.Semaphore(len(connections))
        self._queries = queries

    async def __call__(self, scope: dict[str, Any], receive: object, send: Send) -> None:
        page, *count = self._queries[scope["path"]]
        body: dict[str, Any] = {"data": await self._rows(page)}
        if count:
            body["total"] = (await self._rows(count[0]))[0]["total"]
        await send(START)
        await send({"type": "http.response.body", "body": orjson.dumps(body)})

    async def _rows(self, sql: str) -> list[dict[str, Any]]:
        async with self._free:
            connection = self._idle.pop()
            try:
                cursor = connection.cursor(binary=True)
                await cursor.execute(sql.encode(), prepare=True)
                return await cursor.fetchall()
            finally:
                self._idle.append(connection)


async def main() -> None:
    """Serve until ended."""
    told = orjson.loads(sys.stdin.readline())
    connect = psycopg.AsyncConnection[dict[str, Any]].connect
    connections = [await connect(told["url"], autocommit=True, row_factory=dict_row) for _ in range(CONNECTIONS)]
    await serve(Floor(connections, told["queries"]))


if __name__ == "__main__":
    uvloop.run(main())
