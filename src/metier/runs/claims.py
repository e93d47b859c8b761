"""Who works on a root run: taking it over, handing it on, ending one that nobody can go on with.

running, its worker gone ──┐
queued: handed on          ├──▶ claimed: a new epoch, which shuts the old owner out ──▶ running here
waiting ──(an answer)──▶ queued

The epoch is raised by a statement of its own: it waits for a write under way (see `metier.runs.statement`), and what
follows it in the same transaction sees what that write has stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from metier.clock import Clock
from metier.engine import WORK_CHANNEL, Worker
from metier.events import EventType
from metier.llm.messages import ToolResult
from metier.runs.run import COLUMNS, Run
from metier.runs.statement import CHANNEL
from metier.store import Database, Json, Transaction

INTERRUPTED = {
    "error": "StepInterrupted",
    "message": "The process doing the work went away; nobody knows how far it came.",
    "cure": "Ask again.",
}

_FORGET = """
delete from core.worker w
where w.ended_at < clock_timestamp() - interval '1 day'
    and not exists (select from core.run r where r.worker_id = w.id and r.status in ('queued', 'running'))
"""

_LEFT = """
select r.id, r.epoch, r.kind, r.workspace_id, r.name, r.thread_id
from core.run r left join core.worker w on w.id = r.worker_id
where r.status in ('queued', 'running') and r.parent_id is null and (w.id is null or w.ended_at is not null)
order by r.created_at, r.id
"""

# A child that was begun in the very moment in which its root run ended.
_ORPHANS = """
update core.run c set status = 'interrupted', stop_reason = 'interrupted', error = %(error)s, ended_at = %(now)s
from core.worker w, core.run r
where c.status in ('queued', 'running') and c.parent_id is not null and w.id = c.worker_id and w.ended_at is not null
    and r.id = c.root_id and r.status not in ('queued', 'running', 'waiting')
"""

_CLAIM = f"""
update core.run r
set epoch = epoch + 1, worker_id = %(worker)s, status = 'running',
    take_overs = case
        when worker_id is null then take_overs -- handed on in good order
        when m.said > progress then 1
        else take_overs + 1
    end,
    progress = m.said
from (select count(*)::int as said from core.message where run_id = %(id)s) m
where id = %(id)s and epoch = %(epoch)s and status in ('queued', 'running')
returning {COLUMNS}, take_overs, stop_requested_at is not null as to_stop
"""

_END_ROOT = """
update core.run
set epoch = epoch + 1, status = 'interrupted', stop_reason = 'interrupted', error = %(error)s, ended_at = %(now)s
where id = %(id)s and epoch = %(epoch)s and status in ('queued', 'running')
returning id
"""

# Nobody knows how the calls under way have ended. Readers get the `complete` of each open run below; and of the root
# run, if it has ended, `error` before all and `complete` after.
_END_BELOW = """
with root as (select * from core.run where id = %(id)s),
below as (
    update core.run c set status = 'interrupted', stop_reason = 'interrupted', error = %(error)s, ended_at = %(now)s
    from root
    where c.workspace_id = root.workspace_id and c.root_id = root.id and c.id <> root.id
        and c.status in ('queued', 'running', 'waiting')
    returning c.*
),
ended as (
    select *, 1 as place from below
    union all
    select *, 2 as place from root where status = 'interrupted'
),
told as (
    select id, 0 as place, created_at, 'error' as type, %(error)s::jsonb as data from ended where place = 2
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
select (select count(*) from numbered)::int as told, core.close_calls(%(id)s, %(error)s, %(now)s)
"""

# Where the last message stands in the log, and what the log has of the run behind it. Time counts while somebody was
# at work: from the first to the last event of each epoch.
_STATE = """
with last as (
    select seq, coalesce(epoch, 2147483647) as epoch, coalesce(log_seq, 0) as log_seq from core.message
    where run_id = %(id)s order by seq desc limit 1
),
log as (
    select e.epoch, e.seq, e.ts, e.type, e.data, (e.epoch, e.seq) > (last.epoch, last.log_seq) as behind
    from core.event e, last where e.root_id = %(id)s and e.run_id = %(id)s
),
parts as (
    select
        min((data->>'part')::int) filter (where behind) as unfinished,
        max((data->>'part')::int) as latest
    from log where type in ('token', 'reasoning')
),
spans as (
    select extract(epoch from max(ts) - case when epoch = 1 then %(began)s else min(ts) end)::float8 as s
    from log group by epoch
)
select last.seq as messages,
    coalesce(unfinished, latest + 1, 0) as part,
    (select jsonb_build_array(epoch, seq) from log where not behind order by epoch desc, seq desc limit 1) as kept,
    (select coalesce(sum(greatest(s, 0)), 0) from spans) as worked_s,
    (
        select coalesce(jsonb_agg(jsonb_build_object('type', type, 'data', data) order by epoch, seq), '[]')
        from log where behind and type in ('tool_call', 'tool_result')
    ) as calls
from last, parts
"""

_RESUMED = """
insert into core.event (root_id, epoch, seq, first_seq, workspace_id, run_id, ts, type, data)
values (%(id)s, %(epoch)s, %(seq)s, %(seq)s, %(workspace)s, %(id)s, %(now)s, %(type)s, %(data)s)
"""

_HAND_ON = f"""
with given as (
    update core.run set status = 'queued', worker_id = null, epoch = epoch + 1
    where id = %(id)s and epoch = %(epoch)s and status = 'running' and parent_id is null
    returning id
)
select pg_notify('{WORK_CHANNEL}', '') from given
"""

_REQUEUE = f"""
with given as (
    update core.run set status = 'queued', worker_id = null, epoch = epoch + 1
    where id = %(id)s and status = 'waiting' and parent_id is null
    returning id
)
select pg_notify('{WORK_CHANNEL}', '') from given
"""


#: The state of a run without messages.
_NOTHING_SAID: Mapping[str, Any] = {"messages": 0, "part": 0, "kept": None, "worked_s": 0.0, "calls": ()}


@dataclass(frozen=True)
class Left:
    """What earlier owners of a run have left behind for who goes on with it.

    Attributes:
        results: What tools answered to calls of the last message, by call id; the message of them is not stored.
        begun: Calls of the last message that were begun and have no result.
        worked_s: Seconds that were worked on the run.
        take_overs: How many workers died with it since it last got on.
    """

    results: Mapping[str, ToolResult] = field(default_factory=dict[str, ToolResult])
    begun: frozenset[str] = frozenset()
    worked_s: float = 0.0
    take_overs: int = 0


@dataclass(frozen=True)
class Open:
    """A root run that nobody holds."""

    id: UUID
    epoch: int
    kind: str
    workspace_id: UUID
    name: str
    thread_id: UUID | None

    @classmethod
    def of(cls, run: Run) -> "Open":
        """Give a run of this process as others see it once it is let go of."""
        return cls(run.id, run.epoch, run.kind, run.workspace_id, run.name, run.thread_id)


@dataclass(frozen=True)
class Claim:
    """A root run that is ours now.

    Attributes:
        messages: How many it has.
        part: Number of the part of text that is written next; what the log has of it is taken back.
        seq: The last event of the new epoch.
        to_stop: Whether somebody wants it to stop.
    """

    run: Run
    left: Left
    messages: int
    part: int
    seq: int
    to_stop: bool


class ClaimTable:
    """The claims on root runs, in the database."""

    def __init__(self, db: Database, clock: Clock, worker: Worker) -> None:
        self._db = db
        self._clock = clock
        self._worker = worker

    async def forget_workers(self) -> int:
        """Forget workers that ended a day ago and left nothing open; give how many."""
        return await self._db.execute(_FORGET)

    async def open(self) -> Sequence[Open]:
        """Give the root runs that are to be worked on and that nobody holds, the oldest first."""
        return [Open(**row) for row in await self._db.rows(_LEFT)]

    async def claim(self, run: Open) -> Claim | None:
        """Take a root run over; None if somebody else was quicker."""
        async with self._db.transaction() as transaction:
            params = {"id": run.id, "epoch": run.epoch, "worker": self._worker.id}
            row = await transaction.row(_CLAIM, params)
            if row is None:
                return None
            left, to_stop = row.pop("take_overs"), row.pop("to_stop")
            return await self._state(transaction, Run.of(row), take_overs=left, to_stop=to_stop)

    async def interrupt(self, root_id: UUID, epoch: int) -> bool:
        """End an open root run and those below it as `interrupted`; False if it is not at this epoch any more."""
        async with self._db.transaction() as transaction:
            if not await transaction.rows(_END_ROOT, {"id": root_id, "epoch": epoch, **self._facts()}):
                return False
            await transaction.rows(_END_BELOW, {"id": root_id, **self._facts()})
            await transaction.execute("select pg_notify(%s, '')", [CHANNEL])
            return True

    async def end_orphans(self) -> None:
        """End runs below others that have ended without them."""
        await self._db.execute(_ORPHANS, self._facts())

    async def hand_on(self, root_id: UUID, epoch: int) -> bool:
        """Let anybody go on with a root run of ours; False if it is not ours any more."""
        return bool(await self._db.rows(_HAND_ON, {"id": root_id, "epoch": epoch}))

    async def requeue(self, root_id: UUID) -> bool:
        """Let anybody go on with a root run that waits; False if it does not wait."""
        return bool(await self._db.rows(_REQUEUE, {"id": root_id}))

    async def _state(self, transaction: Transaction, run: Run, *, take_overs: int, to_stop: bool) -> Claim:
        told = await transaction.value(_END_BELOW, {"id": run.id, **self._facts()})
        state = await transaction.row(_STATE, {"id": run.id, "began": run.started_at}) or _NOTHING_SAID
        await transaction.execute(_RESUMED, self._resumed(run, state, told + 1))
        await transaction.execute("select pg_notify(%s, '')", [CHANNEL])
        results, begun = _calls(state["calls"])
        return Claim(
            run,
            Left(results, begun, state["worked_s"], take_overs),
            messages=state["messages"],
            part=state["part"],
            seq=told + 1,
            to_stop=to_stop,
        )

    def _resumed(self, run: Run, state: Mapping[str, Any], seq: int) -> dict[str, Any]:
        epoch, kept = state["kept"] or (0, 0)
        return {
            "id": run.id,
            "epoch": run.epoch,
            "seq": seq,
            "workspace": run.workspace_id,
            "now": self._clock.now(),
            "type": EventType.RESUMED,
            "data": Json({"part": state["part"], "after": f"{epoch}-{kept}"}),
        }

    def _facts(self) -> dict[str, object]:
        return {"error": Json(INTERRUPTED), "now": self._clock.now()}


def _calls(events: Sequence[Mapping[str, Any]]) -> tuple[dict[str, ToolResult], frozenset[str]]:
    """Give what tools have answered, by call id, and the calls that were begun and have no answer."""
    results: dict[str, ToolResult] = {}
    begun: set[str] = set()
    for event in events:
        data = event["data"]
        if event["type"] == EventType.TOOL_CALL:
            begun.add(data["call_id"])
        else:
            output = {key: data[key] for key in data.keys() - {"call_id", "name", "ms", "reads"}}
            reads = tuple(data["reads"]) if "reads" in data else None
            results[data["call_id"]] = ToolResult(data["call_id"], data["name"], output, reads)
    return results, frozenset(begun - results.keys())
