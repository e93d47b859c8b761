"""The server is killed in the middle of an answer and started again: page and command line go on by themselves."""

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.acceptance.browser import window
from tests.acceptance.conftest import Home, Server, free_port, read_greeting
from tests.acceptance.models import scripted

WORDS = " ".join(f"word{i}" for i in range(120))


@dataclass
class Mortal:
    """A server that is killed and started again where it was."""

    home: Home
    env: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    address: str = ""

    def start(self) -> Server:
        self.process = self.home.start("demo", "--port", str(self.port), **self.env)
        started = read_greeting(self.process.stdout)
        threading.Thread(target=self.process.communicate, daemon=True).start()  # what it logs fills no pipe
        self.address = started.address
        return started

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def lonely() -> Iterator[Home]:
    """A home of its own: another server on it would go on with the answer at once."""
    path = Path(tempfile.mkdtemp(prefix="m-"))
    home = Home(path)
    home.run("demo", "--load-only")
    yield home
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def mortal(home: Home, folder: Path) -> Iterator[Mortal]:
    """Run a server whose model talks slowly."""
    with scripted(folder, [{"says": WORDS, "between_s": 0.03}]) as env:
        made = Mortal(home, env)
        try:
            yield made
        finally:
            made.kill()


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_goes_on_by_itself(chromium: Browser, lonely: Home, tmp_path: Path):
    with mortal(lonely, tmp_path) as server:
        started = server.start()
        started.sign_in()
        async with window(chromium, server.address, cookies=started.cookies, quiet=False) as chat:
            page = chat.page
            await chat.go("/chat")
            await chat.ask("Talk to me")
            await expect(page.locator(".answer > .md")).to_contain_text("word20 ")
            server.kill()
            await expect(page.locator(".status")).to_contain_text("Trying again")
            server.start()
            await chat.answered()

            await expect(page.locator(".answer > .md")).to_have_count(1)
            await expect(page.locator(".answer > .md")).to_have_text(WORDS)
            await expect(page.locator(".end [role=alert]")).to_have_count(0)
            await page.reload()
            await expect(page.locator(".answer > .md")).to_have_text(WORDS)
            await expect(page.locator(".turn")).to_have_count(1)


def test_the_command_line_goes_on_by_itself(lonely: Home, tmp_path: Path):
    with mortal(lonely, tmp_path) as server:
        server.start()
        made = lonely.run("keys", "create", "--role", "member", "--name", "t", "--json")
        token = json.loads(made.stdout)["token"]
        asking = lonely.start("ask", "Talk to me", "--url", server.address, "--token", token)
        assert asking.stdout
        seen = ""
        while "word20 " not in seen:
            seen += asking.stdout.read(1)
        server.kill()
        while "Trying again" not in seen:
            seen += asking.stdout.read(1)
        server.start()
        rest, _ = asking.communicate(timeout=60)

    assert asking.returncode == 0
    assert "Another process goes on" in seen + rest
    assert rest.strip().endswith(WORDS)
