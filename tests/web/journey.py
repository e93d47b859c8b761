"""A real browser on a served house: what journeys share."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from metier import api, web
from metier.api.auth import SIGN_IN_COOKIE
from metier.testing import House

CHROMIUM_SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}
Screen = Literal["light", "dark", "phone"]

expect.set_options(timeout=30_000)  # ms; a busy machine is no failure


@dataclass
class Journey:
    """One browser window, and everything its console said."""

    page: Page
    address: str
    said: list[str] = field(default_factory=list[str])

    async def go(self, path: str) -> None:
        """Open a page and wait until its scripts have run."""
        await self.page.goto(f"{self.address}{path}")
        await self.page.wait_for_load_state("networkidle")

    def hear(self, message: ConsoleMessage) -> None:
        """Note what the console says, but for the browser's own remarks (that an autofocus came second, say)."""
        if message.type != "info":
            self.said.append(f"{message.type}: {message.text} ({self.page.url})")

    @property
    def path(self) -> str:
        """Where the window is: path and query."""
        return self.page.url.removeprefix(self.address)


@asynccontextmanager
async def serve(house: House) -> AsyncIterator[str]:
    """Serve a house on a free port; gives its address."""
    app = api.build(house.metier, web.renderers(house.metier))
    web.attach(app, house.metier)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await task


@asynccontextmanager
async def window(
    chromium: Browser, address: str, *, token: str | None, screen: Screen = "light", quiet: bool = True
) -> AsyncIterator[Journey]:
    """Open a window, signed in with `token`; at the end its console must be empty, unless `quiet` is off."""
    context = await chromium.new_context(**SCREENS[screen], reduced_motion="reduce")
    if token:
        await context.add_cookies([{"name": SIGN_IN_COOKIE, "value": token, "url": address}])
    page = await context.new_page()
    journey = Journey(page, address)
    page.on("console", journey.hear)
    page.on("pageerror", lambda error: journey.said.append(f"error: {error} ({page.url})"))
    try:
        yield journey
    finally:
        await context.close()
    assert not quiet or journey.said == []
