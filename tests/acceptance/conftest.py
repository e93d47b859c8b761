"""Metier as people start it: the command line, a server, a model server that speaks the real protocol."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx2 as httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.acceptance.browser import SWITCHES

METIER = [sys.executable, "-m", "metier.cli"]
VARIABLES = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE")


@dataclass
class Home:
    """A METIER_HOME with the sample workspace."""

    path: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, ok: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `metier …` and give what it printed."""
        done = subprocess.run(
            [*METIER, *arguments], env=self._environment(env), capture_output=True, text=True, timeout=120
        )
        assert (done.returncode == 0) is ok, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json_lines(self, *arguments: str, **env: str) -> list[dict[str, Any]]:
        """Run `metier … --json` and read its lines."""
        return [json.loads(line) for line in self.run(*arguments, "--json", **env).stdout.splitlines()]

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start `metier …` in the background."""
        return subprocess.Popen(
            [*METIER, *arguments],
            env=self._environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _environment(self, env: dict[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in VARIABLES if name in os.environ}
        return kept | {"METIER_HOME": str(self.path)} | self.env | env


@dataclass
class Server:
    """A running `metier demo`."""

    address: str
    link: str
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self) -> None:
        """Follow the one-time link."""
        with httpx.Client(follow_redirects=True, timeout=30) as client:
            answer = client.get(self.link)
            assert answer.status_code == 200
            assert answer.url.path == "/chat"
            self.cookies = dict(client.cookies)

    def signed_in(self) -> httpx.Client:
        """Give a client of the admin who followed the link."""
        return httpx.Client(base_url=self.address, cookies=self.cookies, timeout=30)


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """A home with the sample workspace, made by `metier demo --load-only`."""
    path = Path(tempfile.mkdtemp(prefix="m-"))
    made = Home(path)
    made.run("demo", "--load-only")
    yield made
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def server(home: Home) -> Iterator[Server]:
    """A server on that home."""
    with running(home, "demo") as started:
        started.sign_in()
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium, one for all journeys; skips without one."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        await browser.close()


@contextmanager
def running(home: Home, *arguments: str, **env: str) -> Iterator[Server]:
    """Run `metier …` as a server on a free port; it must end in order and tell of no fault."""
    process = home.start(*arguments, "--port", str(free_port()), **env)
    told: list[str] = []
    try:
        started = read_greeting(process.stdout)
        threading.Thread(target=told.extend, args=(process.stdout,), daemon=True).start()
        yield started
    finally:
        process.terminate()
        ended = process.wait(20)
    assert ended in (0, -15)
    assert "Traceback" not in "".join(told), "".join(told)


def read_greeting(output: IO[str] | None) -> Server:
    """Read the address and the link that a starting server prints."""
    assert output is not None
    address = link = ""
    told: list[str] = []
    for line in output:
        told.append(line)
        if found := re.search(r"Metier is at (\S+)", line):
            address = found[1]
        if found := re.search(r"link.*: (\S+/link/\S+)", line):
            link = found[1]
        if address and link:
            return Server(address, link)
    raise AssertionError(f"the server ended without printing its address and link:\n{''.join(told)}")


def free_port() -> int:
    """Give a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
