"""The list of runs and the trace of one."""

import re
from uuid import UUID

from metier.errors import ProviderDown
from metier.events import EventType, Status
from metier.llm.messages import user
from metier.testing import Script
from tests.web.site import Site


async def asked(site: Site, text: str, script: Script) -> UUID:
    """Ask, wait, and give the run."""
    events = await site.house.ask(text, model=script)
    return events[0].root_id


def dialogue() -> Script:
    return Script().calls("find_ships", where={"state": {"eq": "afloat"}}).then_says("**One** is afloat.")


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_runs_of_others_are_seen_by_who_may_set_ai_and_by_nobody_else(site: Site):
    run = await asked(site, "A secret question?", dialogue())
    await site.sign_in(await site.house.member(flags=["AI"]))

    hidden = [await site.get(f"/runs/{run}?view={view}") for view in ("steps", "events", "prompt")]
    listed = await site.get("/runs")
    await site.sign_in(await site.house.member(flags=["AI", "AI_SETTINGS"]))
    shown = await site.get(f"/runs/{run}")

    assert [answer.status_code for answer in hidden] == [404, 404, 404]
    assert "A secret question?" not in listed.text
    assert shown.status_code == 200
    assert "A secret question?" in shown.text
    assert "Open chat" not in shown.text, "the chat itself is not theirs"


async def test_an_unknown_run_view_and_filter_are_told(site: Site):
    run = await asked(site, "Ships?", dialogue())

    assert (await site.get(f"/runs/{UUID(int=5)}")).status_code == 404
    assert (await site.get(f"/runs/{run}?view=nothing")).status_code == 404
    assert (await site.get("/runs?status=broken")).status_code == 422
    assert (await site.get("/runs?cursor=broken")).status_code == 422


# --- the list --------------------------------------------------------------------------------------------------------


async def test_a_run_is_listed_with_what_was_asked_and_what_it_used(site: Site):
    run = await asked(site, "Which ships\nare <afloat>?", dialogue())

    (row,) = (await site.page("/runs")).select("tbody tr")

    text = row.get_text(" ", strip=True)
    for fact in ("Which ships", "succeeded", "Admin", "CRM Assistant"):
        assert fact in text
    assert row.a is not None
    assert row.a["href"] == f"/runs/{run}"
    assert re.search(r"\$0\.\d{4}", text)


async def test_a_failed_run_shows_the_first_line_of_its_error(site: Site):
    await asked(
        site, "Ships?", Script().then_fails(ProviderDown("scripted", "answered 500\nwith a page", retryable=False))
    )

    why = (await site.page("/runs")).select_one(".why")

    assert why is not None
    assert why.get_text().endswith("answered 500")


async def test_the_status_in_the_address_filters(site: Site):
    await asked(site, "Good?", dialogue())
    await asked(site, "Bad?", Script().then_fails(ProviderDown("scripted", "no", retryable=False)))

    failed = await site.page("/runs?status=failed")
    stopped = await site.page("/runs?status=stopped&kind=turn")

    assert [link.get_text() for link in failed.select("tbody a")] == ["Bad?"]
    assert failed.select_one("nav.segments a[aria-current]").get_text() == "Failed"
    assert stopped.select("tbody tr") == []
    assert stopped.select_one(".empty a")["href"] == "/runs"


async def test_older_runs_are_on_the_next_page(site: Site, monkeypatch):
    monkeypatch.setattr("metier.web.routes.runs.PAGE", 2)
    for text in ("One?", "Two?", "Three?"):
        await asked(site, text, Script().says("Yes."))
        site.house.metier.clock.forward(1)  # type: ignore[attr-defined]  # the tests' frozen clock

    first = await site.page("/runs")
    older = first.select_one(".older a")
    assert older is not None
    second = await site.page(str(older["href"]))

    assert [link.get_text() for link in first.select("tbody a")] == ["Three?", "Two?"]
    assert [link.get_text() for link in second.select("tbody a")] == ["One?"]


async def test_no_runs_yet_is_said(site: Site):
    assert "No runs yet" in (await site.page("/runs")).get_text()


# --- the trace -------------------------------------------------------------------------------------------------------


async def test_steps_are_model_calls_and_tool_calls_in_order(site: Site):
    run = await asked(site, "Which ships are afloat?", dialogue())

    page = await site.page(f"/runs/{run}")

    assert [name.get_text() for name in page.select(".step .name")] == [
        "scripted/model",
        "find_ships",
        "scripted/model",
    ]
    assert [step["id"] for step in page.select(".steps > li")] == ["step-1", "step-2", "step-3"]
    model, tool, _ = page.select(".step")
    assert "10 tokens in" in model.get_text()
    assert "state = afloat" in tool.get_text()
    assert "Aurora" in tool.get_text()
    assert page.select_one(".io.md strong").get_text() == "One"
    assert page.select_one(".summary .tag").get_text() == "succeeded"
    assert page.select_one(".actions a[href^='/chat/']") is not None


async def test_bars_lie_on_one_time_line_as_attributes(site: Site):
    run = await asked(site, "Which ships are afloat?", dialogue())

    page = await site.page(f"/runs/{run}")

    bars = [(float(str(r["x"])), float(str(r["width"]))) for r in page.select("svg.bar rect")]
    assert len(bars) == 3
    assert all(x >= 0 and width > 0 and x + width <= 1000.1 for x, width in bars)
    assert page.find(attrs={"style": True}) is None


async def test_a_tool_that_failed_shows_why_on_its_step(site: Site):
    run = await asked(site, "Ships?", Script().calls("find_ships", where={"crw": 1}).then_says("Sorry."))

    why = (await site.page(f"/runs/{run}")).select_one(".step .why")

    assert why is not None
    assert "Did you mean 'crew'?" in why.get_text()


async def test_a_failed_run_tells_the_error_and_the_cure(site: Site):
    fault = ProviderDown("scripted", "the key is wrong", kind="auth", retryable=False)
    run = await asked(site, "Ships?", Script().then_fails(fault))

    page = await site.page(f"/runs/{run}")

    assert "the key is wrong" in page.select_one(".notice.bad").get_text()
    assert page.select_one(".summary .tag.bad").get_text() == "failed"


async def test_the_prompt_is_shown_as_it_was_sent(site: Site):
    run = await asked(site, "Which <b>ships</b> are afloat?", dialogue())

    page = await site.page(f"/runs/{run}?view=prompt")

    text = page.select_one(".trace").get_text()
    assert len(page.select(".trace h2")) == 2
    for words in ("You are the CRM assistant", "find_ships", "Which <b>ships</b> are afloat?", "result of find_ships"):
        assert words in text
    assert page.select(".sent b") == []


async def test_events_are_shown_as_stored_with_text_put_together(site: Site):
    run = await asked(site, "Ships?", Script().says("One two three four."))

    page = await site.page(f"/runs/{run}?view=events")

    kinds = [row.select("td")[2].get_text() for row in page.select("tbody tr")]
    assert kinds == ["token", "usage", "complete"]
    token = page.select_one("tbody tr")
    assert token is not None
    assert token.select("td")[3].get_text() == "One two three four."
    assert "–" in token.select("td")[0].get_text()


async def test_runs_below_stand_under_the_one_they_work_for(site: Site):
    runs, actor = site.house.metier.runs, site.house.actor
    root = await runs.open(actor, kind="agent", name="chief", input="Ask around")
    child = await runs.open(actor, kind="agent", name="crm-assistant", input="Look", parent=root, message=user("Look"))
    call = {"call_id": "a", "name": "find_ships", "arguments": {}, "category": "x", "effect": "read"}
    child.put(events=[(EventType.TOOL_CALL, call)])
    child.put(
        events=[
            (EventType.TOOL_RESULT, {"call_id": "a", "name": "find_ships", "success": True, "message": "Ok", "ms": 1})
        ]
    )
    await child.close(Status.SUCCEEDED, output="Found", stop_reason="answered")
    await root.close(Status.SUCCEEDED, output="Done", stop_reason="answered")

    whole = await site.page(f"/runs/{root.run.id}")
    part = await site.page(f"/runs/{child.run.id}")

    assert [b["data-depth"] for b in whole.select(".branch")] == ["0", "1"]
    assert [n.get_text() for n in whole.select('.steps[data-depth="1"] .name')] == ["find_ships"]
    assert [n.get_text() for n in part.select(".step .name")] == ["find_ships"]
    assert part.select(".branch") == []


async def test_a_run_at_work_asks_again_for_itself_until_it_ends(site: Site):
    script = Script().calls("find_ships").then_hangs(after="Wait")
    site.house.model.script = script
    thread = await site.house.metier.chat.create_thread(site.house.actor, model="scripted/model")
    run = await site.house.metier.chat.send(site.house.actor, thread.id, "Ships?")
    async for event in site.house.metier.runs.follow(run.root_id):
        if event.type is EventType.TOKEN:
            break

    page = await site.page(f"/runs/{run.id}")
    part = await site.part(f"/runs/{run.id}", "trace")
    await site.house.metier.runs.stop(site.house.actor, run.id)
    await site.house.events(run.root_id)
    after = await site.page(f"/runs/{run.id}")

    trace = page.select_one("#trace")
    assert trace is not None
    assert trace["hx-get"] == f"/runs/{run.id}?view=steps"
    assert "<html" not in part.text
    assert 'id="trace"' in part.text
    assert after.select_one("#trace").get("hx-get") is None
    assert after.select_one(".summary .tag").get_text() == "stopped"


async def test_a_model_call_whose_process_died_claims_no_tokens(site: Site):
    site.house.model.script = Script().then_hangs(after="I was")
    thread = await site.house.metier.chat.create_thread(site.house.actor, model="scripted/model")
    run = await site.house.metier.chat.send(site.house.actor, thread.id, "Ships?")
    async for event in site.house.metier.runs.follow(run.root_id):
        if event.type is EventType.TOKEN:
            break
    assert await site.house.metier.runs._claims.interrupt(run.id, run.epoch)

    page = await site.page(f"/runs/{run.id}")

    assert page.select_one(".step .line").get_text() == "tokens unknown"


async def test_a_call_that_another_process_made_again_stands_there_twice(site: Site):
    log = await site.house.metier.runs.open(site.house.actor, kind="agent", name="chief")
    call = {"call_id": "a", "name": "find_ships", "arguments": {}, "category": "x", "effect": "read"}
    result = {"call_id": "a", "name": "find_ships", "success": True, "message": "Ok", "ms": 1}
    log.put(events=[(EventType.TOOL_CALL, call), (EventType.TOOL_CALL, call), (EventType.TOOL_RESULT, result)])
    log.put(events=[(EventType.TOOL_CALL, call), (EventType.TOOL_RESULT, result)])
    await log.close(Status.SUCCEEDED, output="Done", stop_reason="answered")

    page = await site.page(f"/runs/{log.run.id}")

    assert [step["data-status"] for step in page.select(".step")] == ["interrupted", "succeeded", "succeeded"]


async def test_a_run_without_model_calls_says_so(site: Site):
    log = await site.house.metier.runs.open(site.house.actor, kind="agent", name="idle", input={"a": 1})
    await log.close(Status.SUCCEEDED, output={"b": [1]}, stop_reason="answered")

    assert "No steps." in (await site.page(f"/runs/{log.run.id}")).get_text()
    assert "No model was asked." in (await site.page(f"/runs/{log.run.id}?view=prompt")).get_text()
    assert '"b"' in (await site.page(f"/runs/{log.run.id}")).get_text()
