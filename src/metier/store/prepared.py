"""Prepared statements driven through libpq, for the few writers that commit many times a second.

A cursor of psycopg costs about 50 us of CPU more for each statement; the rest of the house uses cursors.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from metier.errors import MetierError, Unavailable

_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class ConnectionLost(Unavailable):
    """The connection went away; nobody knows whether a statement under way was committed."""


class StatementRefused(MetierError):
    """The database refused a statement and changed nothing; the connection is as good as before."""

    def __init__(self, sqlstate: str, problem: str) -> None:
        super().__init__(f"The database refused a statement ({sqlstate}): {problem}")
        self.sqlstate = sqlstate


class PreparedStatements:
    """Statements of one parameter, a text, on one connection.

    Nothing else may use the connection until `close`. One statement runs at a time; each is its own transaction.
    A `run` that is cancelled leaves the connection unusable.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._pgconn: PGconn = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._socket = self._pgconn.socket
        self._lost: ConnectionLost | None = None
        self._answer: asyncio.Future[None] | None = None
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop watching the connection."""
        self._loop.remove_reader(self._socket)

    async def prepare(self, name: str, sql: str) -> None:
        """Make a statement known under a name; its parameter is written `$1`.

        Raises:
            StatementRefused: The statement is wrong.
            ConnectionLost: The connection went away.
        """
        await self._ask(lambda: self._pgconn.send_prepare(name.encode(), sql.encode()))

    async def run(self, name: str, parameter: bytes) -> list[tuple[bytes | None, ...]]:
        """Run a statement and give its rows, values as PostgreSQL writes them.

        Raises:
            StatementRefused: It was refused; nothing is changed.
            ConnectionLost: The connection went away; it may have been committed.
        """
        result = await self._ask(
            lambda: self._pgconn.send_query_prepared(name.encode(), [parameter], result_format=Format.TEXT)
        )
        columns = range(result.nfields)
        return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost

    async def _ask(self, send: Callable[[], None]) -> PGresult:
        """Send something and wait for its one result."""
        self._check()
        try:
            send()
            while self._pgconn.flush():
                await self._writable()
            found: PGresult | None = None
            while (result := await self._next_result()) is not None:
                found = result
        except psycopg.OperationalError as error:
            raise self._lose(str(error)) from None
        if found is None or self._pgconn.status != ConnStatus.OK:
            raise self._lose("the server closed the connection")
        if found.status not in _GOOD:
            raise self._refusal(found)
        return found

    async def _next_result(self) -> PGresult | None:
        while self._pgconn.is_busy():
            self._check()
            self._answer = self._loop.create_future()
            await self._answer
        return self._pgconn.get_result()

    async def _writable(self) -> None:
        """Wait until a document larger than the socket's buffer can be sent on; answers are read meanwhile."""
        ready = self._loop.create_future()
        self._loop.add_writer(self._socket, lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            self._loop.remove_writer(self._socket)
        self._check()

    def _read(self) -> None:
        try:
            self._pgconn.consume_input()
        except psycopg.OperationalError as error:
            self._lose(str(error))
        waiting = self._answer
        if waiting is not None and not waiting.done() and (self._lost or not self._pgconn.is_busy()):
            waiting.set_result(None)

    def _lose(self, problem: str) -> ConnectionLost:
        self._loop.remove_reader(self._socket)
        self._lost = self._lost or ConnectionLost(f"The connection to the database is lost: {problem.strip()}")
        return self._lost

    def _refusal(self, result: PGresult) -> MetierError:
        sqlstate = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
        problem = (result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace")
        if sqlstate.startswith(("08", "57P")):  # connection exceptions, the server shuts down
            return self._lose(problem)
        return StatementRefused(sqlstate, problem)
