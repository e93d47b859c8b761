"""The one writer of a process: what is queued while a commit runs goes into the next commit together.

send() → queue of Writes → one document of all that is queued → one statement, one commit → owners are told, in order

A Write that somebody waits for is committed at once, and takes along what was queued before it; the others wait a few
milliseconds for company. So an agent's step is one commit: the next model call waits for all before it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import orjson

from metier.engine.waiting import happens
from metier.errors import MetierError, RunStopped, StepInterrupted, Unavailable
from metier.redaction import get_logger
from metier.runs.statement import AGAIN, FIRST
from metier.store import Database
from metier.store.prepared import PreparedStatements, StatementRefused

BATCH_BYTES = 4 * 1024 * 1024  # of one document, unless a single Write is larger
WRITE_BYTES = 64 * 1024 * 1024  # of one Write; jsonb ends at 256 MB, and all runs of the process wait for it
PATIENCE_S = 0.004  # a Write that nobody waits for lets others join its commit for so long
GIVE_UP_S = 30.0  # without a database
RETRY_S = 0.25

#: Settings of the writer's session. Its plans look rows up by key, whatever the statistics of young tables say, and a
#: run row that somebody holds does not hold up all runs for ever.
SESSION = (
    "set plan_cache_mode = force_generic_plan",
    "set enable_seqscan = off",
    "set enable_hashjoin = off",
    "set enable_mergejoin = off",
    "set enable_memoize = off",
    "set lock_timeout = '10s'",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the statement says of a root run whose rows were written.

    Attributes:
        turn: Its number in the thread, if it has one.
        limited: Whether its workspace has budgets.
        refused: Model calls that a budget does not allow: `{call id: why}`, see `metier.runs.budget.Refusal`.
    """

    turn: int | None
    limited: bool
    refused: Mapping[str, Mapping[str, Any]]  # Any: JSON values

    @classmethod
    def of(cls, row: Sequence[bytes | None]) -> "Answer":
        """Read a row, values as PostgreSQL writes them."""
        _, turn, limited, refused, *_ = row
        return cls(int(turn) if turn else None, limited == b"t", orjson.loads(refused) if refused else {})


#: By the key of the root run; those that are not there were not written.
Answers = Mapping[bytes | None, Answer]


class Owner(Protocol):
    """The log of a root run, which queues Writes; told once of each, in the order of the queue.

    Attributes:
        key: The root run's id as text.
        claim: The row of the document's list `logs` that says which epoch it writes in.
        fault: Why nothing of it can be written any more.
    """

    key: bytes
    claim: bytes
    fault: MetierError | None

    def committed(self, write: "Write") -> None: ...

    def failed(self, write: "Write", error: MetierError) -> None: ...


class Committed(asyncio.Future[None]):
    """Done when a Write is committed. Awaiting it hurries the writer.

    Attributes:
        refused: Why the model call it should have made was not made, if it was not.
    """

    def __init__(self, hurry: Callable[[], None]) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.refused: Mapping[str, Any] | None = None  # Any: JSON values
        self._hurry = hurry

    def __await__(self) -> Generator[Any, None, None]:  # Any: what asyncio sends through
        if not self.done():
            self._hurry()
        return super().__await__()


@dataclass(eq=False, slots=True)
class Write:
    """Rows of one root run that are committed together.

    Attributes:
        rows: Kind (a list of the document, see `metier.runs.statement`) and JSON of each.
        states: The rows of kind `states` by run; of several in one commit the last counts.
        makes: The run or model call that is new with it.
        settles: The model call that it settles; never in one statement with the Write that makes it.
        last_seq: Once it is committed, all events up to this one are.
        last: Whether it ends a run; such a one is tried even after one before it could not be stored.
        turn: The root run's turn, once committed.
        limited: Whether its workspace had budgets then.
        size: About how many bytes it takes.
    """

    owner: Owner
    rows: list[tuple[str, bytes]]
    states: Mapping[UUID, bytes] = field(default_factory=dict[UUID, bytes])
    done: Committed | None = None
    makes: UUID | None = None
    settles: UUID | None = None
    last_seq: int = 0
    last: bool = False
    turn: int | None = None
    limited: bool = False
    size: int = 0

    def __post_init__(self) -> None:
        self.size = sum([len(body) for _, body in self.rows])

    def changes_any(self, made: set[UUID]) -> bool:
        """Say whether it changes a row that is still to be made."""
        return bool(made) and (self.settles in made or not made.isdisjoint(self.states))


class Writer:
    """Commits Writes in the order they came."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._queue: deque[Write] = deque()
        self._flight: deque[Write] = deque()  # sent; not known to be committed
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = asyncio.Event()
        self._ended = False
        self._down_since: float | None = None
        self._logger = get_logger("metier.runs")

    def send(self, write: Write, *, soon: bool = False) -> None:
        """Queue a Write; after the end of `work` it fails at once.

        Args:
            soon: Commit without waiting for company.
        """
        self._queue.append(write)
        if self._ended:
            self._fail_all(self._queue, "Metier is shutting down, so this run could not be written.")
        if soon:
            self.hurry()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self.hurry)

    def hurry(self) -> None:
        """Commit what is queued as soon as the commit before is done."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake.set()

    def close(self) -> None:
        """Let `work` end when all is written."""
        self._closed.set()
        self.hurry()

    async def work(self) -> None:
        """Write until closed and done; outlives the database's restarts."""
        while not self._closed.is_set() or self._queue or self._flight:
            try:
                async with self._statements() as statements:
                    await self._write(statements)
            except Unavailable as error:
                await self._bear(error)
            except Exception:  # the worker's edge: a fault of ours fails what was under way, and no more
                self._logger.exception("the writer of runs failed")
                self._fail_all(self._flight, "Metier failed inside, so this run could not be written.")
                await happens(self._closed, RETRY_S)
        self._ended = True

    @asynccontextmanager
    async def _statements(self) -> AsyncGenerator[PreparedStatements, None]:
        async with self._db.connection() as connection:
            for setting in SESSION:
                await connection.execute(setting)
            statements = PreparedStatements(connection)
            try:
                await statements.prepare("first", FIRST)
                await statements.prepare("again", AGAIN)
                yield statements
            finally:
                statements.close()
                await connection.close()  # its settings are nobody else's

    async def _write(self, statements: PreparedStatements) -> None:
        if self._flight:
            await self._one_by_one(statements, "again")
        while True:
            await self._wake.wait()
            if self._queue:
                await self._commit(statements)
            elif self._closed.is_set():
                return
            else:
                self._wake.clear()

    async def _commit(self, statements: PreparedStatements) -> None:
        self._take()
        if not self._flight:
            return
        try:
            answers = await self._run(statements, "first", self._flight)
        except StatementRefused:  # by one row; its neighbours shall not suffer
            await self._one_by_one(statements, "first")
            return
        while self._flight:
            self._tell(self._flight.popleft(), answers)

    async def _one_by_one(self, statements: PreparedStatements, statement: str) -> None:
        while self._flight:
            write = self._flight[0]
            try:
                if not self._hopeless(write):
                    self._tell(write, await self._run(statements, statement, [write]))
            except StatementRefused as error:
                self._logger.error("a row of a run was refused", root_id=write.owner.key.decode(), cause=error.message)
                self._fail(write, RunStopped("A part of this run could not be stored, so the run ends here."))
            self._flight.popleft()

    async def _run(self, statements: PreparedStatements, statement: str, writes: Iterable[Write]) -> Answers:
        rows = await statements.run(statement, document(writes))
        self._down_since = None
        return {row[0]: Answer.of(row) for row in rows}

    def _take(self) -> None:
        """Move as many queued Writes as one statement can hold into flight."""
        made: set[UUID] = set()
        owners: dict[bytes, Owner] = {}
        size = 0
        while self._queue:
            write = self._queue[0]
            size += write.size
            if self._flight and (
                size > BATCH_BYTES
                or write.changes_any(made)
                or owners.get(write.owner.key, write.owner) is not write.owner  # two epochs of one run
            ):
                return
            self._queue.popleft()
            if self._hopeless(write):
                continue
            self._flight.append(write)
            owners[write.owner.key] = write.owner
            if write.makes is not None:
                made.add(write.makes)

    def _hopeless(self, write: Write) -> bool:
        """Fail a Write that is too large, or whose owner has lost one before it: a log has no holes."""
        fault = None if write.last else write.owner.fault
        if write.size > WRITE_BYTES:
            fault = RunStopped(f"A part of this run has more than {WRITE_BYTES >> 20} MB and is not stored.")
        if fault is None:
            return False
        self._fail(write, fault)
        return True

    def _tell(self, write: Write, answers: Answers) -> None:
        answer = answers.get(write.owner.key)
        if answer is None:
            self._fail(write, StepInterrupted("Another worker has ended or taken over this run."))
            return
        write.turn, write.limited = answer.turn, answer.limited
        write.owner.committed(write)
        if write.done is not None and not write.done.done():
            write.done.refused = answer.refused.get(str(write.makes))
            write.done.set_result(None)

    def _fail(self, write: Write, error: MetierError) -> None:
        write.owner.failed(write, error)
        if write.done is not None and not write.done.done():
            write.done.set_exception(error)
            write.done.exception()  # who does not await it learns of it by the log's fault

    async def _bear(self, error: Unavailable) -> None:
        """Try again at once, then with pauses; after a while fail what waits."""
        now = asyncio.get_running_loop().time()
        if self._down_since is None and not self._closed.is_set():
            self._down_since = now
            self._logger.warning("the writer of runs lost its connection", cause=error.message)
            return
        if self._down_since is None or self._closed.is_set() or now - self._down_since > GIVE_UP_S:
            for writes in (self._flight, self._queue):
                self._fail_all(writes, "The database is gone, so this run could not be written.")
        await happens(self._closed, RETRY_S)

    def _fail_all(self, writes: deque[Write], problem: str) -> None:
        while writes:
            self._fail(writes.popleft(), Unavailable(problem))


def document(writes: Iterable[Write]) -> bytes:
    """Give the document of some Writes."""
    kinds: dict[str, list[bytes]] = {"logs": []}
    states: dict[UUID, bytes] = {}
    claims: dict[bytes, bytes] = {}
    for write in writes:
        claims[write.owner.key] = write.owner.claim
        states.update(write.states)
        for kind, body in write.rows:
            kinds.setdefault(kind, []).append(body)
    kinds["logs"] = list(claims.values())
    kinds["states"] = list(states.values())
    return b"{%b}" % b",".join(b'"%b":[%b]' % (kind.encode(), b",".join(rows)) for kind, rows in kinds.items())
