"""Connections to PostgreSQL: how one is made, and the list of those that wait for work."""

import asyncio
import re
import select
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

import orjson
import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.json import set_json_dumps, set_json_loads

from metier.errors import Unavailable

Row = dict[str, Any]  # Any: the columns of the statement

PREPARE_AFTER = 1  # runs of a statement on a connection; the next one is prepared
PREPARED_MAX = 500  # statements a connection keeps
LARGE = 100  # rows; a cursor keeps its last result
WAIT_S = 30.0  # for a connection when all are at work
OLDEST_SERVER = 150000  # PostgreSQL 15

_SERVER_GONE = (psycopg.errors.AdminShutdown, psycopg.errors.CrashShutdown, psycopg.errors.IdleSessionTimeout)
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class Connection(psycopg.AsyncConnection[Any]):  # Any: rows take the form each cursor asks for
    """A connection that keeps the cursor of short statements: a new one learns each column's type again (20 us)."""

    @cached_property
    def reader(self) -> psycopg.AsyncCursor[Row]:
        """The cursor, for whoever has the connection alone and takes the whole result before the next statement."""
        return self.cursor(binary=True, row_factory=dict_row)

    def rest(self) -> None:
        """Let go of the last result, if it was large."""
        reader: psycopg.AsyncCursor[Row] | None = self.__dict__.get("reader")
        if reader is not None and reader.rowcount > LARGE:
            del self.reader


def adapters() -> AdaptersMap:
    """Say how values travel: JSON through orjson, the rest as psycopg does."""
    own = AdaptersMap(psycopg.adapters)
    set_json_dumps(_dump_json, own)
    set_json_loads(orjson.loads, own)
    return own


def connection_string(url: str) -> str:
    """Add to an address what all our connections ask for."""
    given = conninfo_to_dict(url)
    options = f"{given.get('options') or ''} -c TimeZone=UTC".strip()
    defaults = {"application_name": "metier", "connect_timeout": "10", "keepalives_idle": "30"}
    return make_conninfo(url, options=options, **{k: v for k, v in defaults.items() if k not in given})


async def connect(conninfo: str, values: AdaptersMap) -> Connection:
    """Make a connection; each statement commits by itself.

    Raises:
        Unavailable: No server answers there, or it refuses us.
    """
    try:
        connection = await Connection.connect(
            conninfo, autocommit=True, prepare_threshold=PREPARE_AFTER, context=values
        )
    except psycopg.OperationalError as error:
        raise unreachable(conninfo, error) from None
    connection.prepared_max = PREPARED_MAX
    return connection


def unreachable(conninfo: str, error: psycopg.Error) -> Unavailable:
    """Say which database does not answer, without its password."""
    parts = conninfo_to_dict(conninfo)
    place = f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"
    reason = " ".join(str(error).split())
    return Unavailable(
        f"The database at {place} does not answer: {reason}",
        cure="Look whether it runs and whether DATABASE_URL is right; without DATABASE_URL the embedded one runs.",
    )


class Connections:
    """A list of idle connections behind a semaphore.

    Args:
        limit: Most connections at once.
    """

    def __init__(self, conninfo: str, limit: int) -> None:
        self._conninfo = conninfo
        self._adapters = adapters()
        self._places = asyncio.Semaphore(limit)
        self._limit = limit
        self._all: set[Connection] = set()
        self._idle: list[Connection] = []
        self._closed = False

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[Connection]:
        """Lend a connection. One that comes back in the middle of something is closed, not lent again.

        Raises:
            Unavailable: The database is out of reach, or all connections stayed at work for `WAIT_S`.
        """
        await self._wait_for_place()
        try:
            connection = self._pop() or await self.open()
            try:
                yield connection
            except psycopg.OperationalError as error:
                if connection.broken or isinstance(error, _SERVER_GONE):
                    raise unreachable(self._conninfo, error) from error
                raise
            finally:
                await self._give_back(connection)
        finally:
            self._places.release()

    async def open(self) -> Connection:
        """Make a connection of its own, which `aclose` closes; the caller may close it before."""
        if self._closed:
            raise Unavailable("The database is closed.")
        connection = await connect(self._conninfo, self._adapters)
        self._all.add(connection)
        return connection

    async def discard(self, connection: Connection) -> None:
        """Close a connection for good."""
        self._all.discard(connection)
        await connection.close()

    async def aclose(self) -> None:
        """Close all, those at work too."""
        self._closed = True
        self._idle.clear()
        for connection in list(self._all):
            await self.discard(connection)

    async def _wait_for_place(self) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable(
                f"All {self._limit} connections to the database were at work for {WAIT_S:.0f} s."
            ) from None

    def _pop(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not _has_news(connection):
                return connection
            self._all.discard(connection)
            connection.pgconn.finish()
        return None

    async def _give_back(self, connection: Connection) -> None:
        if self._closed or connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
            await self.discard(connection)
        else:
            connection.rest()
            self._idle.append(connection)


def _has_news(connection: Connection) -> bool:
    """Say whether the server sent something to an idle connection: it does that to say good-bye."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _dump_json(value: Any) -> bytes:  # Any: any JSON value
    """Write JSON; the zero character, which jsonb cannot hold, is left out."""
    text = orjson.dumps(value)
    return _NUL.sub(rb"\1", text) if rb"\u0000" in text else text
