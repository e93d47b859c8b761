"""The embedded server: one per home, shared by processes, stopped by the last one, safe against kill -9."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from metier.errors import Unavailable
from metier.settings import Settings
from metier.store import Database
from metier.store.embedded import EmbeddedServer
from metier.store.home import check_home
from metier.store.migrate import head

#: Opens the home, says `ready` with the migration it sees, and keeps it open until its input ends.
HOLDER = """
import asyncio, sys
from pathlib import Path
from metier.settings import Settings
from metier.store import Database

async def hold():
    database = await Database.open(Settings.for_tests(Path(sys.argv[1])))
    print("ready", (await database.health()).revision, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await database.aclose()

asyncio.run(hold())
"""

SILENTLY = (0, "")


@contextmanager
def holder(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that opens the home; asking for `ready` is left to the test."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HOLDER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == f"ready {head()}\n"


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """End the process in order and give its exit code and complaints."""
    _, complaints = process.communicate(timeout=120)
    return process.returncode, complaints


def is_up(home: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(home / "pg" / ".s.PGSQL.5432")) == 0


def postmaster(home: Path) -> int:
    return int((home / "pg" / "postmaster.pid").read_text().splitlines()[0])


def sleeper(uid: int) -> subprocess.Popen[bytes]:
    """A process of the database's user that is no database."""
    return subprocess.Popen(["sleep", "60"], user=uid if os.geteuid() == 0 else None)


def wait_for_end(pid: int) -> None:
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} goes on")


async def opened(home: Path) -> Database:
    return await Database.open(Settings.for_tests(home), migrate=False)


def test_processes_that_open_an_empty_home_at_once_share_one_server(short_home: Path):
    with holder(short_home) as first, holder(short_home) as second, holder(short_home) as third:
        assert [is_ready(p) for p in (first, second, third)] == [True, True, True]
        server = postmaster(short_home)

        assert end(first) == SILENTLY
        assert end(second) == SILENTLY
        assert postmaster(short_home) == server
        assert is_up(short_home)
        assert end(third) == SILENTLY

    assert not is_up(short_home)


def test_a_killed_process_does_not_keep_the_server_up(short_home: Path):
    with holder(short_home) as killed, holder(short_home) as last:
        assert is_ready(killed)
        assert is_ready(last)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert is_up(short_home)

        assert end(last) == SILENTLY

    assert not is_up(short_home)


async def test_the_server_of_a_killed_process_is_taken_over(short_home: Path):
    with holder(short_home) as killed:
        assert is_ready(killed)
        server = postmaster(short_home)

    database = await opened(short_home)

    assert postmaster(short_home) == server
    await database.aclose()
    assert not is_up(short_home)


def test_only_a_server_that_nobody_uses_is_stopped(short_home: Path):
    with holder(short_home) as user:
        assert is_ready(user)
        assert EmbeddedServer.stop_unused(short_home) is False
        assert is_up(short_home)

    assert EmbeddedServer.stop_unused(short_home) is True
    assert not is_up(short_home)


async def test_what_was_committed_survives_the_servers_death(short_home: Path):
    database = await opened(short_home)
    await database.execute("create table kept (a int)")
    await database.execute("insert into kept values (1)")
    os.kill(postmaster(short_home), signal.SIGKILL)
    wait_for_end(postmaster(short_home))
    with pytest.raises(Unavailable):
        await database.value("select a from kept")

    again = await opened(short_home)

    assert await again.value("select a from kept") == 1
    assert await database.value("select a from kept") == 1
    await database.aclose()
    await again.aclose()


async def test_who_is_cancelled_while_opening_leaves_no_server(short_home: Path):
    opening = asyncio.create_task(opened(short_home))
    await asyncio.sleep(0.1)
    assert not opening.done()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    assert (short_home / "pg").exists()
    assert not is_up(short_home)


async def test_a_set_up_that_was_killed_is_begun_again(short_home: Path):
    half_made = short_home / "pg.new"
    half_made.mkdir(mode=0o700, parents=True)
    (half_made / "PG_VERSION").write_text("18\n")

    database = await opened(short_home)

    assert await database.value("select 1") == 1
    assert not half_made.exists()
    await database.aclose()


async def test_a_set_up_killed_between_its_steps_goes_on(short_home: Path):
    """Role without database: the server answers, and the rest is made."""
    server = EmbeddedServer.enter(short_home)
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute("drop database metier")
    server.leave()

    database = await opened(short_home)

    assert (await database.health()).vector is not None
    await database.aclose()


async def test_a_lock_file_that_names_a_strangers_process_is_no_hindrance(short_home: Path):
    """After a restart of a container the number of the old server belongs to anything."""
    database = await opened(short_home)
    owner = (short_home / "pg").stat().st_uid
    os.kill(postmaster(short_home), signal.SIGKILL)
    wait_for_end(postmaster(short_home))
    await database.aclose()
    stranger = sleeper(owner)
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        lock = short_home / "pg" / name
        lock.write_text(f"{stranger.pid}\n" + lock.read_text().partition("\n")[2])

    again = await opened(short_home)

    assert postmaster(short_home) != stranger.pid
    assert stranger.poll() is None
    await again.aclose()
    stranger.kill()
    stranger.wait()


async def test_requests_are_not_served_by_a_superuser(short_home: Path):
    database = await opened(short_home)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await database.execute("copy (select 1) to program 'true'")

    assert (
        await database.value("select rolsuper or rolcreaterole or rolcreatedb from pg_roles where rolname = user")
        is False
    )
    await database.aclose()


async def test_order_and_letters_are_the_same_on_every_machine(short_home: Path):
    database = await opened(short_home)

    ordered = await database.value("select string_agg(x, '' order by x) from unnest(array['b','Z','ä','A','a']) x")

    assert ordered == "AZabä"
    assert await database.value("select 'ÄÖ' ilike 'äö' and lower('ÉΣ') = 'éσ'") is True
    assert await database.value("select current_setting('timezone')") == "UTC"
    await database.aclose()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_another_user_reaches_neither_socket_nor_files(short_home: Path, as_nobody):
    database = await opened(short_home)

    assert as_nobody(lambda: socket.socket(socket.AF_UNIX).connect(str(short_home / "pg" / ".s.PGSQL.5432"))) == (
        "PermissionError"
    )
    assert as_nobody(lambda: list((short_home / "pg").iterdir())) == "PermissionError"
    assert as_nobody(lambda: (short_home / "mine").write_text("")) == "PermissionError"
    check_home(short_home)
    await database.aclose()


async def test_files_of_another_major_version_are_refused_with_words(short_home: Path):
    await (await opened(short_home)).aclose()
    (short_home / "pg" / "PG_VERSION").write_text("16\n")

    with pytest.raises(Unavailable, match="made by PostgreSQL 16, and this Metier brings 18"):
        await opened(short_home)


async def test_a_server_that_cannot_start_says_why(short_home: Path):
    await (await opened(short_home)).aclose()
    (short_home / "pg" / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(Unavailable, match="no_such_setting"):
        await opened(short_home)


async def test_without_the_wheel_the_cure_is_named(short_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(Unavailable, match="not installed") as caught:
        await opened(short_home)

    assert "DATABASE_URL" in str(caught.value.cure)


@pytest.mark.budget
async def test_a_second_start_is_quick(short_home: Path):
    await (await opened(short_home)).aclose()
    begin = time.perf_counter()
    database = await opened(short_home)
    took_s = time.perf_counter() - begin
    await database.aclose()

    assert took_s < 2  # 0.05 on a quiet machine; pg_ctl's own waiting, or a new set-up, would show
