"""The chat's pages: what a member sees and sends, with and without JavaScript."""

from uuid import UUID

import httpx2 as httpx
import pytest

from metier.errors import ProviderDown
from metier.testing import Script
from metier.web.suggestions import suggestions
from tests.web.site import Site, soup


async def ask(site: Site, text: str, script: Script | None, **form: str) -> UUID:
    """Send a first message by the form, wait for the answer, and give the thread."""
    if script:
        site.house.model.script = script
    answer = await site.post(
        "/chat", {"text": text, **({"model": "offline/planner"} if script is None else {}), **form}
    )
    assert answer.status_code == 303, answer.text[:500]
    thread = UUID(answer.headers["location"].removeprefix("/chat/"))
    await settled(site, thread)
    return thread


async def settled(site: Site, thread: UUID) -> None:
    """Wait until the thread's last turn has ended."""
    house = site.house
    turns = await house.metier.chat.transcript(house.actor, thread)
    await house.events(turns[-1].run.root_id)


async def say(site: Site, thread: UUID, text: str) -> httpx.Response:
    answer = await site.post(f"/chat/{thread}", {"text": text})
    await settled(site, thread)
    return answer


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_a_visitor_is_sent_to_sign_in(anonymous: Site):
    answer = await anonymous.get("/chat")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


async def test_a_member_without_the_flag_ai_is_told_so(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=[]))

    page = await anonymous.get("/chat")
    sent = await anonymous.post("/chat", {"text": "Ships?"})

    assert page.status_code == 403
    assert sent.status_code == 403
    assert "may not use AI" in page.text


async def test_nobody_sees_the_chat_of_another(site: Site):
    thread = await ask(site, "Hello?", Script().says("Secret answer."))
    await site.sign_in(await site.house.member(flags=["AI"]))

    for answer in (
        await site.get(f"/chat/{thread}"),
        await site.post(f"/chat/{thread}", {"text": "And?"}),
        await site.post(f"/chat/{thread}/rename", {"title": "Mine"}),
        await site.post(f"/chat/{thread}/stop", {}),
        await site.post(f"/chat/{thread}/delete", {}),
        await site.post(f"/chat/{thread}/restore", {}),
        await site.post(f"/api/v1/threads/{thread}/restore", {}),
    ):
        assert answer.status_code == 404
        assert "Secret answer" not in answer.text


async def test_a_form_of_another_site_sends_nothing(site: Site):
    answer = await site.post("/chat", {"text": "Ships?"}, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert await site.house.metier.chat.threads(site.house.actor) == []


async def test_a_form_that_is_sent_twice_sends_once(site: Site):
    thread = await ask(site, "Ships?", Script().says("None."))
    site.house.model.script = Script().says("Still none.")
    form = (await site.page(f"/chat/{thread}")).select_one("form.composer")
    key = form.select_one("[name=key]")["value"]

    for _ in range(2):
        assert (await site.post(f"/chat/{thread}", {"text": "And now?", "key": key})).status_code == 303

    turns = await site.house.metier.chat.transcript(site.house.actor, thread)
    assert [turn.run.input for turn in turns] == ["Ships?", "And now?"]


# --- the empty chat --------------------------------------------------------------------------------------------------


async def test_suggestions_are_about_what_may_be_read(site: Site):
    page = await site.page("/chat")

    offered = [button["value"] for button in page.select(".suggestions button")]
    assert any("ships" in text.lower() for text in offered) or any("companies" in text for text in offered)
    member = await site.house.member(flags=["AI"], objects={"ship": ["read"]})
    await site.sign_in(member)
    offered = [button["value"] for button in (await site.page("/chat")).select(".suggestions button")]
    assert offered[0] == "Which ships were created in the last 7 days?"
    assert all("ships" in str(text).lower() for text in offered)


async def test_without_records_nothing_is_suggested(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI"], objects={}))

    page = await anonymous.page("/chat")

    assert page.select(".suggestions") == []
    assert "no records you may read" in page.get_text()


async def test_every_suggestion_is_answered_by_the_offline_planner(site: Site):
    offered = suggestions(await site.house.metier.records.objects(site.house.actor))
    for text in offered:
        events = await site.house.ask(text)

        assert "tool_call" in events.kinds(), f"{text!r} was not understood: {events.answer}"
        assert events.status == "succeeded"
        plan = events.last("plan_step").data["plan"]
        assert plan.get("unread", []) == [], f"{text!r} was not understood wholly"


async def test_a_prefilled_question_waits_in_the_composer(site: Site):
    page = soup(await site.get("/chat?q=Ships%3F&send=1", **{"Sec-Fetch-Site": "same-origin"}))

    assert page.textarea is not None
    assert page.textarea.get_text() == "Ships?"
    assert page.select_one("[data-send]:not(form)") is None


async def test_the_offline_planner_says_what_it_is(site: Site):
    thread = await ask(site, "Which ships are afloat?", None)

    page = await site.page(f"/chat/{thread}")

    chip = page.select_one("a.pill.offline")
    assert chip is not None
    assert chip.get_text() == "Offline planner: rules, not AI. Connect a model"
    assert chip["href"] == "/settings/ai/models"


# --- asking ----------------------------------------------------------------------------------------------------------


async def test_a_question_and_its_answer_are_on_the_page(site: Site):
    script = Script().calls("find_ships", where={"state": {"eq": "afloat"}}).then_says("**One** is afloat.")
    thread = await ask(site, "Which ships are <afloat>?", script)

    page = await site.page(f"/chat/{thread}")

    assert page.select_one(".said-by-me").get_text() == "Which ships are <afloat>?"
    assert page.select_one(".md strong").get_text() == "One"
    assert page.title is not None
    assert page.title.get_text().startswith("Which ships are <afloat>?")
    for fact in ("Scripted", "tokens", "Trace"):
        assert fact in page.select_one(".end").get_text()


async def test_the_card_of_a_search_shows_filter_rows_and_the_way_to_the_list(site: Site):
    script = Script().calls("find_ships", where={"state": {"eq": "afloat"}}, sort="-crew").then_says("One.")
    thread = await ask(site, "Which ships are afloat?", script)

    page = await site.page(f"/chat/{thread}")

    card = page.select_one("details.tool")
    assert card is not None
    assert not card.has_attr("open")
    assert card.select_one(".line").get_text() == "state = afloat, sort -crew"
    assert "done in" in card.select_one(".took").get_text()
    row = card.select_one("tbody a")
    assert row is not None
    assert (row.get_text(), row["href"]) == ("Aurora", f"/o/ship/{site.ids['Aurora']}")
    assert "€52,000" in card.get_text()
    to_list = card.select_one(".count a")
    assert to_list is not None
    listed = await site.page(str(to_list["href"]))
    assert [link.get_text() for link in listed.select("a[data-record]")] == ["Aurora"]


async def test_links_of_a_record_in_a_card_are_safe(site: Site):
    script = Script().calls("find_ships", select=["name", "site"]).then_says("Three.")
    thread = await ask(site, "Ships?", script)

    page = await site.page(f"/chat/{thread}")

    links = [str(a["href"]) for a in page.select(".tool tbody a")]
    assert "https://aurora.example/log" in links
    assert not any(link.startswith("javascript:") for link in links)
    assert "<b>Cutter</b>" in page.select_one(".tool tbody").get_text()


async def test_a_call_that_failed_shows_its_cause(site: Site):
    script = Script().calls("find_ships", where={"crw": {"gt": 5}}).calls_raw("find_ships", '{"whe').then_says("Sorry.")
    thread = await ask(site, "Big ships?", script)

    wrong, broken = (await site.page(f"/chat/{thread}")).select("details.tool")

    assert wrong["data-status"] == "failed"
    assert "Did you mean 'crew'?" in wrong.get_text()
    assert '{"whe' in broken.get_text()
    assert "not JSON" in broken.get_text()


async def test_an_agent_cannot_put_html_on_the_page(site: Site):
    script = Script().says("<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://evil.example/i.png)")
    thread = await ask(site, "<img src=x onerror=alert(1)>", script)

    page = await site.page(f"/chat/{thread}")

    assert page.select(".turn script, .turn img, .turn a[href^=javascript]") == []
    assert "<script>alert(1)</script>" in page.select_one(".md").get_text()


async def test_the_chips_of_a_plan_leave_out_one_piece_each(site: Site):
    thread = await ask(site, "Which ships are afloat?", None)

    page = await site.page(f"/chat/{thread}")
    remove = page.select_one(".plan button")
    assert remove is not None
    await say(site, thread, str(remove["value"]))

    chips = [plan.select("li") for plan in (await site.page(f"/chat/{thread}")).select(".plan")]
    assert len(chips) == 2
    assert len(chips[1]) == len(chips[0]) - 1
    assert chips[1][0].find(string=True).strip() == "Ships"


async def test_an_empty_message_is_refused_where_it_was_written(site: Site):
    thread = await ask(site, "Hello", Script().says("Hi."))

    for answer in (await site.post("/chat", {"text": "  "}), await site.post(f"/chat/{thread}", {"text": "a\0b"})):
        assert answer.status_code == 422
        assert "must be words" in soup(answer).select_one(".composer .problem").get_text()
    assert len(await site.house.metier.chat.threads(site.house.actor)) == 1


async def test_a_message_that_is_refused_stays_in_the_composer(site: Site):
    answer = await site.post("/chat", {"text": "Ships?", "model": "nobody/none"})

    assert answer.status_code == 422
    assert soup(answer).textarea.get_text() == "Ships?"
    assert "No model 'nobody/none'" in soup(answer).get_text()


# --- while a turn is at work -----------------------------------------------------------------------------------------


async def test_a_turn_at_work_is_left_to_its_stream_and_can_be_stopped_by_a_form(site: Site):
    site.house.model.script = Script().then_hangs(after="I was about to")
    sent = await site.post("/chat", {"text": "Slow?"})
    url = sent.headers["location"]

    page = await site.page(url)
    turn = page.select_one(".turn[data-live]")
    assert turn is not None
    assert page.select_one("m-chat[data-state=busy]") is not None
    busy = await site.post(url, {"text": "More?"})
    assert busy.status_code == 409
    assert "still answering" in busy.text
    assert soup(busy).textarea.get_text() == "More?"

    stopped = await site.post(f"{url}/stop", {})
    assert stopped.status_code == 303
    await site.house.events(UUID(str(turn["data-run"])))
    page = await site.page(url)
    assert "Stopped" in page.select_one(".end").get_text()
    assert "I was about to" in page.select_one(".answer").get_text()


async def test_the_stream_paints_what_the_page_shows_afterwards(site: Site):
    script = (
        Script().calls("find_ships", sort="name").then_says("There are\n\n- three\n- **ships**\n\n```py\nx = 1\n```\n")
    )
    thread = await ask(site, "Ships?", script)
    turns = await site.house.metier.chat.transcript(site.house.actor, thread)

    stream = await site.client.get(f"/api/v1/runs/{turns[0].run.id}/events?format=html")
    stored = await site.page(f"/chat/{thread}")

    frames = [dict(line.split(": ", 1) for line in frame.splitlines()) for frame in stream.text.strip().split("\n\n")]
    assert {frame["event"] for frame in frames} == {"tool_call", "tool_result", "usage", "html", "complete"}
    painted = painted_answer(frames)
    shown = stored.select_one(".answer")
    assert shown is not None
    assert painted == [str(child) for child in shown.find_all(recursive=False)]


def painted_answer(frames: list[dict[str, str]]) -> list[str]:
    """Put frames together as turn.ts does; gives the answer's children."""
    import json

    from bs4 import BeautifulSoup

    page = BeautifulSoup('<div class="answer"></div>', "html.parser")
    answer = page.div
    assert answer is not None
    for frame in frames:
        data = json.loads(frame["data"])
        if frame["event"] == "html":
            text = answer.select_one(f'[data-seg="{data["seg"]}"]')
            if text is None:
                text = page.new_tag("div", attrs={"class": "md", "data-seg": str(data["seg"])})
                answer.append(text)
            block = text.select_one(f'[data-i="{data["i"]}"]')
            if block is None:
                block = page.new_tag("div", attrs={"data-i": str(data["i"])})
                text.append(block)
            block.clear()
            block.append(BeautifulSoup(data["html"], "html.parser"))
        elif frame["event"] == "tool_call":
            answer.append(BeautifulSoup(data["html"].strip(), "html.parser"))
        elif frame["event"] == "tool_result":
            card = answer.select_one(f'[data-call="{data["card"]}"]')
            assert card is not None
            card.replace_with(BeautifulSoup(data["html"].strip(), "html.parser"))
    again = BeautifulSoup(str(answer), "html.parser").div
    assert again is not None
    return [str(child) for child in again.find_all(recursive=False)]


# --- how a turn can end ----------------------------------------------------------------------------------------------


async def test_a_failed_answer_keeps_its_words_shows_the_cause_and_can_be_retried(site: Site):
    fault = ProviderDown("scripted", "the request was answered 500", retryable=False)
    thread = await ask(site, "Ships?", Script().then_fails(fault, after="I was about"))

    page = await site.page(f"/chat/{thread}")
    assert "I was about" in page.select_one(".answer").get_text()
    assert "answered 500" in page.select_one("[role=alert]:not([hidden])").get_text()
    retry = page.select_one(".end form")
    assert retry is not None
    site.house.model.script = Script().says("Three.")
    await site.post(str(retry["action"]), {"text": str(retry.select_one("input")["value"])})
    await settled(site, thread)

    page = await site.page(f"/chat/{thread}")
    assert [said.get_text() for said in page.select(".said-by-me")] == ["Ships?", "Ships?"]
    assert page.select(".end form") == [], "only the last turn offers Retry"


async def test_a_turn_that_is_handed_on_is_followed_by_the_page(site: Site):
    site.house.model.script = Script().then_hangs(after="I was")
    sent = await site.post("/chat", {"text": "Ships?"})
    thread = UUID(sent.headers["location"].removeprefix("/chat/"))
    await site.house.metier.db.execute("update core.run set status = 'queued'")

    page = await site.page(f"/chat/{thread}")

    assert page.select_one(".turn[data-live]") is not None


async def test_an_interrupted_turn_says_so_and_can_be_retried(site: Site):
    site.house.model.script = Script().then_hangs(after="I was")
    sent = await site.post("/chat", {"text": "Ships?"})
    thread = UUID(sent.headers["location"].removeprefix("/chat/"))
    runs = site.house.metier.runs
    turn = (await site.house.metier.chat.transcript(site.house.actor, thread))[-1]
    assert await runs._claims.interrupt(turn.run.id, turn.run.epoch)  # as an older release did

    page = await site.page(f"/chat/{thread}")

    assert "The answer was interrupted" in page.select_one(".notice.warn").get_text()
    assert page.select_one(".end form input[name=text]")["value"] == "Ships?"


# --- the chat as a thing ---------------------------------------------------------------------------------------------


async def test_a_chat_is_renamed(site: Site):
    thread = await ask(site, "Hello", Script().says("Hi."))

    answer = await site.post(f"/chat/{thread}/rename", {"title": "Fleet <talk>"})

    assert answer.headers["location"] == f"/chat/{thread}"
    assert (await site.page(f"/chat/{thread}")).h1.get_text() == "Fleet <talk>"


async def test_a_deleted_chat_is_gone_until_undone(site: Site):
    thread = await ask(site, "Hello", Script().says("Hi."))

    deleted = await site.post(f"/chat/{thread}/delete", {})
    assert (await site.get(f"/chat/{thread}")).status_code == 404
    page = await site.page(deleted.headers["location"])
    undo = page.select_one(f'form[action="/chat/{thread}/restore"]')
    assert undo is not None
    await site.post(str(undo["action"]), {})

    assert (await site.get(f"/chat/{thread}")).status_code == 200


async def test_a_chat_with_an_agent_that_is_gone_can_still_be_read(site: Site):
    thread = await ask(site, "Hello", Script().says("Hi."))
    await site.house.metier.db.execute("update core.thread set agent = 'long-gone'")

    page = await site.page(f"/chat/{thread}")
    refused = await site.post(f"/chat/{thread}", {"text": "Still there?"})

    assert page.select_one(".md").get_text().strip() == "Hi."
    assert refused.status_code == 404
    assert "No agent 'long-gone'" in soup(refused).select_one(".composer .problem").get_text()


async def test_a_long_chat_shows_its_last_turns_and_the_way_to_the_earlier_ones(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("metier.web.routes.chat.TURNS", 2)
    site.house.model.script = Script().says("1").then_says("2").then_says("3")
    thread = await ask(site, "One?", None, model="scripted/model")
    for text in ("Two?", "Three?"):
        await say(site, thread, text)

    short, whole = await site.page(f"/chat/{thread}"), await site.page(f"/chat/{thread}?all=1")

    assert [said.get_text() for said in short.select(".said-by-me")] == ["Two?", "Three?"]
    assert short.select_one(".earlier").get_text() == "Show 1 earlier message"
    assert len(whole.select(".said-by-me")) == 3


async def test_the_page_has_what_readers_of_the_screen_need(site: Site):
    thread = await ask(site, "Hello", Script().says("# Big title\n\nHi."))

    page = await site.page(f"/chat/{thread}")

    assert len(page.find_all("h1")) == 1
    log = page.select_one("[role=log]")
    assert log is not None
    assert log["aria-live"] == "polite"
    for control in page.select("m-chat button, m-chat textarea, m-chat select, m-chat summary"):
        named = (
            control.get_text(strip=True)
            or control.get("aria-label")
            or page.select_one(f'label[for="{control.get("id")}"]')
        )
        assert named, f"{control} has no name"
    assert page.find(attrs={"style": True}) is None
