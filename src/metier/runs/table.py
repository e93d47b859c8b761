"""Reading logs from the table, on any process.

One task reads for all readers of the process: it waits for a NOTIFY (at most 15 s), clears the flag, then reads what
came behind each reader's place.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from metier.engine.waiting import happens
from metier.events import Cursor, Event
from metier.redaction import get_logger
from metier.runs.form import read_events
from metier.runs.statement import CHANNEL
from metier.store import Database

SAFETY_S = 15.0  # a notification that got lost is made up for after this long
PAUSE_S = 0.01  # between two looks, however many commits there are
RETRY_S = 1.0  # without a database
ROWS = 500  # of one log per look
_INT = 2**31 - 1

_READ = f"""
select f.n, r.status is null or r.status not in ('queued', 'running', 'waiting') as ended,
    e.epoch, e.seq, e.first_seq, e.run_id, e.ts, e.type, e.data
from unnest(%(roots)s::uuid[], %(epochs)s::int[], %(seqs)s::int[]) with ordinality as f(root_id, epoch, seq, n)
left join core.run r on r.id = f.root_id
left join lateral (
    select * from core.event e
    where e.root_id = f.root_id and (e.epoch, e.seq) > (f.epoch, f.seq)
    order by e.epoch, e.seq
    limit {ROWS}
) e on true
order by f.n, e.epoch, e.seq
"""


@dataclass
class Slice:
    """Events behind a place, whether there may be more, and whether the run had ended when they were read."""

    events: list[Event] = field(default_factory=list[Event])
    rows: int = 0
    ended: bool = False

    @property
    def full(self) -> bool:
        """Whether there may be more."""
        return self.rows >= ROWS


@dataclass(eq=False)
class _Ask:
    root_id: UUID
    place: Cursor
    answer: "asyncio.Future[list[Event]]"
    new: bool = True


class Table:
    """What is stored of logs."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._asks: list[_Ask] = []
        self._wake = asyncio.Event()
        self._news = False
        self._closed = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None  # from NOTIFY; None until a reader has to wait
        self._logger = get_logger("metier.runs")

    async def now(self, root_id: UUID, place: Cursor) -> Slice:
        """Give stored events behind a place, at most `ROWS` rows of them."""
        return (await self._read([(root_id, place)]))[0]

    async def more(self, root_id: UUID, place: Cursor) -> list[Event]:
        """Wait for events behind a place; empty if there will be none."""
        if self._closed.is_set():
            return (await self.now(root_id, place)).events
        ask = _Ask(root_id, place, asyncio.get_running_loop().create_future())
        self._asks.append(ask)
        self._wake.set()
        try:
            return await ask.answer
        finally:
            if ask in self._asks:
                self._asks.remove(ask)

    def _notice(self) -> None:
        """Look again: something was committed somewhere."""
        self._news = True
        if self._asks:
            self._wake.set()

    async def work(self) -> None:
        """Answer asks until closed, then answer the rest as things are."""
        while not self._closed.is_set():
            if not await happens(self._wake, SAFETY_S):
                self._news = True
            self._wake.clear()
            await happens(self._closed, PAUSE_S if await self._look() else RETRY_S)
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._news = True
        await self._look()
        for ask in self._asks:
            if not ask.answer.done():
                ask.answer.set_result([])

    def close(self) -> None:
        """Let `work` end."""
        self._closed.set()
        self._wake.set()

    async def _look(self) -> bool:
        """Answer those asks for which there is something; say whether the table could be read."""
        news, self._news = self._news, False  # cleared before reading: what comes meanwhile is read next time
        asks = [ask for ask in self._asks if (news or ask.new) and not ask.answer.done()]
        if not asks:
            return True
        try:
            slices = await self._read([(ask.root_id, ask.place) for ask in asks])
        except Exception as error:  # noqa: BLE001 - the worker's edge: readers wait until the database is back
            self._logger.warning("the log cannot be read now", cause=str(error))
            self._notice()
            return False
        for ask, found in zip(asks, slices, strict=True):
            ask.new = False
            if (found.events or found.ended) and not ask.answer.done():
                ask.answer.set_result(found.events)
            elif self._unsubscribe is None:  # a process whose readers follow its own runs never listens
                self._unsubscribe = self._db.on_notify(CHANNEL, self._notice)
        return True

    async def _read(self, places: Sequence[tuple[UUID, Cursor]]) -> list[Slice]:
        rows = await self._db.rows(
            _READ,
            {
                "roots": [root_id for root_id, _ in places],
                "epochs": [min(place.epoch, _INT) for _, place in places],
                "seqs": [min(place.seq, _INT) for _, place in places],
            },
        )
        return _slices(places, rows)


def _slices(places: Sequence[tuple[UUID, Cursor]], rows: Iterable[dict[str, Any]]) -> list[Slice]:
    """Share the rows out again; each place has at least one row, with nulls if there is no event."""
    slices = [Slice() for _ in places]
    for row in rows:
        at: int = row["n"] - 1
        root_id, place = places[at]
        slices[at].ended = row["ended"]
        if row["seq"] is not None:
            slices[at].rows += 1
            slices[at].events.extend(read_events(root_id, row, after=place))
    return slices
