"""A real browser on the running product: windows on a desk and on a phone, and what must hold on every page."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.async_api import Browser, Page, Request, Response, expect

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK = {"width": 1440, "height": 900}
SCREENS: Mapping[str, Mapping[str, Any]] = {
    "light": {"viewport": DESK, "color_scheme": "light"},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}
Screen = Literal["light", "dark", "phone"]
LET_GO = "net::ERR_ABORTED"  # the page itself gave a request up: a stream that ended, a prefetch that was used

expect.set_options(timeout=30_000)  # ms; a busy machine is no failure


@dataclass
class Window:
    """One window on one server, and everything that went wrong in it."""

    page: Page
    address: str
    wrong: list[str] = field(default_factory=list[str])

    async def go(self, path: str) -> None:
        """Open a page; its scripts have run when this returns."""
        await self.page.goto(f"{self.address}{path}")

    @property
    def path(self) -> str:
        """Where the window is: path and query."""
        return self.page.url.removeprefix(self.address)

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def ask(self, text: str) -> None:
        """Write a message in the chat and send it by keyboard, once the page's scripts have run."""
        await self.page.wait_for_load_state()
        await self.page.locator("textarea").fill(text)
        await self.press("Enter")

    async def answered(self) -> None:
        """Wait until the last turn has ended."""
        await expect(self.page.locator(".turn:last-of-type .end")).to_be_visible()

    async def tab_to(self, selector: str, *, most: int = 80) -> None:
        """Press Tab until the focus is on an element that fits; every stop on the way shows where it is."""
        for _ in range(most):
            await self.press("Tab")
            assert await self.page.evaluate(FOCUS_SHOWS), await self.page.evaluate(FOCUSED)
            if await self.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
        raise AssertionError(f"Tab did not reach {selector}, it is now at {await self.page.evaluate(FOCUSED)}")


@asynccontextmanager
async def window(
    chromium: Browser,
    address: str,
    *,
    cookies: Mapping[str, str] | None = None,
    screen: Screen = "light",
    quiet: bool = True,
) -> AsyncIterator[Window]:
    """Open a window; when it closes nothing may have gone wrong in it, unless `quiet` is off."""
    context = await chromium.new_context(**SCREENS[screen], reduced_motion="reduce")
    await context.add_cookies([{"name": n, "value": v, "url": address} for n, v in (cookies or {}).items()])
    opened = Window(await context.new_page(), address)
    _listen(opened)
    try:
        yield opened
    finally:
        await context.close()
    assert not quiet or opened.wrong == []


def _listen(opened: Window) -> None:
    """Note what the console says, what scripts raise, and what the server does not answer well."""

    def failed(request: Request) -> None:
        if request.failure != LET_GO:
            opened.wrong.append(f"{request.url}: {request.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            opened.wrong.append(f"{response.url}: {response.status}")

    page = opened.page
    page.on("console", lambda said: opened.wrong.append(f"{said.type}: {said.text} ({page.url})"))
    page.on("pageerror", lambda error: opened.wrong.append(f"{error} ({page.url})"))
    page.on("requestfailed", failed)
    page.on("response", answered)


async def check_page(opened: Window) -> None:
    """Check what must hold on every page: one h1, landmarks, nothing that sticks out, focus that one can see."""
    page = opened.page
    facts = await page.evaluate(FACTS)
    assert facts == {"h1": 1, "main": 1, "lang": "en", "outside": 0, "unnamed": []}, opened.path
    await page.evaluate("scrollTo(0, 0)")
    for _ in range(5):
        await opened.press("Tab")
        assert await page.evaluate(FOCUS_SHOWS), f"{opened.path}: {await page.evaluate(FOCUSED)}"


FACTS = """() => ({
    h1: [...document.querySelectorAll("h1")].filter(e => e.checkVisibility()).length,
    main: document.querySelectorAll("main").length,
    lang: document.documentElement.lang,
    outside: Math.max(0, document.documentElement.scrollWidth - innerWidth),
    unnamed: [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), select, textarea")]
        .filter(e => e.checkVisibility())
        .filter(e => !(e.innerText || e.textContent).trim() && !e.ariaLabel && !e.title && !e.labels?.length)
        .map(e => e.outerHTML.slice(0, 120)),
})"""

FOCUSED = "() => document.activeElement.outerHTML.slice(0, 160)"

# What is drawn around the focused element, or around what it lies in, is another than without the focus.
FOCUS_SHOWS = """() => {
    const focused = document.activeElement;
    if (focused === document.body) return true; // between the last stop and the first
    if (focused.getAttribute("aria-activedescendant")) return true; // a caret, and a row that is marked
    const around = [focused, focused.parentElement, focused.parentElement?.parentElement].filter(Boolean);
    const look = () => around.map(e => {
        const style = getComputedStyle(e);
        return [style.outline, style.boxShadow, style.borderColor, style.backgroundColor].join();
    }).join("|");
    const { left, right, top, bottom } = focused.getBoundingClientRect();
    const seen = right > Math.max(left, 0) && left < innerWidth && bottom > Math.max(top, 0) && top < innerHeight;
    const marked = look();
    focused.blur();
    const plain = look();
    focused.focus({ preventScroll: true });
    return seen && marked !== plain;
}"""
