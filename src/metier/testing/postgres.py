"""A PostgreSQL for one test session, and a fresh database in it for each test.

server → template (tables made once) → for each test: clone … drop
              └─▶ furnished (a house's workspace, made once) ─┘
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from metier.app import Metier
from metier.settings import Settings
from metier.store.cloning import clone_database, create_template, database_url, drop_database
from metier.store.embedded import EmbeddedServer
from metier.testing.clock import FrozenClock
from metier.testing.house import NAME
from metier.testing.script import ScriptedModel

PREFIX = "m-pg-"
TEMPLATE = "template_metier"
MEMORY = Path("/dev/shm")  # Linux's file system in memory
ROOM = 2 << 30  # bytes that are to be free there; a server takes some 300 MB

#: Nothing of a test session is worth keeping.
OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_size": "128MB",
    "max_wal_senders": "0",
}


@contextmanager
def server() -> Generator[str]:
    """Start a server in a folder of its own and give the address for its superuser; both go at the end.

    What killed sessions left behind goes now.
    """
    for left in (left for folder in _folders() for left in folder.glob(f"{PREFIX}*")):
        _remove_if_left(left)
    home = _folders()[0] / f"{PREFIX}{os.urandom(4).hex()}"
    running = EmbeddedServer.enter(home, options=OPTIONS)
    try:
        yield running.admin_url
    finally:
        running.leave()
        shutil.rmtree(home, ignore_errors=True)


def template(url: str) -> str:
    """Make the database that tests are cloned from, and give its name."""
    create_template(url, TEMPLATE)
    return TEMPLATE


def furnished(url: str, template: str, *, sample: bool = False) -> str:
    """Make a database with a house's workspace to clone, and give its name."""
    name = f"{template}_{'sample' if sample else 'house'}"
    clone_database(url, template, name)
    with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop of its own
        thread.submit(asyncio.run, _furnish(database_url(url, name), sample=sample)).result()
    return name


async def _furnish(url: str, *, sample: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="m-") as home:
        settings = Settings.for_tests(Path(home), database_url=url)
        async with Metier.open(settings, clock=FrozenClock(), providers=[ScriptedModel()]) as metier:
            actor = await metier.found_workspace(NAME)
            if sample:
                await metier.load_sample(actor)


def clone(url: str, template: str) -> str:
    """Make a fresh database and give its address, for the role that serves requests."""
    name = f"test_{os.urandom(6).hex()}"
    clone_database(url, template, name)
    return database_url(url, name)


def drop(url: str) -> None:
    """Remove the database of this address, whoever is still connected."""
    drop_database(url)


def _folders() -> list[Path]:
    """Give where servers of tests may lie, the best first: in memory, for a clone is hundreds of small files."""
    folders = [Path(tempfile.gettempdir())]
    try:
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
            folders.insert(0, MEMORY)
    except OSError:  # there is none
        pass
    return folders


def _remove_if_left(home: Path) -> None:
    """Stop the server of a session that was killed, and remove its folder."""
    try:
        is_ours = home.stat().st_uid == os.geteuid()
    except FileNotFoundError:  # another session was quicker
        return
    if is_ours and (home / "pg.users").exists() and EmbeddedServer.stop_unused(home):
        shutil.rmtree(home, ignore_errors=True)
