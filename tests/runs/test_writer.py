"""The one writer: group commit, rows that cannot be stored, lost connections, the fence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from metier.actor import Actor
from metier.errors import RunStopped, StepInterrupted, Unavailable
from metier.events import EventType, Status
from metier.llm.messages import Message, Text, ToolResult, user
from metier.runs import Runs
from metier.runs import writer as writing
from metier.runs.writer import Writer
from metier.store import Database
from metier.store.prepared import ConnectionLost, PreparedStatements
from tests.runs.conftest import collect, open_run, text_of
from tests.runs.test_run_log import commits_held, settle_down

STAGE = {"name": "search", "status": "running"}


def said(text: str) -> Message:
    return Message("assistant", (Text(text),))


async def stored_texts(db: Database, run_id: object) -> list[str]:
    rows = await db.rows("select parts from core.message where run_id = %s order by seq", [run_id])
    return [row["parts"][0]["text"] for row in rows]


async def test_what_is_queued_together_is_committed_together(here: Runs, db: Database, actor: Actor) -> None:
    logs = [await open_run(here, actor) for _ in range(5)]
    await asyncio.gather(*(log.put(messages=[said(str(n))]) for log in logs for n in range(20)))

    assert await db.value("select count(*) from core.message") == 100
    assert await db.value("select count(distinct xmin::text) from core.message") <= 2


async def test_what_nobody_waits_for_joins_the_commit_that_somebody_waits_for(
    here: Runs, db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PATIENCE_S", 20.0)
    log = await open_run(here, actor)
    for n in range(5):
        log.put(messages=[said(str(n))], events=[(EventType.STAGE, STAGE)])
        await asyncio.sleep(0.01)
    assert await db.value("select count(*) from core.message") == 0

    async with asyncio.timeout(12):
        await log.emit(EventType.STAGE, STAGE)

    commits = await db.rows("select xmin::text as x from core.message union select xmin::text from core.event")
    assert len(commits) == 1


async def test_what_nobody_waits_for_is_committed_soon(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)
    log.put(messages=[said("1")])
    await settle_down()

    assert await stored_texts(db, log.run.id) == ["1"]


async def test_text_is_stored_in_time_behind_what_nobody_waits_for(
    here: Runs, db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PATIENCE_S", 20.0)
    log = await open_run(here, actor)
    log.put(messages=[said("1")])
    log.delta(EventType.TOKEN, "x")
    await settle_down()

    assert await db.value("select count(*) from core.event") == 1
    assert await stored_texts(db, log.run.id) == ["1"]


async def test_many_writers_on_two_processes_lose_nothing(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor
) -> None:
    async def busy(runs: Runs, n: int) -> None:
        log = await open_run(runs, actor, input=n)
        for step in range(30):
            log.put(messages=[said(f"{n}.{step}")], events=[(EventType.STAGE, STAGE)])
            log.delta(EventType.TOKEN, "x")
            if step % 7 == 0:
                await log.emit(EventType.STAGE, STAGE)
        await log.close(Status.SUCCEEDED, output=n, stop_reason="answered")

    await asyncio.gather(*(busy(runs, n) for n in range(25) for runs in (here, elsewhere)))

    rows = await db.rows(
        "select r.input, r.output, r.status, count(distinct m.seq) as messages, max(m.seq) as last"
        " from core.run r join core.message m on m.run_id = r.id group by r.workspace_id, r.id"
    )
    assert len(rows) == 50
    assert {(row["status"], row["messages"], row["last"]) for row in rows} == {("succeeded", 30, 30)}
    assert all(row["input"] == row["output"] for row in rows)
    gaps = await db.rows(
        "select root_id from core.event group by root_id"
        " having min(first_seq) <> 1 or max(seq) <> sum(seq - first_seq + 1)"
    )
    assert gaps == []


ODD = {
    "zero": "a\x00b",
    "written zero": "a\\u0000b",
    "half pairs": "x\ud83dy\ude00z",
    "large": 2**70,
    "not a number": float("nan"),
    "endless": float("-inf"),
    "tuple": (1, 2),
    1: "key",
    "key\x00": None,
}


async def test_odd_values_are_stored_and_read_alike_everywhere(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor, clock
) -> None:
    thread_id = clock.new_id()
    log = await here.open(
        actor, kind="turn", name="clerk", input=ODD, thread_id=thread_id, message=user("a\x00b\ud83d")
    )
    readings = [asyncio.create_task(collect(runs, log.run.id)) for runs in (here, elsewhere)]
    await asyncio.sleep(0.05)
    log.delta(EventType.TOKEN, "a\x00b\ud83d")
    log.delta(EventType.TOKEN, "\x00")
    log.put(
        messages=[Message("tool", (ToolResult("c1", "find", {"success": True, "message": "", "result": ODD}),))],
        events=[(EventType.STAGE, {"name": ODD, "status": "running"})],
    )
    await log.close(Status.SUCCEEDED, output=ODD, stop_reason="answered", error={"error": "\x00", "message": "m\x00"})

    clean = {
        "zero": "ab",
        "written zero": "a\\u0000b",
        "half pairs": "x\ufffdy\ufffdz",
        "large": 2**70,
        "not a number": None,
        "endless": None,
        "tuple": [1, 2],
        "1": "key",
        "key": None,
    }
    near = clean | {"large": float(2**70)}  # orjson reads whole numbers above 64 bit as floats
    live, remote = [await reading for reading in readings]
    assert live == remote == await collect(here, log.run.id)
    assert text_of(live) == "ab\ufffd"
    assert live[1].data["name"] == near
    stored = await here.messages(actor.workspace_id, thread_id=thread_id)
    assert stored[0].message == user("ab\ufffd")
    result = stored[1].message.parts[0]
    assert isinstance(result, ToolResult)
    assert result.output["result"] == near
    run = await here.get(actor, log.run.id)
    assert (run.input, run.output) == (near, near)
    assert await db.value("select output->>'large' from core.run") == str(2**70)


async def test_row_the_database_refuses_ends_its_run_and_no_other(here: Runs, db: Database, actor: Actor) -> None:
    bad, good = await open_run(here, actor), await open_run(here, actor)
    async with commits_held(db, good.run.id):
        first = good.put(messages=[said("1")])  # alone in a commit that is held, so that the rest shares the next
        await settle_down()
        before = bad.put(messages=[said("before")])
        refused = bad.log.write([("messages", orjson.dumps({"root_id": bad.run.id, "run_id": "no uuid"}))])
        after = bad.put(messages=[said("after")], events=[(EventType.STAGE, STAGE)])
        second = good.put(messages=[said("2")], events=[(EventType.STAGE, STAGE)])

    await asyncio.gather(first, before, second)
    for lost in (refused, after):
        with pytest.raises(RunStopped, match="could not be stored"):
            await lost
    with pytest.raises(RunStopped, match="could not be stored"):
        await bad.emit(EventType.STAGE, STAGE)
    await good.put(messages=[said("3")])
    await good.close(Status.SUCCEEDED, stop_reason="answered")
    await bad.close(Status.FAILED, stop_reason="error", error={"error": "RunStopped", "message": "No."})

    assert await stored_texts(db, good.run.id) == ["1", "2", "3"]
    assert await stored_texts(db, bad.run.id) == ["before"]
    assert [e.type.value for e in await collect(here, good.run.id)] == ["stage", "complete"]
    assert [e.type.value for e in await collect(here, bad.run.id)] == ["error", "complete"]


async def test_end_that_cannot_be_stored_is_stored_as_a_failure(here: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)
    reading = asyncio.create_task(collect(here, log.run.id))
    await asyncio.sleep(0.05)

    await log.close(Status.SUCCEEDED, output="x" * (65 << 20), stop_reason="answered")

    events = await asyncio.wait_for(reading, 12)
    assert [e.type.value for e in events] == ["error", "complete"]
    assert (log.run.status, log.run.output) == (Status.FAILED, None)
    assert await here.get(actor, log.run.id) == log.run


async def test_large_message_is_stored_and_a_huge_one_ends_its_run_only(here: Runs, db: Database, actor: Actor) -> None:
    large, huge = await open_run(here, actor), await open_run(here, actor)
    text = "large " * 2_000_000
    kept = large.put(messages=[said(text)])
    lost = huge.put(messages=[said("x" * (65 << 20))])

    await kept
    with pytest.raises(RunStopped, match="more than 64 MB"):
        await lost
    assert await stored_texts(db, large.run.id) == [text]
    assert await stored_texts(db, huge.run.id) == []


async def test_write_of_an_old_epoch_is_refused_and_the_owner_learns_of_it(
    here: Runs, db: Database, actor: Actor
) -> None:
    old, other = await open_run(here, actor), await open_run(here, actor)
    await old.put(messages=[said("mine")])
    await db.execute("update core.run set epoch = epoch + 1 where id = %s", [old.run.id])

    late = old.put(messages=[said("late")], events=[(EventType.STAGE, STAGE)])
    fine = other.put(messages=[said("fine")])

    with pytest.raises(StepInterrupted, match="taken over"):
        await late
    await fine
    assert old.stopping.is_set()
    assert not other.stopping.is_set()
    old.delta(EventType.TOKEN, "later")
    await old.close(Status.SUCCEEDED, output="never", stop_reason="answered")
    assert old.run.status is Status.INTERRUPTED
    assert await stored_texts(db, old.run.id) == ["mine"]
    assert await db.value("select count(*) from core.event") == 0
    assert (await here.get(actor, old.run.id)).status is Status.RUNNING


async def test_write_under_way_during_a_take_over_comes_before_or_not_at_all(
    here: Runs, db: Database, actor: Actor
) -> None:
    """The write waits for the take-over's transaction, and then sees the new epoch."""
    log = await open_run(here, actor)
    async with db.transaction() as take_over:
        await take_over.execute("update core.run set epoch = epoch + 1 where id = %s", [log.run.id])
        late = log.put(messages=[said("late")], events=[(EventType.STAGE, STAGE)])
        await settle_down()
        assert not late.done()

    with pytest.raises(StepInterrupted):
        await late
    assert await stored_texts(db, log.run.id) == []


async def test_lost_connections_lose_and_double_nothing(
    here: Runs, db: Database, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "RETRY_S", 0.01)

    async def busy(n: int) -> list[str]:
        log = await open_run(here, actor)
        for step in range(60):
            log.put(messages=[said(f"{n}.{step}")], events=[(EventType.STAGE, STAGE)])
            log.delta(EventType.TOKEN, f"{step} ")
            await asyncio.sleep(0.005)
        await log.close(Status.SUCCEEDED, stop_reason="answered")
        events = await collect(here, log.run.id)
        assert text_of(events) == "".join(f"{step} " for step in range(60))
        assert [e.type.value for e in events].count("stage") == 60
        return await stored_texts(db, log.run.id)

    async def cut(times: int) -> int:
        return sum([await _cut_writer(db) for _ in range(times)])

    *texts, cuts = await asyncio.gather(*(busy(n) for n in range(4)), cut(12))

    assert texts == [[f"{n}.{step}" for step in range(60)] for n in range(4)]
    assert cuts >= 5


async def _cut_writer(db: Database) -> int:
    await asyncio.sleep(0.05)
    rows = await db.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and position('as materialized (select $1' in query) > 0"
        " and pid <> pg_backend_pid()"
    )
    return len(rows)


@asynccontextmanager
async def answers_lost(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """Lose the connection each time a statement has been committed and before its answer is heard."""
    run = PreparedStatements.run
    lost: list[str] = []

    async def commit_and_lose(self: PreparedStatements, name: str, parameter: bytes):
        rows = await run(self, name, parameter)
        if name == "first":
            lost.append(name)
            raise ConnectionLost("gone after the commit")
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(PreparedStatements, "run", commit_and_lose)
        yield lost


async def test_commit_whose_answer_is_lost_counts_once(
    here: Runs, db: Database, actor: Actor, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "RETRY_S", 0.01)
    thread_id = clock.new_id()
    async with answers_lost(monkeypatch) as lost:
        log = await here.open(actor, kind="turn", name="clerk", input=1, thread_id=thread_id, message=user("Hi"))
        reading = asyncio.create_task(collect(here, log.run.id))
        child = await open_run(here, actor, parent=log)
        await child.put(messages=[said("inner")])
        await log.put(messages=[said("Hello")], events=[(EventType.STAGE, STAGE)])
        log.delta(EventType.TOKEN, "x")
        await log.close(Status.SUCCEEDED, output="ok", stop_reason="answered")

    assert len(lost) >= 5
    assert log.run.turn == 1
    assert [e.type.value for e in await reading] == ["stage", "token", "complete", "complete"]
    assert await reading == await collect(here, log.run.id)
    assert await stored_texts(db, log.run.id) == ["Hi", "Hello"]
    assert await stored_texts(db, child.run.id) == ["inner"]
    assert (await here.get(actor, log.run.id)).status is Status.SUCCEEDED


async def test_without_a_database_writes_fail_after_a_while(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "GIVE_UP_S", 0.05)
    monkeypatch.setattr(writing, "RETRY_S", 0.01)

    class Gone:
        @asynccontextmanager
        async def connection(self) -> AsyncIterator[None]:
            raise Unavailable("no server")
            yield

    class Waiting:
        key, claim, fault = b"k", b"{}", None
        failures: list[str] = []  # noqa: RUF012

        def failed(self, write: object, error: Exception) -> None:
            self.failures.append(str(error))

    writer = Writer(Gone())  # type: ignore[arg-type]
    working = asyncio.create_task(writer.work())
    done = asyncio.get_running_loop().create_future()
    writer.send(writing.Write(Waiting(), [("events", b"{}")], done=done))  # type: ignore[arg-type]

    with pytest.raises(Unavailable, match="database is gone"):
        await asyncio.wait_for(done, 12)
    writer.close()
    await asyncio.wait_for(working, 12)
    writer.send(writing.Write(Waiting(), [("events", b"{}")]))  # type: ignore[arg-type]
    assert len(Waiting.failures) == 2
