"""The database: opening it, asking it, and hearing from it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, Self, TypeVar, cast

import psycopg
from psycopg.rows import dict_row

from metier.errors import Unavailable
from metier.settings import Settings
from metier.store import migrate as migration
from metier.store.connections import OLDEST_SERVER, Connection, Connections, Row, connection_string
from metier.store.embedded import EmbeddedServer
from metier.store.listener import Listener

Params = Mapping[str, Any] | Sequence[Any]  # Any: whatever psycopg adapts; JSON values go in as `Json(value)`
Cursor = psycopg.AsyncCursor[Row]

T = TypeVar("T")

CONNECTIONS_MAX = 20


@dataclass(frozen=True)
class Health:
    """What the database says of itself.

    Attributes:
        server_version: As PostgreSQL writes it, e.g. `18.4`.
        embedded: Whether it is the one that Metier brings along.
        vector: Version of the extension pgvector that can be used, or None.
        revision: Migration the tables are at, or None before the first.
        head: Migration this Metier brings.
    """

    server_version: str
    embedded: bool
    vector: str | None
    revision: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        """Whether all tables that this Metier needs are there; newer ones do no harm."""
        return self.revision is not None and self.revision >= self.head


class Transaction:
    """Statements that take effect together, or not at all."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def rows(self, sql: str, params: Params = ()) -> list[Row]:
        """Give all rows."""
        return await _rows(self._cursor(), sql, params)

    async def row(self, sql: str, params: Params = ()) -> Row | None:
        """Give the first row, or None."""
        return await _row(self._cursor(), sql, params)

    async def value(self, sql: str, params: Params = ()) -> Any:
        """Give the first column of the first row, or None."""
        return await _value(self._cursor(), sql, params)

    async def execute(self, sql: str, params: Params = ()) -> int:
        """Run a statement and give the number of rows it touched."""
        return await _execute(self._cursor(), sql, params)

    async def notify(self, channel: str) -> None:
        """Tell all listeners of the channel, once the transaction commits."""
        await self.execute("select pg_notify(%s, '')", [channel])

    def _cursor(self) -> Cursor:
        return self.connection.cursor(binary=True, row_factory=dict_row)


class Database:
    """One PostgreSQL database, for one event loop.

    Statements take parameters as `%s` or `%(name)s`; a statement without parameters is sent as it is. Each statement
    of its own commits by itself. Rows come as dicts, JSON as Python values, times aware in UTC.
    """

    def __init__(self, url: str, *, listen_url: str | None = None, server: EmbeddedServer | None = None) -> None:
        self.url = url
        self.direct_url = listen_url or url  # for whoever needs a session that is not shared
        self._server = server
        self._connections = Connections(connection_string(url), CONNECTIONS_MAX)
        direct = self._connections
        if listen_url is not None:
            direct = Connections(connection_string(listen_url), 1)
        self._direct = direct
        self._listener = Listener(direct)

    @classmethod
    async def open(cls, settings: Settings, *, migrate: bool = True) -> Self:
        """Open the database of the settings: `database_url`, or the embedded one in `home`.

        Safe to call from several processes at once, on an empty home too.

        Args:
            settings: Where it is.
            migrate: Bring the tables up to date first.

        Raises:
            UnsafeHome: The home could not keep the embedded database to itself.
            Unavailable: The database does not answer, or is too old.
        """
        server = None
        if settings.database_url is None:
            server = await _enter(settings.home)
        url = settings.database_url if server is None else server.url
        database = cls(
            cast(str, url), listen_url=settings.database_listen_url if server is None else None, server=server
        )
        try:
            await database._check_version()
            if migrate:
                await database._migrate()
        except BaseException:
            await database.aclose()
            raise
        return database

    async def aclose(self) -> None:
        """Close all connections; the last process to leave the embedded server stops it."""
        await self._listener.aclose()
        await self._direct.aclose()
        await self._connections.aclose()
        server, self._server = self._server, None
        if server is not None:
            await asyncio.to_thread(server.leave)

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a psycopg connection in autocommit; for the hot paths that shape their own statements."""
        return self._connections.take()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Open a transaction; it commits when the block ends and rolls back when it raises.

        Never keep one open across a model, tool or sandbox call.
        """
        async with self.connection() as connection, connection.transaction():
            yield Transaction(connection)

    async def rows(self, sql: str, params: Params = ()) -> list[Row]:
        """Give all rows."""
        return await self._run(_rows, sql, params)

    async def row(self, sql: str, params: Params = ()) -> Row | None:
        """Give the first row, or None."""
        return await self._run(_row, sql, params)

    async def value(self, sql: str, params: Params = ()) -> Any:
        """Give the first column of the first row, or None."""
        return await self._run(_value, sql, params)

    async def execute(self, sql: str, params: Params = ()) -> int:
        """Run a statement and give the number of rows it touched."""
        return await self._run(_execute, sql, params)

    async def notify(self, channel: str) -> None:
        """Tell all listeners of the channel, in every process."""
        await self.execute("select pg_notify(%s, '')", [channel])

    def on_notify(self, channel: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when the channel is notified; give the function that ends it.

        It is called too when listening has begun and when it was interrupted: there may be news then. Callbacks
        run on the event loop, must be quick (set an `asyncio.Event`) and must not raise.
        """
        return self._listener.subscribe(channel, callback)

    async def alive(self) -> bool:
        """Say whether the database answers."""
        try:
            return await self.value("select true")
        except Unavailable:
            return False

    async def health(self) -> Health:
        """Say how the database is.

        Raises:
            Unavailable: It does not answer.
        """
        found = await self.row(
            """
            select current_setting('server_version') as server_version,
                (select extversion from pg_extension where extname = 'vector') as vector
            """
        )
        row = found or {}
        return Health(
            server_version=row["server_version"].partition(" ")[0],
            embedded=self._server is not None,
            vector=row["vector"],
            revision=await self._revision(),
            head=migration.head(),
        )

    async def _run(self, ask: Callable[[Cursor, str, Params], Awaitable[T]], sql: str, params: Params) -> T:
        async with self.connection() as connection:
            try:
                return await ask(connection.reader, sql, params)
            except psycopg.errors.FeatureNotSupported as error:
                if "cached plan" not in str(error):
                    raise
            # A table changed under a prepared statement: nothing was run. Prepare anew.
            await connection.execute("deallocate all")
            return await ask(connection.reader, sql, params)

    async def _check_version(self) -> None:
        async with self.connection() as connection:
            version = connection.info.server_version
        if version < OLDEST_SERVER:
            raise Unavailable(
                f"The database is PostgreSQL {version // 10000}, and Metier needs {OLDEST_SERVER // 10000} or newer."
            )

    async def _revision(self) -> str | None:
        if await self.value("select to_regclass('core.alembic_version')") is None:
            return None
        return await self.value("select version_num from core.alembic_version")

    async def _migrate(self) -> None:
        revision = await self._revision()
        if revision is None or revision < migration.head():
            await asyncio.to_thread(migration.upgrade, self.url)


async def _enter(home: Path) -> EmbeddedServer:
    """Enter the embedded server; who is cancelled meanwhile leaves it again."""
    entering = asyncio.create_task(asyncio.to_thread(EmbeddedServer.enter, home))
    try:
        return await asyncio.shield(entering)
    except asyncio.CancelledError:
        server = await entering
        await asyncio.to_thread(server.leave)
        raise


async def _rows(cursor: Cursor, sql: str, params: Params) -> list[Row]:
    await cursor.execute(_text(sql), params or None)
    return await cursor.fetchall()


async def _row(cursor: Cursor, sql: str, params: Params) -> Row | None:
    await cursor.execute(_text(sql), params or None)
    return await cursor.fetchone()


async def _value(cursor: Cursor, sql: str, params: Params) -> Any:
    row = await _row(cursor, sql, params)
    return None if row is None else next(iter(row.values()), None)


async def _execute(cursor: Cursor, sql: str, params: Params) -> int:
    await cursor.execute(_text(sql), params or None)
    return cursor.rowcount


def _text(sql: str) -> LiteralString:
    """Take a statement from the rooms: values are parameters there, never in the text."""
    return cast(LiteralString, sql)
