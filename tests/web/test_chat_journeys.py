"""Journeys through the chat in a real browser: ask, watch, stop, come back, fail, retry."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from metier.api.auth import SIGN_IN_COOKIE
from metier.testing import Script
from tests.web.journey import Journey, Screen, window
from tests.web.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def chat(chromium: Browser, address: str, fleet: Site) -> AsyncIterator[Journey]:
    """A window on the empty chat."""
    async with window(chromium, address, token=fleet.client.cookies[SIGN_IN_COOKIE]) as journey:
        await journey.go("/chat")
        yield journey


@pytest_asyncio.fixture(loop_scope="module")
async def loud(chromium: Browser, address: str, fleet: Site) -> AsyncIterator[Journey]:
    """The same, where failed requests may speak in the console."""
    async with window(chromium, address, token=fleet.client.cookies[SIGN_IN_COOKIE], quiet=False) as journey:
        await journey.go("/chat")
        yield journey


async def ask(journey: Journey, text: str) -> None:
    await journey.page.locator("textarea").fill(text)
    await journey.page.keyboard.press("Enter")


@pytest.mark.parametrize("screen", ["light", "dark", "phone"])
async def test_a_question_is_answered_with_a_card_and_text(
    chromium: Browser, address: str, fleet: Site, screen: Screen
):
    words = "**One** ship.\n\n| Ship | Crew |\n|---|--:|\n| Aurora | 120 |\n\n```py\nx = 1\n```\n"
    fleet.house.model.script = Script().calls("find_ships", where={"state": {"eq": "afloat"}}).then_says(words)
    async with window(chromium, address, token=fleet.client.cookies[SIGN_IN_COOKIE], screen=screen) as journey:
        page = journey.page
        await journey.go("/chat")
        await ask(journey, "Which ships are afloat?")
        await expect(page.locator(".end")).to_contain_text("Trace")

        await expect(page.locator(".tool .took")).to_contain_text("done in")
        await expect(page.locator(".md strong")).to_have_text("One")
        await expect(page.locator("h1")).to_have_text("Which ships are afloat?")
        await expect(page.locator("m-chat")).to_have_attribute("data-state", "idle")
        assert journey.path.startswith("/chat/")
        painted = await page.locator(".answer").inner_html()
        await page.locator(".tool summary").click()
        await expect(page.locator(".tool tbody a").first).to_have_text("Aurora")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.reload()
        assert (await page.locator(".answer").inner_html()).strip() == painted.strip()


async def test_the_own_message_is_there_before_the_server_has_answered(chat: Journey, fleet: Site):
    """It stands there when the key has been handled, so before any answer can come in."""
    fleet.house.model.script = Script().says("Yes.")
    seen = await chat.page.evaluate(
        """() => { const text = document.querySelector("textarea"); text.value = "At once?";
        text.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true}));
        const bubble = document.querySelector(".turn:last-of-type .said-by-me");
        return bubble?.getBoundingClientRect().height > 0 && bubble.textContent === "At once?"; }"""
    )
    await expect(chat.page.locator(".end")).to_be_visible()

    assert seen


async def test_stop_keeps_the_text_so_far(chat: Journey, fleet: Site):
    fleet.house.model.script = Script().then_hangs(after="I was about to")
    await ask(chat, "Slow?")
    await expect(chat.page.locator(".md")).to_have_text("I was about to")

    await chat.page.locator(".halt").click()

    await expect(chat.page.locator(".end .stopped")).to_have_text("Stopped")
    await expect(chat.page.locator(".md")).to_have_text("I was about to")
    await expect(chat.page.locator(".send")).to_be_visible()


async def test_a_reload_finds_the_turn_at_work(chat: Journey, fleet: Site):
    script = Script().then_hangs(after="First words. ")
    fleet.house.model.script = script
    await ask(chat, "Slow?")
    await expect(chat.page.locator(".md")).to_have_text("First words.")
    await expect(chat.page.locator("h1")).to_have_text("Slow?")

    await chat.page.reload()
    await expect(chat.page.locator(".md")).to_have_text("First words.")
    await expect(chat.page.locator(".halt")).to_be_visible()
    script.go_on()

    await expect(chat.page.locator(".end")).to_contain_text("Trace")
    await expect(chat.page.locator(".turn")).to_have_count(1)


async def test_a_suggestion_is_asked_with_one_click(chat: Journey, fleet: Site):
    fleet.house.model.script = Script().says("None.")
    text = await chat.page.locator(".suggestions button").first.inner_text()

    await chat.page.locator(".suggestions button").first.click()

    await expect(chat.page.locator(".said-by-me")).to_have_text(text)
    await expect(chat.page.locator(".end")).to_be_visible()
    await expect(chat.page.locator(".hero")).to_be_hidden()


async def test_the_palette_s_question_is_sent_once(chat: Journey, fleet: Site):
    fleet.house.model.script = Script().says("Three.").then_says("Not again.")
    await chat.page.keyboard.press("Control+k")
    await chat.page.keyboard.type("How many ships?")
    await chat.page.keyboard.press("Enter")

    await expect(chat.page.locator(".md")).to_have_text("Three.")
    await chat.page.reload()

    await expect(chat.page.locator(".said-by-me")).to_have_count(1)
    assert chat.path.startswith("/chat/")


async def test_no_link_sends_a_message(chat: Journey, fleet: Site):
    """S-54: an agent's words may be a link into the chat; what it carries waits for the person's Enter."""
    fleet.house.model.script = Script().says("Never said.")
    for address in ("/chat?q=Delete+all&send=1#send", "/chat?q=Delete+all#metierSendOnce"):
        await chat.go(address)
        await expect(chat.page.locator("textarea")).to_have_value("Delete all")

    await expect(chat.page.locator(".said-by-me")).to_have_count(0)
    assert fleet.house.model.script.asked == []
    await chat.page.locator("textarea").fill("")


async def test_a_draft_is_kept_until_it_is_sent(chat: Journey, fleet: Site):
    fleet.house.model.script = Script().says("Yes.")
    await chat.page.locator("textarea").fill("Half a")
    await chat.page.reload()
    await expect(chat.page.locator("textarea")).to_have_value("Half a")

    await chat.page.locator("textarea").press("End")
    await chat.page.keyboard.type(" thought")
    await chat.page.keyboard.press("Shift+Enter")
    await chat.page.keyboard.type("and more")
    await chat.page.keyboard.press("Control+Enter")

    await expect(chat.page.locator(".said-by-me")).to_have_text("Half a thought\nand more")
    await expect(chat.page.locator(".end")).to_be_visible()
    assert (
        await chat.page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('metierDraft')).length") == 0
    )


async def test_who_scrolls_up_is_left_there(chat: Journey, fleet: Site):
    script = Script().then_hangs(after="words\n\n" * 80)
    fleet.house.model.script = script
    await ask(chat, "Much?")
    await expect(chat.page.locator(".md p")).to_have_count(80)
    log = chat.page.locator(".log")
    assert await log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 5

    await log.evaluate("log => log.scrollTo(0, 0)")
    await expect(chat.page.locator(".jump")).to_be_visible()
    script.go_on()
    await expect(chat.page.locator(".end")).to_be_attached()

    assert await log.evaluate("log => log.scrollTop") == 0
    await chat.page.locator(".jump").click()
    await expect(chat.page.locator(".jump")).to_be_hidden()
    assert await log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 5


async def test_a_message_while_one_is_answered_waits_in_the_composer(chat: Journey, fleet: Site):
    script = Script().then_hangs(after="Wait")
    fleet.house.model.script = script
    await ask(chat, "Slow?")
    await expect(chat.page.locator(".md")).to_have_text("Wait")

    await ask(chat, "Too early")

    await expect(chat.page.locator(".composer .problem")).to_have_text("Wait for the answer, or stop it, then send.")
    await expect(chat.page.locator("textarea")).to_have_value("Too early")
    script.go_on()
    await expect(chat.page.locator(".end")).to_be_visible()


# --- when things go wrong ------------------------------------------------------------------------------------------


async def test_a_message_that_could_not_be_sent_is_kept_and_the_reason_shown(loud: Journey):
    async def fail(route: Route) -> None:
        await route.abort()

    await loud.page.route("**/api/v1/threads", fail)
    await ask(loud, "Anybody?")

    await expect(loud.page.locator(".composer .problem")).to_contain_text("The server did not answer")
    await expect(loud.page.locator("textarea")).to_have_value("Anybody?")
    await expect(loud.page.locator(".turn")).to_have_count(0)
    await expect(loud.page.locator(".hero")).to_be_visible()


async def test_a_connection_that_breaks_comes_back_where_it_left_off(loud: Journey, fleet: Site):
    script = Script().then_hangs(after="First. ")
    fleet.house.model.script = script
    tries: list[str] = []

    async def cut(route: Route) -> None:
        tries.append(route.request.url)
        await (route.abort() if len(tries) < 3 else route.continue_())

    await loud.page.route("**/events?**", cut)
    await ask(loud, "Slow?")
    await expect(loud.page.locator(".status")).to_contain_text("Trying again")
    await expect(loud.page.locator(".md")).to_have_text("First.")
    script.go_on()

    await expect(loud.page.locator(".end")).to_contain_text("Trace")
    assert len(tries) == 3


async def test_a_run_that_is_gone_is_called_interrupted_and_can_be_retried(loud: Journey, fleet: Site):
    fleet.house.model.script = Script().says("Lost.").then_says("Found.")

    async def gone(route: Route) -> None:
        await route.fulfill(status=404)

    await loud.page.route("**/api/v1/runs/**", gone)
    await ask(loud, "Where?")
    await expect(loud.page.locator(".notice.warn")).to_contain_text("interrupted")
    await loud.page.unroute("**/api/v1/runs/**")
    await loud.page.locator(".end button").click()

    await expect(loud.page.locator(".turn:last-of-type .md")).to_have_text("Found.")
    assert await loud.page.locator(".said-by-me").all_inner_texts() == ["Where?", "Where?"]


async def test_all_of_it_works_without_javascript(chromium: Browser, address: str, fleet: Site):
    fleet.house.model.script = Script().calls("find_ships").then_says("**Three.**")
    context = await chromium.new_context(java_script_enabled=False)
    await context.add_cookies([{"name": SIGN_IN_COOKIE, "value": fleet.client.cookies[SIGN_IN_COOKIE], "url": address}])
    page = await context.new_page()
    await page.goto(f"{address}/chat")
    await page.locator("textarea").fill("How many ships?")
    await page.locator(".send").click()
    await page.wait_for_url("**/chat/*")  # the form's answer leads there; a reload meanwhile is lost
    turns = await fleet.house.metier.chat.transcript(fleet.house.actor, await newest(fleet))
    await fleet.house.events(turns[-1].run.root_id)
    await page.reload()

    await expect(page.locator(".md strong")).to_have_text("Three.")
    await expect(page.locator(".code-copy").first).to_be_hidden()
    await context.close()


async def newest(fleet: Site):
    return (await fleet.house.metier.chat.threads(fleet.house.actor, limit=1))[0].id
