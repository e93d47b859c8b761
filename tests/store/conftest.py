"""Short homes for embedded servers, and somebody else to be."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metier.errors import MetierError

NOBODY = 65534


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A folder for a home, with a path short enough for a socket; it does not exist yet."""
    home = Path(tempfile.gettempdir()) / f"m-{os.urandom(3).hex()}"
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def as_nobody() -> Callable[[Callable[[], object]], str]:
    """Call something in a process of an unprivileged user; gives `ok` or the error's name."""

    def call(action: Callable[[], object]) -> str:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            try:
                action()
                answer = "ok"
            except (OSError, MetierError) as error:
                answer = type(error).__name__
            os.write(write, answer.encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as answers:
            answer = answers.read()
        os.waitpid(pid, 0)
        return answer

    return call
