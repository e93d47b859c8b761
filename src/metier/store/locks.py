"""Locks between processes on files. The kernel frees those of a killed process, so none goes stale."""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from metier.errors import Unavailable

TRY_AGAIN_S = 0.01


@contextmanager
def exclusive(path: Path, *, wait_s: float) -> Generator[None]:
    """Hold `path` alone; blocks the thread.

    Raises:
        Unavailable: Another process holds it for longer than `wait_s`.
    """
    file = _open(path)
    try:
        give_up_at = time.monotonic() + wait_s
        while not _take(file, fcntl.LOCK_EX):
            if time.monotonic() > give_up_at:
                raise Unavailable(
                    f"Another process has held {str(path)!r} for {wait_s:.0f} s.",
                    cure="Look which process starts or stops Metier there, and end it if it hangs.",
                )
            time.sleep(TRY_AGAIN_S)
        yield
    finally:
        os.close(file)


class Share:
    """One handle of many on a file, held until `close` or until the process dies."""

    def __init__(self, path: Path) -> None:
        self._file: int | None = _open(path)
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def close(self) -> None:
        """Give the handle up."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def is_shared(path: Path) -> bool:
    """Say whether anybody, this process included, holds a share."""
    file = _open(path)
    try:
        return not _take(file, fcntl.LOCK_EX)
    finally:
        os.close(file)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _take(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
