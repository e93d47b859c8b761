"""Whether METIER_HOME can hold a database that nobody else reaches.

The embedded PostgreSQL trusts whoever opens its socket, so all its safety lies in folders: the socket lies in the data
folder, the data folder is open to its owner alone, and nobody can put another folder in its place.
"""

import os
import pwd
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from metier.errors import UnsafeHome
from metier.redaction import get_logger

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 107  # bytes; sockaddr_un.sun_path of Linux holds 108 with the closing zero
ACCOUNT = "metier"  # who runs PostgreSQL when Metier runs as root, which PostgreSQL refuses


@dataclass(frozen=True)
class Owner:
    """The user whose processes and files a database consists of."""

    uid: int
    gid: int


def data_folder(home: Path) -> Path:
    """Give the folder of the database's files."""
    return home / "pg"


def check_home(home: Path) -> None:
    """Say no to a home where the database could be reached by others; changes nothing.

    Raises:
        UnsafeHome: With the reason and the cure.
    """
    _check_length(home)
    if home.exists():
        _check_folder(home)
    if data_folder(home).exists():
        _check_data(data_folder(home))


def prepare_home(home: Path) -> Owner:
    """Make the home if it is missing, and give the user who owns the database in it.

    Raises:
        UnsafeHome: The home cannot be made, or others could reach the database.
    """
    _check_length(home)
    as_root = os.geteuid() == 0
    try:
        home.mkdir(mode=0o711 if as_root else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnsafeHome(
            f"METIER_HOME {str(home)!r} cannot be made: {error.strerror}.", cure="Set METIER_HOME to another folder."
        ) from None
    check_home(home)
    if not as_root:
        return Owner(os.geteuid(), os.getegid())
    owner = _owner_for_root(data_folder(home))
    open_way(data_folder(home), owner)
    return owner


def open_way(path: Path, owner: Owner) -> None:
    """Let the owner pass through the folders above `path`, which root may do; what is in them stays unlisted."""
    for folder in path.parents:
        status = folder.stat()
        needed = _pass_bit(status, owner)
        if not status.st_mode & needed:
            get_logger().warning("folder opened for passing through", folder=str(folder), uid=owner.uid)
            folder.chmod(stat.S_IMODE(status.st_mode) | needed)


def _pass_bit(status: os.stat_result, owner: Owner) -> int:
    if status.st_uid == owner.uid:
        return stat.S_IXUSR
    return stat.S_IXGRP if status.st_gid == owner.gid else stat.S_IXOTH


def _check_length(home: Path) -> None:
    path = os.fsencode(data_folder(home) / SOCKET)
    if len(path) > SOCKET_PATH_MAX:
        most = SOCKET_PATH_MAX - len(path) + len(os.fsencode(home))
        raise UnsafeHome(
            f"METIER_HOME is too long: {str(home)!r} has {len(os.fsencode(home))} bytes, and the database's socket "
            f"needs a path with at most {most}.",
            cure="Set METIER_HOME to a shorter path, or DATABASE_URL to a PostgreSQL server.",
        )


def _check_folder(home: Path) -> None:
    if not home.is_dir():
        raise UnsafeHome(f"METIER_HOME {str(home)!r} is not a folder.", cure="Set METIER_HOME to a folder.")
    mode = home.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise UnsafeHome(
            f"Everybody can write in METIER_HOME {str(home)!r} (mode {stat.S_IMODE(mode):04o}) and so put another "
            "database there.",
            cure=f"chmod o-w '{home}'",
        )


def _check_data(data: Path) -> None:
    status = data.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise UnsafeHome(f"{str(data)!r} is not a folder.", cure="Move it away, then start again.")
    mode = stat.S_IMODE(status.st_mode)
    if mode != stat.S_IRWXU:
        raise UnsafeHome(
            f"The database's folder {str(data)!r} has mode {mode:04o}; only 0700 keeps others out of it.",
            cure=f"chmod 700 '{data}'",
        )
    if os.geteuid() not in (0, status.st_uid):
        raise UnsafeHome(
            f"The database's folder {str(data)!r} belongs to user {status.st_uid}, and this is user {os.geteuid()}.",
            cure="Run Metier as that user, or set METIER_HOME to a folder of your own.",
        )


def _owner_for_root(data: Path) -> Owner:
    if data.exists() and data.stat().st_uid != 0:
        return Owner(data.stat().st_uid, data.stat().st_gid)
    account = _account() or _make_account()
    return Owner(account.pw_uid, account.pw_gid)


def _account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return None


def _make_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
    problem = ""
    for _ in range(10):  # another process may hold the lock of the user list
        try:
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            problem = "there is no 'useradd'"
            break
        if account := _account():
            return account
        problem = ran.stderr.strip()
        time.sleep(0.2)
    raise UnsafeHome(
        f"PostgreSQL does not run as root, and the user {ACCOUNT!r} for it could not be made: {problem}.",
        cure="Run Metier as an ordinary user, or make that user, or set DATABASE_URL to a PostgreSQL server.",
    )
