"""What goes into a run's log, and when readers and the table get it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from metier.actor import Actor
from metier.errors import Conflict, RunStopped
from metier.events import DELTAS, Event, EventType, Status
from metier.llm.messages import Message, Text, ToolResult, user
from metier.runs import RunLog, Runs
from metier.store import Database
from tests.runs.conftest import collect, open_run, text_of

STAGE = {"name": "search", "status": "running"}


@asynccontextmanager
async def commits_held(db: Database, root_id: UUID) -> AsyncIterator[None]:
    """Keep the writer from committing anything of a run, by holding its row."""
    async with db.transaction() as transaction:
        await transaction.rows("select from core.run where id = %s for update", [root_id])
        yield


async def settle_down() -> None:
    """Give everybody a chance to do what can be done without a commit."""
    await asyncio.sleep(0.1)


class Reader:
    """Reads a log in the background."""

    def __init__(self, runs: Runs, root_id: UUID) -> None:
        self.events: list[Event] = []
        self._runs = runs
        self.task = asyncio.create_task(self._read(root_id))

    async def _read(self, root_id: UUID) -> None:
        async for event in self._runs.follow(root_id):
            self.events.append(event)

    def kinds(self) -> list[str]:
        return [event.type.value for event in self.events]


async def test_run_and_first_message_are_stored_together_before_open_returns(
    here: Runs, db: Database, actor: Actor, clock
) -> None:
    thread_id = clock.new_id()

    log = await here.open(actor, kind="turn", name="clerk", input="Hi", thread_id=thread_id, message=user("Hi"))

    rows = await db.rows(
        "select r.status, r.turn, r.input, m.seq, m.turn as message_turn, m.parts, r.xmin = m.xmin as together"
        " from core.run r join core.message m on m.run_id = r.id and m.thread_id = %s",
        [thread_id],
    )
    assert rows == [
        {
            "status": "running",
            "turn": 1,
            "input": "Hi",
            "seq": 1,
            "message_turn": 1,
            "parts": [{"type": "text", "text": "Hi"}],
            "together": True,
        }
    ]
    assert (log.run.turn, log.run.status, log.run.root_id) == (1, Status.RUNNING, log.run.id)


async def test_thread_has_one_open_turn_and_numbers_them(here: Runs, elsewhere: Runs, actor: Actor, clock) -> None:
    thread_id = clock.new_id()
    first = await here.open(actor, kind="turn", name="clerk", input="1", thread_id=thread_id, message=user("1"))

    for runs in (here, elsewhere):
        with pytest.raises(Conflict, match="has not ended"):
            await runs.open(actor, kind="turn", name="clerk", input="2", thread_id=thread_id, message=user("2"))
    await first.close(Status.SUCCEEDED, output="ok", stop_reason="answered")
    second = await elsewhere.open(actor, kind="turn", name="clerk", input="2", thread_id=thread_id, message=user("2"))

    assert second.run.turn == 2
    stored = await here.messages(actor.workspace_id, thread_id=thread_id)
    assert [(one.turn, one.seq, one.message.text) for one in stored] == [(1, 1, "1"), (2, 1, "2")]


async def test_of_many_turns_at_once_one_begins(here: Runs, elsewhere: Runs, actor: Actor, clock) -> None:
    thread_id = clock.new_id()
    tries = [
        runs.open(actor, kind="turn", name="clerk", input=n, thread_id=thread_id, message=user(str(n)))
        for n, runs in enumerate([here, elsewhere] * 10)
    ]

    opened = await asyncio.gather(*tries, return_exceptions=True)

    logs = [log for log in opened if isinstance(log, RunLog)]
    assert len(logs) == 1
    assert all(isinstance(one, Conflict) for one in opened if one is not logs[0])
    stored = await here.messages(actor.workspace_id, thread_id=thread_id)
    assert [one.run_id for one in stored] == [logs[0].run.id]


async def test_reader_sees_a_durable_event_only_after_its_commit(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)
    reader = Reader(here, log.run.id)
    await settle_down()

    async with commits_held(db, log.run.id):
        done = log.put(events=[(EventType.STAGE, STAGE)])
        await settle_down()
        assert (reader.kinds(), done.done()) == ([], False)
    await done
    await settle_down()

    assert reader.kinds() == ["stage"]
    await log.close(Status.SUCCEEDED, stop_reason="answered")
    await reader.task


async def test_text_is_read_at_once_and_stored_later(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)
    reader = Reader(here, log.run.id)
    await settle_down()

    async with commits_held(db, log.run.id):
        log.delta(EventType.TOKEN, "Ac")
        log.delta(EventType.TOKEN, "me")
        await asyncio.sleep(0.005)
        assert text_of(reader.events) == "Acme"
        await settle_down()
        assert await db.rows("select from core.event") == []
    await settle_down()

    rows = await db.rows("select first_seq, seq, data from core.event")
    assert rows == [{"first_seq": 1, "seq": 2, "data": {"part": 0, "offset": 0, "pieces": ["Ac", "me"]}}]


async def test_text_behind_an_uncommitted_event_waits_for_it(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)
    reader = Reader(here, log.run.id)
    await settle_down()

    async with commits_held(db, log.run.id):
        log.delta(EventType.TOKEN, "before")
        log.put(events=[(EventType.STAGE, STAGE)])
        log.delta(EventType.TOKEN, "after")
        await settle_down()
        assert reader.kinds() == ["token"]
    await settle_down()

    assert reader.kinds() == ["token", "stage", "token"]
    assert [event.seq for event in reader.events] == [1, 2, 3]


async def test_all_that_is_read_live_is_in_the_table_by_then_or_is_text(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)

    async def look() -> int:
        looked = 0
        async for event in here.follow(log.run.id):
            if event.type not in DELTAS:
                found = await db.value("select count(*) from core.event where seq = %s", [event.seq])
                assert found == 1
                looked += 1
        return looked

    reading = asyncio.create_task(look())
    for n in range(40):
        log.delta(EventType.TOKEN, f"{n} ")
        log.put(events=[(EventType.STAGE, STAGE)])
        await asyncio.sleep(0)
    await log.close(Status.SUCCEEDED, stop_reason="answered")

    assert await reading == 41


async def test_text_is_stored_within_50_ms_in_few_rows(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)
    for n in range(100):
        log.delta(EventType.TOKEN, f"{n} ")
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.15)

    rows = await db.rows("select first_seq, seq, data from core.event order by seq")
    pieces = [piece for row in rows for piece in row["data"]["pieces"]]
    assert pieces == [f"{n} " for n in range(100)]
    assert len(rows) <= 20
    ends = [0, *(row["seq"] for row in rows)]
    assert [row["first_seq"] for row in rows] == [end + 1 for end in ends[:-1]]
    await log.close(Status.SUCCEEDED, stop_reason="answered")


async def test_text_has_parts_and_offsets_of_its_own_kind(here: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)
    log.delta(EventType.REASONING, "Hm, ")
    log.delta(EventType.TOKEN, "Über")
    log.delta(EventType.REASONING, "so")
    log.delta(EventType.TOKEN, "")
    log.next_part()
    log.next_part()
    log.delta(EventType.TOKEN, "x")
    await log.close(Status.SUCCEEDED, stop_reason="answered")

    told = [(e.type.value, *e.data.values()) for e in await collect(here, log.run.id) if e.type in DELTAS]
    assert told == [
        ("reasoning", 0, 0, "Hm, "),
        ("token", 0, 0, "Über"),
        ("reasoning", 0, 4, "so"),
        ("token", 1, 0, "x"),
    ]


async def test_end_is_one_commit_with_the_run_and_the_error_comes_before_it(
    here: Runs, db: Database, actor: Actor
) -> None:
    log = await open_run(here, actor)
    error = {"error": "ProviderDown", "message": "It is down.", "cure": "Wait.", "errors": [{"path": ""}]}
    await log.close(Status.FAILED, output="half", stop_reason="provider_error", error=error)

    events = await collect(here, log.run.id)
    run = await here.get(actor, log.run.id)
    assert [(e.type.value, e.data) for e in events] == [
        ("error", {"error": "ProviderDown", "message": "It is down.", "cure": "Wait."}),
        (
            "complete",
            {"status": "failed", "output": "half", "stop_reason": "provider_error", "usage": {}, "cost": 0},
        ),
    ]
    assert (run.status, run.output, run.stop_reason, run.error) == (Status.FAILED, "half", "provider_error", error)
    assert run == log.run
    commits = await db.rows("select xmin::text as x from core.event union select xmin::text from core.run")
    assert len(commits) == 1


async def test_what_comes_after_the_end_is_refused_and_a_second_end_changes_nothing(here: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)
    await log.close(Status.SUCCEEDED, output=1, stop_reason="answered")

    log.delta(EventType.TOKEN, "late")
    with pytest.raises(RunStopped, match="has ended"):
        await log.emit(EventType.STAGE, STAGE)
    with pytest.raises(RunStopped, match="has ended"):
        await open_run(here, actor, parent=log)
    await log.close(Status.FAILED, output=2, stop_reason="error")

    assert [e.type.value for e in await collect(here, log.run.id)] == ["complete"]
    assert (await here.get(actor, log.run.id)).output == 1


async def test_what_is_no_json_is_refused_and_leaves_no_hole(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)
    with pytest.raises(TypeError, match="set is no JSON value"):
        log.put(events=[(EventType.STAGE, STAGE), (EventType.STAGE, {"name": {1}})])
    with pytest.raises(TypeError):
        log.put(events=[(EventType.STAGE, {"name": b"bytes"})])

    with pytest.raises(TypeError):
        log.put(messages=[user("fine"), Message("tool", (ToolResult("c1", "find", {"result": {1}}),))])
    await log.put(messages=[user("after")])
    await log.emit(EventType.STAGE, STAGE)
    assert await db.rows("select seq from core.message") == [{"seq": 1}]
    await log.close(Status.SUCCEEDED, output={1}, stop_reason="answered")

    events = await collect(here, log.run.id)
    assert [e.type.value for e in events] == ["stage", "error", "complete"]
    assert events[-1].data["status"] == "failed"


async def test_runs_below_share_the_log_and_end_with_the_root(here: Runs, actor: Actor) -> None:
    root = await open_run(here, actor)
    child = await open_run(here, actor, parent=root, kind="skill", name="search", input={"q": "x"}, message=user("x"))
    grandchild = await open_run(here, actor, parent=child)
    root.delta(EventType.TOKEN, "a")
    child.delta(EventType.TOKEN, "b")
    root.delta(EventType.TOKEN, "c")
    await child.emit(EventType.STAGE, STAGE)
    await root.close(Status.SUCCEEDED, stop_reason="answered")

    events = await collect(here, root.run.id)
    names = {root.run.id: "root", child.run.id: "child", grandchild.run.id: "grandchild"}
    assert [(names[e.run_id], e.type.value) for e in events] == [
        ("root", "token"),
        ("child", "token"),
        ("root", "token"),
        ("child", "stage"),
        ("grandchild", "complete"),
        ("child", "complete"),
        ("root", "complete"),
    ]
    assert [e.seq for e in events] == [1, 2, 3, 4, 5, 6, 7]
    tree = await here.tree(actor, root.run.id)
    assert [(run.parent_id, run.status.value) for run in tree] == [
        (None, "succeeded"),
        (root.run.id, "interrupted"),
        (child.run.id, "interrupted"),
    ]


async def test_messages_of_a_child_are_not_the_threads(here: Runs, actor: Actor, clock) -> None:
    thread_id = clock.new_id()
    root = await here.open(actor, kind="turn", name="clerk", input="Hi", thread_id=thread_id, message=user("Hi"))
    child = await open_run(here, actor, parent=root, message=user("inner"))
    child.put(messages=[Message("assistant", (Text("inner answer"),))])
    await root.put(messages=[Message("assistant", (Text("Hello"),))])

    stored = await here.messages(actor.workspace_id, thread_id=thread_id)

    assert [one.message.text for one in stored] == ["Hi", "Hello"]


async def test_cancelled_opening_leaves_no_run_at_work(here: Runs, db: Database, actor: Actor, clock) -> None:
    thread_id = clock.new_id()
    async with db.transaction() as transaction:
        await transaction.execute("lock table core.run in share mode")
        opening = asyncio.create_task(
            here.open(actor, kind="turn", name="clerk", input="Hi", thread_id=thread_id, message=user("Hi"))
        )
        await settle_down()
        opening.cancel()
        await asyncio.wait([opening])
    await settle_down()

    await here.sweep()

    assert await db.value("select status from core.run where thread_id = %s", [thread_id]) == "interrupted"
