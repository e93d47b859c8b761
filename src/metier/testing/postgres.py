"""A PostgreSQL for one test session, and a fresh database in it for each test.

server → template (tables made once) → for each test: clone … drop
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from metier.store.cloning import clone_database, create_template, database_url, drop_database
from metier.store.embedded import EmbeddedServer

PREFIX = "m-pg-"
TEMPLATE = "template_metier"

#: Nothing of a test session is worth keeping.
OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@contextmanager
def server() -> Generator[str]:
    """Start a server in a folder of its own and give the address for its superuser; both go at the end.

    What killed sessions left behind goes now.
    """
    folder = Path(tempfile.gettempdir())
    for left in folder.glob(f"{PREFIX}*"):
        _remove_if_left(left)
    home = folder / f"{PREFIX}{os.urandom(4).hex()}"
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


def clone(url: str, template: str) -> str:
    """Make a fresh database and give its address, for the role that serves requests."""
    name = f"test_{os.urandom(6).hex()}"
    clone_database(url, template, name)
    return database_url(url, name)


def drop(url: str) -> None:
    """Remove the database of this address, whoever is still connected."""
    drop_database(url)


def _remove_if_left(home: Path) -> None:
    """Stop the server of a session that was killed, and remove its folder."""
    try:
        is_ours = home.stat().st_uid == os.geteuid()
    except FileNotFoundError:  # another session was quicker
        return
    if is_ours and (home / "pg.users").exists() and EmbeddedServer.stop_unused(home):
        shutil.rmtree(home, ignore_errors=True)
