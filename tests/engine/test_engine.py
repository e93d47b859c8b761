"""Workers: heartbeats, who counts as dead, and when others are told to see to what is left."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from metier.clock import Clock
from metier.engine import Engine
from metier.engine.machine import Process
from metier.settings import Settings
from metier.store import Database


@dataclass
class Held:
    """Claims of a kind that only counts."""

    swept: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: int = 0

    async def sweep(self) -> int:
        self.swept.set()
        return 1

    def give_up(self) -> None:
        self.given_up += 1


@asynccontextmanager
async def process(
    db: Database, clock: Clock, *, heartbeat_s: float = 3600, silent_s: float = 7200
) -> AsyncIterator[tuple[Engine, Held]]:
    engine, held = Engine(db, clock, heartbeat_s=heartbeat_s, silent_s=silent_s), Held()
    engine.hold(held)
    await engine.start()
    try:
        yield engine, held
    finally:
        await engine.aclose()


async def silent_s(db: Database, engine: Engine) -> float:
    """Give how long ago a worker's last heartbeat is."""
    return await db.value(
        "select extract(epoch from clock_timestamp() - heartbeat_at)::float8 from core.worker where id = %s",
        [engine.worker.id],
    )


async def ended(db: Database, engine: Engine) -> bool:
    return await db.value("select ended_at is not null from core.worker where id = %s", [engine.worker.id])


async def be_silent(db: Database, engine: Engine, seconds: float) -> None:
    """Let the last heartbeat of a worker be some time ago."""
    await db.execute(
        "update core.worker set heartbeat_at = clock_timestamp() - make_interval(secs => %s) where id = %s",
        [seconds, engine.worker.id],
    )


async def test_a_heart_beats_by_itself(db: Database, clock: Clock):
    async with process(db, clock, heartbeat_s=0.05) as (engine, held):
        await be_silent(db, engine, 9)
        held.swept.clear()
        await asyncio.wait_for(held.swept.wait(), 10)
        async with asyncio.timeout(10):
            while True:
                if await silent_s(db, engine) < 5:
                    break
                await asyncio.sleep(0.02)

        assert not held.given_up


@pytest.mark.parametrize(("seconds", "dead"), [(4, False), (6, True)])
async def test_who_is_silent_for_too_long_counts_as_dead(seconds: int, dead: bool, db: Database, clock: Clock):
    async with process(db, clock, silent_s=5) as (engine, _), process(db, clock, silent_s=5) as (other, _):
        await be_silent(db, other, seconds)

        await engine.sweep()

        assert await ended(db, other) is dead
        assert not await ended(db, engine)


async def test_who_was_taken_for_dead_gives_all_up_and_begins_under_a_new_name(db: Database, clock: Clock):
    async with process(db, clock) as (engine, held):
        first = engine.worker.id
        await db.execute("update core.worker set ended_at = now()")

        await engine.beat()
        await engine.beat()

        assert held.given_up == 1
        assert engine.worker.id != first
        assert not await ended(db, engine)


async def test_others_are_told_when_a_process_goes(db: Database, clock: Clock):
    async with process(db, clock) as (_, held):
        async with process(db, clock) as (leaving, _):
            await asyncio.sleep(0.1)
            held.swept.clear()

        await asyncio.wait_for(held.swept.wait(), 10)
        assert await ended(db, leaving)


async def test_news_of_work_are_heard_at_once(db: Database, clock: Clock):
    async with process(db, clock) as (engine, held):
        await asyncio.sleep(0.1)
        held.swept.clear()

        await engine.announce()

        await asyncio.wait_for(held.swept.wait(), 10)


# --- processes of this machine ---------------------------------------------------------------------------------------

CHILD = (
    "import metier.engine.machine as m, time; p = m.Process.this(); print(p.pid, p.born, flush=True); time.sleep(60)"
)


async def test_a_process_that_was_killed_on_this_machine_is_missed_at_once(db: Database, clock: Clock):
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    try:
        assert child.stdout
        pid, born = child.stdout.readline().split()
        this = Process.this()
        await db.execute(
            "insert into core.worker (id, host, pid, machine, born) values (%s, 'here', %s, %s, %s)",
            [clock.new_id(), int(pid), this.machine, int(born)],
        )
        async with process(db, clock) as (engine, _):
            alive = "select count(*) from core.worker where ended_at is null"
            await engine.sweep()
            assert await db.value(alive) == 2
            child.send_signal(signal.SIGSTOP)
            await engine.sweep()
            assert await db.value(alive) == 2, "standing still is not dead; silence has to tell"

            child.send_signal(signal.SIGKILL)
            wait_until_dead(child)
            await engine.sweep()

            assert await db.value(alive) == 1
    finally:
        child.kill()
        child.wait()


def wait_until_dead(child: subprocess.Popen[str]) -> None:
    """Wait until a process is dead, and leave it for its parent to bury."""
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


def test_what_cannot_be_known_is_not_taken_for_gone():
    this = Process.this()

    assert not this.is_gone()
    assert replace(this, born=this.born + 1).is_gone(), "the id was given to another process"
    assert not replace(this, machine="elsewhere", born=1).is_gone()
    assert not replace(this, machine="", born=1).is_gone()


def test_without_proc_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("metier.engine.machine.PROC", tmp_path)

    assert not Process.this().machine
    assert not Process("", 1, 1).is_gone()


# --- settings --------------------------------------------------------------------------------------------------------


def test_a_silence_of_less_than_two_heartbeats_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_HEARTBEAT_S", "6")

    with pytest.raises(Exception, match="at least twice METIER_HEARTBEAT_S"):
        Settings.load()
