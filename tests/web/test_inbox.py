"""The inbox and the cards of requests: answered in place, with and without scripts, by those whom they concern."""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from bs4 import BeautifulSoup, Tag

from metier.runs.requests import Request
from metier.testing import FrozenClock, Script, open_house
from tests.asking import Book, asked, begin, ended, one_write, reply, waiting
from tests.web.site import Site, browser_of, soup


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def site(furnished: None, database_url: str, clock: FrozenClock, book: Book) -> AsyncIterator[Site]:
    async with open_house(url=database_url, clock=clock, agents=[book.agent()]) as house, browser_of(house) as client:
        opened = Site(house, client)
        await opened.sign_in()
        yield opened


def card_of(page: BeautifulSoup, request: Request) -> Tag:
    [card] = page.select(f'[data-request="{request.id}"]')
    return card


def form_of(card: Tag) -> dict[str, str]:
    """Give what a browser would send, without the button."""
    return {one["name"]: one.get("value", "") for one in card.select("input")}


async def thread_of(site: Site, run_id: UUID) -> str:
    return str((await site.house.metier.runs.get(site.house.actor, run_id)).thread_id)


async def test_an_empty_inbox_says_what_it_is_for(site: Site):
    page = await site.page("/inbox")

    assert "Nothing waits for you" in page.get_text()
    assert page.select_one("#inbox-tally").has_attr("hidden")


async def test_a_request_is_answered_in_the_inbox_without_scripts(site: Site, book: Book):
    run_id, request = await asked(site.house, one_write())
    page = await site.page("/inbox")
    card = card_of(page, request)

    assert page.select_one("#inbox-tally").get_text(" ", strip=True) == "1 waiting"
    assert [cell.get_text() for cell in card.select(".diff td")] == ["blank", "Acme"]
    assert '"page"' in card.select_one(".exact").get_text()
    assert "for Admin" in page.select_one(".from").get_text()

    answer = await site.post(f"/inbox/{request.id}", form_of(card) | {"verdict": "approve", "note": "Fine."})
    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
    await ended(site.house, run_id)
    after = await site.page("/inbox")

    assert book.pages["1"] == "Acme"
    assert "Nothing waits for you" in after.get_text()
    assert "Approved by Admin" in after.select_one(".closed").get_text()


async def test_in_the_chat_the_card_comes_back_answered_and_the_count_with_it(site: Site, book: Book):
    run_id, request = await asked(site.house, one_write())
    thread = await thread_of(site, run_id)
    card = card_of(await site.page(f"/chat/{thread}"), request)

    answer = await site.post(f"/inbox/{request.id}", form_of(card) | {"verdict": "decline"}, **{"HX-Request": "true"})
    await ended(site.house, run_id)
    page = await site.page(f"/chat/{thread}")

    assert answer.status_code == 200
    assert "Declined by Admin" in card_of(soup(answer), request).get_text()
    assert soup(answer).select_one("#inbox-tally")["hx-swap-oob"] == "true"
    assert card_of(page, request)["data-status"] == "answered"
    assert not card_of(page, request).select("form")
    assert book.written == []


async def test_without_scripts_the_answer_leads_back_to_the_chat_and_never_elsewhere(site: Site):
    run_id, request = await asked(site.house, one_write())
    thread = await thread_of(site, run_id)
    form = form_of(card_of(await site.page(f"/chat/{thread}"), request))

    assert form["back"] == f"/chat/{thread}"
    nothing = await site.post(f"/inbox/{request.id}", form | {"verdict": "maybe"})
    assert nothing.status_code == 422
    evil = await site.post(f"/inbox/{request.id}", form | {"verdict": "decline", "back": "https://evil.example/"})
    assert evil.headers["location"] == "/inbox"


async def test_what_changed_meanwhile_is_shown_anew_with_the_reason(site: Site, book: Book):
    run_id, request = await asked(site.house, one_write())
    form = form_of(card_of(await site.page("/inbox"), request))
    book.pages["1"] = "changed"

    refused = await site.post(f"/inbox/{request.id}", form | {"verdict": "approve"}, **{"HX-Request": "true"})
    whole = await site.post(f"/inbox/{request.id}", form | {"verdict": "approve"})
    card = card_of(soup(refused), request)

    assert refused.status_code == whole.status_code == 409
    assert "something else than you saw" in card.select_one("[role=alert]").get_text()
    assert card.select_one(".before").get_text() == "changed"
    assert form_of(card)["hash"] != form["hash"]
    assert (await site.post(f"/inbox/{request.id}", form_of(card) | {"verdict": "approve"})).status_code == 303
    assert (await ended(site.house, run_id)).status == "succeeded"


async def test_anothers_request_is_no_page(site: Site):
    member = await site.house.member(flags=["AI"])
    _, request = await asked(site.house, one_write(), actor=member)
    stranger = await site.house.member(flags=["AI"], name="Stranger")
    await site.sign_in(stranger)

    for url in (f"/inbox/{request.id}", f"/inbox/{uuid4()}"):
        assert (await site.get(url)).status_code == 404
        assert (await site.post(url, {"hash": request.hash, "verdict": "approve"})).status_code == 404
    assert "Nothing waits for you" in (await site.page("/inbox")).get_text()


async def test_an_admin_sees_anothers_request_but_gets_no_buttons(site: Site):
    member = await site.house.member(flags=["AI"])
    _, request = await asked(site.house, one_write(), actor=member)

    card = card_of(await site.page(f"/inbox/{request.id}"), request)

    assert not card.select("form")
    assert "Waits for an answer" in card.get_text()
    assert (await site.post(f"/inbox/{request.id}", {"hash": request.hash, "verdict": "approve"})).status_code == 403


async def test_options_and_words_are_given_in_the_card(site: Site):
    async def ask(**arguments) -> tuple[UUID, Request]:
        site.house.model.script = Script().calls("ask_person", **arguments).then_says("Thanks.")
        thread = await site.house.metier.chat.create_thread(
            site.house.actor, agent="crm-assistant", model="scripted/model"
        )
        run = await site.house.metier.chat.send(site.house.actor, thread.id, "Please.")
        return run.id, (await waiting(site.house, run.id))[0]

    run_id, request = await ask(question="Which?", options=["Acme", "Globex"])
    card = card_of(await site.page("/inbox"), request)
    buttons = {button.get_text(): button for button in card.select("button")}
    await site.post(f"/inbox/{request.id}", form_of(card) | {buttons["Globex"]["name"]: buttons["Globex"]["value"]})
    assert (await ended(site.house, run_id)).last("tool_result").data["result"] == {"answer": "Globex"}

    run_id, request = await ask(question="What shall it say?")
    card = card_of(await site.page("/inbox"), request)
    empty = await site.post(f"/inbox/{request.id}", form_of(card) | {"verdict": "answer", "value": ""})
    assert empty.status_code == 422
    assert "Must be words" in soup(empty).select_one("[role=alert]").get_text()
    await site.post(f"/inbox/{request.id}", form_of(card) | {"verdict": "answer", "value": "Hello"})
    assert (await ended(site.house, run_id)).last("tool_result").data["result"] == {"answer": "Hello"}


async def test_markup_in_what_is_shown_stays_text(site: Site, book: Book):
    book.pages["<img src=x>"] = "<script>before</script>"
    _, request = await asked(site.house, one_write(page="<img src=x>", text="[a](javascript:b) <b>bold</b>\nApproved"))

    card = card_of(await site.page("/inbox"), request)

    assert not card.select("img, script, b")
    assert not [a for a in card.select("a") if not a["href"].startswith("/o/")]
    assert "<script>before</script>" in card.select_one(".before").get_text()


async def test_what_cannot_be_seen_is_written_out(site: Site):
    """S-17: an order of reading that is turned must not make one thing look like another."""
    _, request = await asked(site.house, one_write(text="safe\u202etxt\u200b\x1b[2K"))

    card = card_of(await site.page("/inbox"), request)

    shown = "safe⟨U+202E⟩txt⟨U+200B⟩⟨U+001B⟩[2K"
    assert card.select_one(".after").get_text() == shown
    assert shown in card.select_one(".exact").get_text()


async def test_failed_runs_are_listed_and_cleared(site: Site, clock: FrozenClock):
    await ended(site.house, await begin(site.house, Script().says("")))
    page = await site.page("/inbox")
    assert "Failed runs" in page.get_text()
    assert re.fullmatch(r"1\s*waiting", page.select_one("#inbox-tally").get_text(" ", strip=True))

    clock.forward(1)
    await site.post("/inbox/clear", {})

    assert "Failed runs" not in (await site.page("/inbox")).get_text()


async def test_the_trace_tells_what_was_asked_and_what_was_read(site: Site):
    run_id, request = await asked(site.house, Script().calls("look").calls("write", page="1", text="a").says("Ok."))
    await reply(site.house, request)
    await ended(site.house, run_id)

    page = await site.page(f"/runs/{run_id}")

    steps = [step.get_text(" ", strip=True) for step in page.select(".step .what")]
    assert "Write page 1 Approved by Admin" in steps
    assert "This turn has read" not in page.get_text()


async def test_settings_choose_what_is_confirmed(site: Site):
    page = await site.page("/settings/ai/agents")
    assert "Now: every change" in page.get_text()

    await site.post(
        "/settings/ai/agents", {"default": "never", "agent.clerk": "outside_own", "agent.crm-assistant": ""}
    )
    chosen = await site.house.metier.access.confirming(site.house.actor.workspace_id)

    assert (chosen.default, dict(chosen.agents)) == ("never", {"clerk": "outside_own"})
    await site.sign_in(await site.house.member(flags=["AI"]))
    assert (await site.get("/settings/ai/agents")).status_code == 403
    assert (await site.post("/settings/ai/agents", {"default": "never"})).status_code == 403
