"""News from the database: one LISTEN connection per process, kept alive, whose notifications carry no content.

A callback is told that there may be news, no more: it is called once when listening has begun, after each
notification, and after each time the connection was lost and made again. So who reads the table then misses nothing.
"""

import asyncio
from collections.abc import Callable

import psycopg
from psycopg import sql

from metier.errors import Unavailable
from metier.redaction import get_logger
from metier.store.connections import Connection, Connections

Callback = Callable[[], None]

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


class Listener:
    """Calls callbacks when their channel is notified, on any process."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._callbacks: dict[str, list[Callback]] = {}
        self._heard: set[str] = set()  # channels the connection listens to
        self._wake = asyncio.Event()  # a new channel, or the connection was lost
        self._lost = False
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, channel: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` on news of `channel`, from now until the returned function is called."""
        self._callbacks.setdefault(channel, []).append(callback)
        if channel in self._heard:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="store listener")
        return lambda: self._unsubscribe(channel, callback)

    async def aclose(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _unsubscribe(self, channel: str, callback: Callback) -> None:
        """Forget the callback; the channel stays listened to, which costs nothing."""
        callbacks = self._callbacks.get(channel, [])
        if callback in callbacks:
            callbacks.remove(callback)

    async def _keep(self) -> None:
        """Hold a listening connection for ever, with pauses when there is none to be had."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                connection = await self._connections.open()
                connection.add_notify_handler(self._note)
                try:
                    await self._listen(connection)
                    pause_s = FIRST_PAUSE_S
                    await self._watch(connection)
                finally:
                    await self._connections.discard(connection)
            except (Unavailable, psycopg.Error) as error:
                get_logger().warning("listening interrupted", reason=str(error).strip(), again_in_s=pause_s)
            self._heard.clear()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _listen(self, connection: Connection) -> None:
        """Listen to all channels that are wanted and not heard yet, then say so."""
        self._wake.clear()
        for channel in self._callbacks.keys() - self._heard:
            await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            self._heard.add(channel)
            self._tell(channel)

    async def _watch(self, connection: Connection) -> None:
        """Wait for news until the connection is lost."""
        self._lost = False
        loop = asyncio.get_running_loop()
        while not self._lost:
            file = connection.fileno()
            loop.add_reader(file, self._read, connection)
            self._read(connection)  # what came while a statement ran
            try:
                await self._wake.wait()
            finally:
                loop.remove_reader(file)
            if not self._lost:
                await self._listen(connection)

    def _read(self, connection: Connection) -> None:
        try:
            connection.pgconn.consume_input()
        except psycopg.OperationalError as error:
            get_logger().warning("listening interrupted", reason=str(error).strip())
            self._lost = True
            self._wake.set()
            return
        while news := connection.pgconn.notifies():
            self._tell(news.relname.decode())

    def _note(self, news: psycopg.Notify) -> None:
        """Take news that came while a statement ran on the connection."""
        self._tell(news.channel)

    def _tell(self, channel: str) -> None:
        loop = asyncio.get_running_loop()
        for callback in self._callbacks.get(channel, ()):
            loop.call_soon(callback)
