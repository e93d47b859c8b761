"""DBOS itself: jobs go on in another process when theirs is killed, behind the steps that are done."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID

import pytest
import structlog

from metier.clock import SystemClock
from metier.engine import AtWork, Engine, Every, Job, Schedule
from metier.events import Status
from metier.store import Database
from tests.engine.mortal_jobs import STEPS, schedule

ROOT = Path(__file__).parents[2]
OPERATOR = {"kind": "operator", "id": "1", "label": "Ada", "chain": []}


@pytest.fixture
async def ledger(db: Database) -> Database:
    await db.execute("create table ledger (step int, at timestamptz default clock_timestamp())")
    return db


@asynccontextmanager
async def here(db: Database) -> AsyncIterator[Engine]:
    """This process."""
    engine = Engine(db, SystemClock(), heartbeat_s=0.2, silent_s=60)
    engine.schedule(schedule(db))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.aclose()


@contextmanager
def other(db: Database, home: Path, *how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs jobs."""
    command = [sys.executable, "-m", "tests.engine.mortal_jobs", db.url, str(home), *how]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


async def begin(engine: Engine, db: Database) -> UUID:
    async with db.transaction() as transaction:
        job = await engine.jobs.begin(transaction, "chore", OPERATOR)
    await engine.announce()
    return job.id


async def ended(engine: Engine, job_id: UUID) -> Job:
    async with asyncio.timeout(60):
        while True:
            job = await engine.jobs.job(job_id)
            if job.status.ended:
                return job
            await asyncio.sleep(0.05)


async def until_rows(db: Database, rows: int) -> None:
    async with asyncio.timeout(60):
        while True:
            if await db.value("select count(*) from ledger") >= rows:
                return
            await asyncio.sleep(0.02)


async def until_anew(db: Database, pid: int) -> None:
    """Wait until a process that was taken for dead runs jobs under another name."""
    async with asyncio.timeout(60):
        while True:
            rows = await db.rows(
                "select ended_at, runs_jobs from core.worker where pid = %s order by started_at", [pid]
            )
            if len(rows) == 2 and rows[1]["runs_jobs"]:
                return
            await asyncio.sleep(0.05)


async def steps(db: Database) -> Counter[int]:
    return Counter(row["step"] for row in await db.rows("select step from ledger"))


async def test_a_killed_process_leaves_its_job_to_another(ledger: Database, tmp_path: Path):
    """S-36, S-39: the step that was done is not done again, the one that was cut off is; judged from outside."""
    async with here(ledger) as engine:
        with other(ledger, tmp_path, "hang") as mortal:
            job_id = await begin(engine, ledger)
            await until_rows(ledger, 2)
            mortal.send_signal(signal.SIGKILL)
            mortal.wait()
        await engine.launch()
        assert engine.jobs.is_on
        job = await ended(engine, job_id)
        formats = await ledger.rows("select distinct serialization from dbos.workflow_status")
        outputs = await ledger.rows("select output from dbos.operation_outputs order by function_id")

    assert (job.status, job.starts) == (Status.SUCCEEDED, 2)
    assert await steps(ledger) == {0: 1, 1: 2, 2: 1, 3: 1}
    assert job.counts == {f"step {n}": 10 * n for n in range(STEPS)}
    assert [row["serialization"] for row in formats] == ["portable_json"]  # S-41
    assert [json.loads(row["output"]) for row in outputs] == [10 * n for n in range(STEPS)]


async def test_a_frozen_process_is_taken_over_and_wakes_up_to_nothing(ledger: Database, tmp_path: Path):
    """S-39: it gives up what it held, and takes jobs under a new name from then on."""
    async with here(ledger) as engine:
        with other(ledger, tmp_path, "hang") as frozen:
            job_id = await begin(engine, ledger)
            await until_rows(ledger, 2)
            frozen.send_signal(signal.SIGSTOP)
            buried = "update core.worker set ended_at = clock_timestamp() where pid = %s"
            await ledger.execute(buried, [frozen.pid])  # as for its silence, which a busy machine cannot time
            await engine.launch()
            job = await ended(engine, job_id)
            frozen.send_signal(signal.SIGCONT)
            await until_anew(ledger, frozen.pid)
            after = await engine.jobs.job(job_id)

    assert (job.status, job.starts) == (Status.SUCCEEDED, 2)
    assert after == job
    assert await steps(ledger) == {0: 1, 1: 2, 2: 1, 3: 1}


async def test_two_processes_do_a_job_once_and_a_good_end_hands_it_on(ledger: Database, tmp_path: Path):
    with other(ledger, tmp_path):
        async with here(ledger) as engine:
            await engine.launch()
            first = await ended(engine, await begin(engine, ledger))
            second = await ended(engine, await begin(engine, ledger))
        assert not engine.jobs.is_on

    assert (first.status, second.status) == (Status.SUCCEEDED, Status.SUCCEEDED)
    assert await steps(ledger) == dict.fromkeys(range(STEPS), 2)


async def test_a_job_that_is_let_go_of_has_not_failed(ledger: Database):
    """Whenever in its steps: it waits for another process."""

    async def spin(job: AtWork) -> None:
        while True:
            await job.once("spin", lambda: ledger.execute("insert into ledger (step) values (0)"))

    async with here(ledger) as engine:
        engine.schedule(Schedule("chore", "Spinning", "Spins.", Every(600_000), spin))
        await engine.launch()
        job_id = await begin(engine, ledger)
        await until_rows(ledger, 5)
    left = await engine.jobs.job(job_id)

    assert (left.status, left.error) == (Status.RUNNING, None)


async def test_one_metier_of_a_process_runs_the_schedules(ledger: Database, tmp_path: Path):
    with structlog.testing.capture_logs() as logs:
        async with here(ledger) as first, here(ledger) as second:
            await first.launch()
            await second.launch()
            assert (first.jobs.is_on, second.jobs.is_on) == (True, False)
            job = await ended(second, await begin(second, ledger))  # what it asks for is done all the same
        async with here(ledger) as third:
            await third.launch()
            assert third.jobs.is_on

    assert job.status is Status.SUCCEEDED
    assert "Another Metier of this process" in logs[0]["cause"]
    # DBOS puts a pool of its own under a loop that awaits it, and ends that with itself; so ours never does.
    assert await asyncio.to_thread(lambda: "still here") == "still here"


def test_without_a_launch_dbos_is_not_imported():
    program = "import sys, metier.app, metier.cli; print('dbos' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
