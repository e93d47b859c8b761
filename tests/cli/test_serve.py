"""The server ends in order, however it is asked to."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="m-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_told_to_end_closes_its_house(home: Path, number: signal.Signals):
    """The last one out stops the embedded database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "metier.cli", "serve", "--port", str(port)],
        env={"PATH": os.defpath, "METIER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == f"Metier is at http://127.0.0.1:{port}\n"
    assert "Stop with" in [server.stdout.readline() for _ in range(2)][-1]
    assert (home / "pg" / "postmaster.pid").exists()

    server.send_signal(number)
    _, complaints = server.communicate(timeout=120)

    assert server.returncode in (0, 128 + number), complaints  # the latter if it was not quite up
    assert "Traceback" not in complaints
    assert not (home / "pg" / "postmaster.pid").exists()
