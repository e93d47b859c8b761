"""This process as the others see it in `core.worker`: it beats, and who does not beat is buried.

Leases go by the database's clock, so that no two machines need to agree on the time.
"""

import socket
from uuid import UUID

from metier.clock import Clock
from metier.engine.machine import Process
from metier.store import Database

_SILENT = """
update core.worker set ended_at = clock_timestamp()
where ended_at is null and heartbeat_at < clock_timestamp() - make_interval(secs => %(silent_s)s)
"""


class Worker:
    """A process that holds work for as long as it beats.

    Args:
        silent_s: This long without a heartbeat, and a worker counts as dead.
    """

    def __init__(self, db: Database, clock: Clock, *, silent_s: float) -> None:
        self._db = db
        self._clock = clock
        self._silent_s = silent_s
        self._process = Process.this()
        self.id = clock.new_id()

    async def begin(self) -> None:
        """Make the process known; again under a new id if it was taken for dead."""
        self.id = self._clock.new_id()
        process = self._process
        await self._db.execute(
            "insert into core.worker (id, host, pid, machine, born) values (%s, %s, %s, %s, %s)",
            [self.id, socket.gethostname(), process.pid, process.machine, process.born],
        )

    async def beat(self) -> bool:
        """Say that the process lives; False if it was taken for dead."""
        beaten = await self._db.execute(
            "update core.worker set heartbeat_at = clock_timestamp() where id = %s and ended_at is null", [self.id]
        )
        return beaten == 1

    async def end(self) -> None:
        """Say that the process goes."""
        await self._end([self.id])

    async def bury(self) -> None:
        """Take for dead who was silent for too long, and at once whose process is gone from this machine."""
        await self._db.execute(_SILENT, {"silent_s": self._silent_s})
        rows = await self._db.rows(
            "select id, pid, born from core.worker where ended_at is null and machine = %s and id <> %s",
            [self._process.machine, self.id],
        )
        machine = self._process.machine
        gone = [row["id"] for row in rows if Process(machine, row["pid"], row["born"]).is_gone()]
        if gone:
            await self._end(gone)

    async def _end(self, ids: list[UUID]) -> None:
        await self._db.execute(
            "update core.worker set ended_at = clock_timestamp() where id = any(%s) and ended_at is null", [ids]
        )
