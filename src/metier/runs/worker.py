"""This process as a worker: its heartbeat, and the one sweep that ends what dead workers left behind.

Leases go by the database's clock, so that no two machines need to agree on the time.
"""

import os
import socket
from collections.abc import Sequence
from uuid import UUID

from metier.clock import Clock
from metier.runs.statement import CHANNEL
from metier.store import Database, Json

HEARTBEAT_S = 5.0
SILENT_S = 30.0  # six missed heartbeats: this long without one, and a worker counts as dead
INTERRUPTED = {
    "error": "StepInterrupted",
    "message": "The process doing the work went away; nobody knows how far it came.",
    "cure": "Ask again.",
}

_OPEN = "('queued', 'running')"  # runs that wait for a person belong to no worker

_SILENT = """
update core.worker set ended_at = clock_timestamp()
where ended_at is null and heartbeat_at < clock_timestamp() - make_interval(secs => %(silent_s)s)
"""

_FORGET = f"""
delete from core.worker w
where w.ended_at < clock_timestamp() - interval '1 day'
    and not exists (select from core.run r where r.worker_id = w.id and r.status in {_OPEN})
"""

_LEFT_BEHIND = f"""
select r.id, r.epoch from core.run r join core.worker w on w.id = r.worker_id
where r.status in {_OPEN} and r.parent_id is null and w.ended_at is not null
order by r.id
"""

# A child that was begun in the very moment in which its root run was ended.
_ORPHANS = f"""
update core.run c set status = 'interrupted', stop_reason = 'interrupted', error = %(error)s, ended_at = %(now)s
from core.worker w, core.run r
where c.status in {_OPEN} and c.parent_id is not null and w.id = c.worker_id and w.ended_at is not null
    and r.id = c.root_id and r.status not in ('queued', 'running', 'waiting')
"""

# One statement: the new epoch shuts out late writes, and readers get `error`, then `complete` of each open run, the
# root's last.
_INTERRUPT = f"""
with root as (
    update core.run set epoch = epoch + 1, status = 'interrupted', stop_reason = 'interrupted', error = %(error)s,
        ended_at = %(now)s
    where id = %(id)s and epoch = %(epoch)s and status in {_OPEN}
    returning *
),
below as (
    update core.run c set status = 'interrupted', stop_reason = 'interrupted', error = %(error)s, ended_at = %(now)s
    from root
    where c.workspace_id = root.workspace_id and c.root_id = root.id and c.id <> root.id
        and c.status in ('queued', 'running', 'waiting')
    returning c.*
),
ended as (select *, 1 as place from below union all select *, 2 as place from root),
told as (
    select id, 0 as place, created_at, 'error' as type, %(error)s::jsonb as data from root
    union all
    select id, place, created_at, 'complete', jsonb_build_object(
        'status', status, 'output', output, 'stop_reason', stop_reason, 'usage', usage, 'cost', cost_micros
    ) from ended
),
numbered as (select *, row_number() over (order by place, created_at desc, id desc)::int as seq from told),
events as (
    insert into core.event (root_id, epoch, seq, first_seq, workspace_id, run_id, ts, type, data)
    select root.id, root.epoch, n.seq, n.seq, root.workspace_id, n.id, %(now)s, n.type, n.data from numbered n, root
)
select core.close_calls(root.id, %(error)s, %(now)s), pg_notify('{CHANNEL}', '') from root
"""


class Worker:
    """This process, as the others see it in `core.worker`."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self.id = clock.new_id()

    async def begin(self) -> None:
        """Make the process known; again under a new id if it was taken for dead."""
        self.id = self._clock.new_id()
        await self._db.execute(_FORGET)
        await self._db.execute(
            "insert into core.worker (id, host, pid) values (%s, %s, %s)", [self.id, socket.gethostname(), os.getpid()]
        )

    async def beat(self) -> bool:
        """Say that the process lives; False if it was taken for dead."""
        beaten = await self._db.execute(
            "update core.worker set heartbeat_at = clock_timestamp() where id = %s and ended_at is null", [self.id]
        )
        return beaten == 1

    async def end(self) -> None:
        """Say that the process goes."""
        await self._db.execute(
            "update core.worker set ended_at = clock_timestamp() where id = %s and ended_at is null", [self.id]
        )

    async def sweep(self) -> int:
        """End what dead workers left behind; gives the number of root runs. Safe on all processes at once."""
        await self._db.execute(_SILENT, {"silent_s": SILENT_S})
        left = await self._db.rows(_LEFT_BEHIND)
        ended = [await self.interrupt(row["id"], row["epoch"]) for row in left]
        await self._db.execute(_ORPHANS, self._facts())
        return sum(ended)

    async def interrupt(self, root_id: UUID, epoch: int) -> bool:
        """End an open root run and those below it as `interrupted`; False if it is not at this epoch any more."""
        return bool(await self._db.rows(_INTERRUPT, {"id": root_id, "epoch": epoch, **self._facts()}))

    async def stopped(self, run_ids: Sequence[UUID]) -> list[UUID]:
        """Give those of the runs that somebody wants to stop."""
        rows = await self._db.rows(
            "select id from core.run where id = any(%s) and stop_requested_at is not null", [list(run_ids)]
        )
        return [row["id"] for row in rows]

    def _facts(self) -> dict[str, object]:
        return {"error": Json(INTERRUPTED), "now": self._clock.now()}
