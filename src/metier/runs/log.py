"""The log of one root run, in the process that writes it.

text delta ──▶ readers here, at once          and into a batch ──(40 ms, or a durable event)──▶ writer
durable event ──▶ writer ──(committed)──▶ readers here

Readers get events in the order of `seq`: a delta that comes while a durable event is not committed waits behind it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson

from metier.clock import Clock
from metier.errors import MetierError, RunStopped, StepInterrupted
from metier.events import Event, EventType
from metier.runs.feed import Feed
from metier.runs.form import encode
from metier.runs.writer import Committed, Write, Writer

FLUSH_S = 0.04  # with the commit itself, text is in the log within 50 ms


@dataclass(slots=True)
class _Batch:
    """Pieces of text of one run that follow each other: one row of the log."""

    run_id: UUID
    type: EventType
    part: int
    offset: int
    first_seq: int
    ts: datetime
    pieces: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class _Durable:
    """An event that readers get once it is committed; `data` as it is stored."""

    run_id: UUID
    seq: int
    ts: datetime
    type: EventType
    data: bytes


class Log:
    """Numbers, queues and publishes the events of a root run and of those below it.

    Args:
        seq: The last event that the epoch has already.
        on_loss: Called once if another process has ended or taken over the run.
    """

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        *,
        workspace_id: UUID,
        root_id: UUID,
        epoch: int,
        seq: int = 0,
        on_loss: Callable[[], None],
    ) -> None:
        self.workspace_id = workspace_id
        self.root_id = root_id
        self.epoch = epoch
        self.clock = clock
        self.key = str(root_id).encode()
        self.claim = b'{"root_id":"%b","epoch":%d}' % (self.key, epoch)
        self.fault: MetierError | None = None
        self.turn: int | None = None  # of the root run, once its row is committed
        self.limited = False  # whether the workspace has budgets, as of the last commit
        self._writer = writer
        self._on_loss = on_loss
        self._seq = seq
        self._batch: _Batch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rows: list[tuple[str, bytes]] = []  # finished batches that wait for the timer
        self._published: deque[Event] = deque()  # text that readers have and the table has not
        self._held: deque[Event | _Durable] = deque()  # behind a durable event that is not committed
        self._feeds: set[Feed] = set()

    @property
    def seq(self) -> int:
        """The last event that was numbered."""
        return self._seq

    # writing

    def delta(self, run_id: UUID, type: EventType, part: int, offset: int, text: str) -> None:
        """Give readers a piece of text, and put it into a batch."""
        if self.fault is not None:
            return
        self._seq += 1
        batch = self._batch
        if batch is None or batch.run_id != run_id or batch.type is not type or batch.part != part:
            batch = self._open_batch(run_id, type, part, offset)
        batch.pieces.append(text)
        data = {"part": part, "offset": offset, "text": text}
        event = Event(self.root_id, run_id, self.epoch, self._seq, batch.ts, type, data)
        if self._held:
            self._held.append(event)
        else:
            self._published.append(event)
            self._publish(event)

    def event_row(self, run_id: UUID, type: EventType, data: bytes) -> tuple[str, bytes]:
        """Number a durable event; its row must go into the next `write`, or readers wait for ever.

        Args:
            data: Made by `encode`.
        """
        self._close_batch()
        self._seq += 1
        event = _Durable(run_id, self._seq, self.clock.now(), type, data)
        self._held.append(event)
        return self._row(event, event.seq)

    def hold(self, kind: str, row: bytes) -> None:
        """Let a row that nobody waits for go along with the next commit, which comes within 50 ms."""
        self._rows.append((kind, row))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def write(
        self,
        rows: Sequence[tuple[str, bytes]] = (),
        *,
        states: Mapping[UUID, bytes] | None = None,
        makes: UUID | None = None,
        settles: UUID | None = None,
        last: bool = False,
    ) -> Committed:
        """Queue rows, behind the text that came before them; the future is done when they are committed.

        Awaiting it hurries the writer. Whoever does not await it learns of a failure by the next thing awaited:
        nothing is written after it.
        """
        done = Committed(self._writer.hurry)
        rows = [*self._take_rows(), *rows]
        self._writer.send(Write(self, rows, states or {}, done, makes, settles, last_seq=self._seq, last=last))
        return done

    def flush(self) -> None:
        """Queue the text that waits."""
        if rows := self._take_rows():
            self._writer.send(Write(self, rows, last_seq=self._seq), soon=True)

    # what the writer tells

    def committed(self, write: Write) -> None:
        """Publish what is now in the table, and the text that waited behind it."""
        self.turn, self.limited = write.turn, write.limited
        done = write.last_seq
        published, held = self._published, self._held
        while published and published[0].seq <= done:
            published.popleft()
        while held and (held[0].seq <= done or isinstance(held[0], Event)):
            event = held.popleft()
            if isinstance(event, _Durable):
                self._publish_durable(event)
            else:
                if event.seq > done:
                    published.append(event)
                self._publish(event)

    def failed(self, write: Write, error: MetierError) -> None:
        """Take note that nothing after this can be written."""
        self._held.clear()
        self._take_rows()
        if isinstance(error, StepInterrupted):
            self.lose(error)
        self.fault = self.fault or error

    def lose(self, error: RunStopped) -> None:
        """Give the run up: somebody else has ended or taken over it, and readers find the rest in the table."""
        if isinstance(self.fault, StepInterrupted):
            return
        self.fault = error
        self._held.clear()
        self._take_rows()
        self.cut()
        self._on_loss()

    # reading

    def subscribe(self) -> Feed:
        """Give a feed of what happens from now on; it begins with text that the table has not got yet."""
        feed = Feed(list(self._published))
        self._feeds.add(feed)
        return feed

    def unsubscribe(self, feed: Feed) -> None:
        """Forget a feed."""
        self._feeds.discard(feed)

    def cut(self) -> None:
        """End all feeds; their readers look at the table again."""
        for feed in self._feeds:
            feed.cut()
        self._feeds.clear()

    # inside

    def _publish(self, event: Event) -> None:
        for feed in self._feeds:
            feed.push(event)

    def _publish_durable(self, event: _Durable) -> None:
        if self._feeds:  # read back from what is stored: readers here and elsewhere get the very same
            data = orjson.loads(event.data)
            self._publish(Event(self.root_id, event.run_id, self.epoch, event.seq, event.ts, event.type, data))

    def _open_batch(self, run_id: UUID, type: EventType, part: int, offset: int) -> _Batch:
        self._close_batch()
        self._batch = _Batch(run_id, type, part, offset, self._seq, self.clock.now())
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
        return self._batch

    def _close_batch(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            data = encode({"part": batch.part, "offset": batch.offset, "pieces": batch.pieces})
            seq = batch.first_seq + len(batch.pieces) - 1
            self._rows.append(self._row(_Durable(batch.run_id, seq, batch.ts, batch.type, data), batch.first_seq))

    def _row(self, event: _Durable, first_seq: int) -> tuple[str, bytes]:
        row = {
            "root_id": self.root_id,
            "epoch": self.epoch,
            "seq": event.seq,
            "first_seq": first_seq,
            "workspace_id": self.workspace_id,
            "run_id": event.run_id,
            "ts": event.ts,
            "type": event.type,
            "data": orjson.Fragment(event.data),
        }
        return "events", orjson.dumps(row)

    def _take_rows(self) -> list[tuple[str, bytes]]:
        self._close_batch()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rows, self._rows = self._rows, []
        return rows
