"""Claims: what a process leaves behind that goes or is killed, and how stops reach who works on a run."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

import metier
from metier.actor import Actor
from metier.clock import Clock
from metier.errors import NotFound, RunStopped, StepInterrupted, Unavailable
from metier.events import EventType, Status
from metier.llm.messages import Message, Text, user
from metier.runs import Runs
from metier.store import Database
from tests.runs.conftest import OTHER_WORKSPACE, collect, make_actor, open_run, process, text_of

ROOT = Path(__file__).parents[2]
STAGE = {"name": "search", "status": "running"}


async def be_silent(db: Database, worker_id: UUID, seconds: int) -> None:
    """Let the last heartbeat of a worker be some time ago."""
    await db.execute(
        "update core.worker set heartbeat_at = clock_timestamp() - make_interval(secs => %s) where id = %s",
        [seconds, worker_id],
    )


@asynccontextmanager
async def writing_process(url: str, home: Path) -> AsyncIterator[tuple[subprocess.Popen[bytes], UUID, UUID]]:
    """Start a process that writes a run; gives it, the run's id and the worker's."""
    told = home / "run"
    child = subprocess.Popen(  # noqa: ASYNC220 - a moment, in a test
        [sys.executable, str(Path(__file__).with_name("writing_process.py")), url, str(home), str(told)],
        env={"PYTHONPATH": f"{ROOT}:{Path(metier.__file__).parents[1]}"},
    )
    try:
        while not told.exists() or " " not in told.read_text():
            assert child.poll() is None
            await asyncio.sleep(0.02)
        run_id, worker_id = told.read_text().split()
        yield child, UUID(run_id), UUID(worker_id)
    finally:
        child.kill()
        child.wait()


async def test_killed_owner_leaves_a_run_that_readers_see_interrupted(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor, database_url: str, tmp_path: Path
) -> None:
    async with writing_process(database_url, tmp_path) as (child, run_id, worker_id):
        readings = [asyncio.create_task(collect(runs, run_id)) for runs in (here, elsewhere)]
        await asyncio.sleep(0.5)
        child.send_signal(signal.SIGKILL)
        child.wait()

        await be_silent(db, worker_id, 11)
        await asyncio.gather(*(runs._engine.sweep() for runs in (here, elsewhere, here)))
        logs = [await asyncio.wait_for(reading, 5) for reading in readings]

    assert logs[0] == logs[1] == await collect(here, run_id)
    said = text_of(logs[0])
    assert said == "".join(f"{n} " for n in range(len(said.split())))
    assert len(said.split()) > 20
    end = [(e.epoch, e.seq, e.type.value, e.run_id == run_id) for e in logs[0] if e.epoch == 2]
    assert end == [(2, 1, "error", True), (2, 2, "complete", False), (2, 3, "complete", True)]
    assert logs[0][-1].data["status"] == "interrupted"
    tree = await here.tree(actor, run_id)
    assert [(run.status.value, run.stop_reason, run.error["error"]) for run in tree if run.error] == [
        ("interrupted", "interrupted", "StepInterrupted")
    ] * 2
    [call] = await here.prompt(actor, tree[1].id)
    assert (call.status, call.error) == ("failed", tree[0].error)


async def test_run_is_interrupted_once_and_only_at_its_epoch(here: Runs, elsewhere: Runs, actor: Actor) -> None:
    log, done = await open_run(elsewhere, actor), await open_run(elsewhere, actor)
    await done.close(Status.SUCCEEDED, stop_reason="answered")

    assert not await here._claims.interrupt(done.run.id, 1)
    assert not await here._claims.interrupt(log.run.id, 2)
    tries = [runs._claims.interrupt(log.run.id, 1) for runs in (here, elsewhere, here, elsewhere)]
    assert sorted(await asyncio.gather(*tries)) == [False, False, False, True]

    assert [(e.epoch, e.seq, e.type.value) for e in await collect(here, log.run.id)] == [
        (2, 1, "error"),
        (2, 2, "complete"),
    ]
    assert [e.type.value for e in await collect(here, done.run.id)] == ["complete"]


async def test_thread_goes_on_after_an_interrupted_turn(
    here: Runs, db: Database, actor: Actor, database_url: str, tmp_path: Path
) -> None:
    async with writing_process(database_url, tmp_path) as (child, _, worker_id):
        child.kill()
        child.wait()
    await be_silent(db, worker_id, 11)
    await here._engine.sweep()

    log = await here.open(actor, kind="turn", name="clerk", input="2", thread_id=UUID(int=5), message=user("2"))

    assert log.run.turn == 2


@pytest.mark.parametrize(("seconds", "swept"), [(9, 0), (11, 1)])
async def test_worker_counts_as_dead_after_10_s_of_silence(
    seconds: int, swept: int, here: Runs, elsewhere: Runs, db: Database, actor: Actor
) -> None:
    log = await open_run(elsewhere, actor)
    await be_silent(db, elsewhere._engine.worker.id, seconds)

    assert await here._engine.sweep() == swept

    status = (await here.get(actor, log.run.id)).status
    assert status is (Status.INTERRUPTED if swept else Status.RUNNING)


async def test_worker_taken_for_dead_gives_its_runs_up_and_goes_on_under_a_new_name(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor
) -> None:
    log = await open_run(elsewhere, actor)
    reading = asyncio.create_task(collect(elsewhere, log.run.id))
    await asyncio.sleep(0.05)
    first = elsewhere._engine.worker.id
    await be_silent(db, first, 11)
    await here._engine.sweep()

    await elsewhere._engine.beat()

    assert log.stopping.is_set()
    with pytest.raises(StepInterrupted, match="taken for dead"):
        await log.put(messages=[Message("assistant", (Text("late"),))])
    assert [e.type.value for e in await asyncio.wait_for(reading, 2)] == ["error", "complete"]
    assert elsewhere._engine.worker.id != first
    again = await open_run(elsewhere, actor)
    await again.close(Status.SUCCEEDED, stop_reason="answered")
    assert (await here.get(actor, again.run.id)).status is Status.SUCCEEDED


async def test_workers_of_yesterday_are_forgotten_when_they_left_nothing_open(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor
) -> None:
    await open_run(elsewhere, actor)
    idle = UUID(int=1)
    await db.execute("insert into core.worker (id, host, pid, ended_at) values (%s, 'x', 1, now())", [idle])
    await db.execute(
        "update core.worker set ended_at = now() - interval '25 hours' where id <> %s", [here._engine.worker.id]
    )

    await here._claims.forget_workers()

    left = {row["id"] for row in await db.rows("select id from core.worker")}
    assert elsewhere._engine.worker.id in left
    assert idle not in left


async def test_stop_reaches_the_owner_on_another_process(here: Runs, elsewhere: Runs, actor: Actor) -> None:
    log, other = await open_run(here, actor), await open_run(here, actor)
    child = await open_run(here, actor, parent=log)
    await asyncio.sleep(0.1)

    await elsewhere.stop(actor, log.run.id)

    await asyncio.wait_for(log.stopping.wait(), 4)  # not by the next heartbeat
    assert child.stopping.is_set()
    assert not other.stopping.is_set()
    late = await open_run(here, actor, parent=log)
    assert late.stopping.is_set()


async def test_stop_of_a_run_below_leaves_the_one_above_alone(here: Runs, elsewhere: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)
    child = await open_run(here, actor, parent=log)

    await elsewhere.stop(actor, child.run.id)

    await asyncio.wait_for(child.stopping.wait(), 1)
    assert not log.stopping.is_set()


async def test_stop_of_anothers_run_is_answered_like_an_unknown_one(here: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)
    for stranger in (make_actor(2), make_actor(1, workspace_id=OTHER_WORKSPACE)):
        with pytest.raises(NotFound) as refused:
            await here.stop(stranger, log.run.id)
        with pytest.raises(NotFound) as unknown:
            await here.stop(stranger, UUID(int=9))
        assert str(refused.value).replace(str(log.run.id), "ID") == str(unknown.value).replace(str(UUID(int=9)), "ID")
    assert not log.stopping.is_set()


async def test_stop_of_an_ended_run_changes_nothing(here: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)
    await log.close(Status.SUCCEEDED, output=1, stop_reason="answered")
    before = await here.get(actor, log.run.id)

    await here.stop(actor, log.run.id)

    assert await here.get(actor, log.run.id) == before
    assert not log.stopping.is_set()


async def test_process_that_goes_stores_what_is_queued_and_marks_the_rest(
    here: Runs, db: Database, actor: Actor, database_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with process(database_url, tmp_path, clock) as leaving:
        worker_id = leaving._engine.worker.id
        log = await open_run(leaving, actor)
        reading = asyncio.create_task(collect(here, log.run.id))
        await asyncio.sleep(0.05)
        for n in range(50):
            log.put(messages=[Message("assistant", (Text(str(n)),))])
        log.delta(EventType.TOKEN, "half an ans")

    events = await asyncio.wait_for(reading, 2)
    assert [(e.epoch, e.type.value) for e in events] == [(1, "token"), (2, "error"), (2, "complete")]
    assert await db.value("select count(*) from core.message where run_id = %s", [log.run.id]) == 50
    assert (await here.get(actor, log.run.id)).status is Status.INTERRUPTED
    assert await db.value("select ended_at is not null from core.worker where id = %s", [worker_id])
    assert log.stopping.is_set()
    with pytest.raises(StepInterrupted):
        await log.emit(EventType.STAGE, STAGE)
    await log.close(Status.SUCCEEDED, stop_reason="answered")
    with pytest.raises(Unavailable, match="shutting down"):
        await open_run(leaving, actor)


async def test_child_begun_while_its_root_was_ended_is_swept_up(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor
) -> None:
    log = await open_run(elsewhere, actor)
    child = await open_run(elsewhere, actor, parent=log)
    await db.execute("update core.run set status = 'interrupted', epoch = 2 where id = %s", [log.run.id])
    await be_silent(db, elsewhere._engine.worker.id, 11)

    assert await here._engine.sweep() == 0

    assert (await here.get(actor, child.run.id)).status is Status.INTERRUPTED


async def test_end_that_could_not_be_stored_is_made_up_for(here: Runs, actor: Actor, monkeypatch) -> None:
    log = await open_run(here, actor)
    reading = asyncio.create_task(collect(here, log.run.id))
    await asyncio.sleep(0.05)

    async def gone(*_: object, **__: object) -> None:
        raise Unavailable("no database")

    with monkeypatch.context() as patch:
        patch.setattr(log, "_store_end", gone)
        with pytest.raises(Unavailable):
            await log.close(Status.SUCCEEDED, stop_reason="answered")
    await here.sweep()

    assert [e.type.value for e in await asyncio.wait_for(reading, 2)] == ["error", "complete"]
    assert (await here.get(actor, log.run.id)).status is Status.INTERRUPTED


async def test_run_below_a_lost_one_cannot_begin(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)
    await db.execute("update core.run set epoch = 2 where id = %s", [log.run.id])

    with pytest.raises(RunStopped):
        await open_run(here, actor, parent=log)

    assert await db.value("select count(*) from core.run") == 1
