"""Settings, Schedules: what the server does by itself and how long things are kept, for who holds the flag."""

from metier.testing import FrozenClock, Script
from tests.upkeep.conftest import ByHand
from tests.web.site import Site, soup

URL = "/settings/schedules"


async def test_the_page_is_hidden_from_who_may_not_change_it(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI", "AI_SETTINGS", "WORKSPACE_MEMBERS"]))

    answers = [
        await anonymous.get(URL),
        await anonymous.get(f"{URL}/sweep"),
        *[await anonymous.post(f"{URL}/sweep/{act}", {}) for act in ("run", "stop", "pause", "resume")],
        await anonymous.post(f"{URL}/kept/prompts", {"days": "3"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 7
    assert URL not in (await anonymous.get("/settings/profile")).text
    assert await anonymous.house.metier.db.value("select count(*) from core.job") == 0


async def test_a_form_of_another_site_changes_nothing(site: Site):
    answer = await site.post(f"{URL}/sweep/run", {}, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert await site.house.metier.db.value("select count(*) from core.job") == 0


async def test_a_schedule_is_paused_and_resumed(site: Site):
    page = await site.page(URL)
    names = [one.get_text() for one in page.select(".schedules .main a")]
    await site.post(page.select_one("form[action$='/retention/pause']")["action"], {})
    paused = await site.page(URL)
    await site.post(paused.select_one("form[action$='/retention/resume']")["action"], {})

    assert names == ["Retention", "Sweeping up"]
    assert "daily at 03:30 (UTC)" in page.get_text()
    assert "paused" in paused.select_one(".schedules li").get_text()
    assert "paused" not in (await site.page(URL)).select_one(".schedules li").get_text()


async def test_one_is_run_watched_and_stopped(site: Site):
    answer = await site.post(f"{URL}/sweep/run", {})
    busy = await site.page(answer.headers["location"])
    again = await site.post(f"{URL}/sweep/run", {})
    piece = soup(await site.get(URL, **{"HX-Request": "true", "HX-Target": "ul#schedules"}))
    await site.post(f"{URL}/sweep/stop", {})
    still = await site.page(URL)
    history = await site.page(f"{URL}/sweep")

    assert busy.select_one("#schedules")["hx-trigger"] == "every 1s"
    assert "queued" in busy.select(".schedules li")[1].get_text()
    assert busy.select_one("form[action$='/sweep/stop']")
    assert again.status_code == 409
    assert "at work already" in again.text
    assert piece.find("ul", id="schedules")
    assert not piece.find("html")
    assert "hx-trigger" not in still.select_one("#schedules").attrs
    assert [row.get_text(" ").split()[-1] for row in history.select("tbody tr")] == ["stopped"]


async def test_what_failed_is_said(site: Site):
    await site.house.metier.schedules.run(site.house.actor, "retention")
    await site.house.metier.db.execute(
        """update core.job set status = 'failed', ended_at = created_at, counts = '{"prompts": 1200}',
        error = '{"error": "Fault", "message": "Metier <b>failed</b> inside."}'"""
    )

    for words in ((await site.page(URL)).get_text(), (await site.page(f"{URL}/retention")).get_text()):
        assert "Metier <b>failed</b> inside." in words
        assert "failed" in words
    assert "prompts 1,200" in (await site.page(URL)).get_text()


async def test_what_is_not_there_is_told(site: Site):
    told = [
        await site.post(f"{URL}{path}", {"days": "3"}) for path in ("/nothing/run", "/sweep/dance", "/kept/nothing")
    ]

    assert [answer.status_code for answer in (await site.get(f"{URL}/nothing"), *told)] == [404, 404, 422, 404]


async def test_terms_are_chosen_and_taken_back(site: Site):
    await site.post(f"{URL}/kept/prompts", {"days": "7"})
    await site.post(f"{URL}/kept/requests", {"days": ""})
    page = await site.page(URL)
    shown = {form["action"].rpartition("/")[2]: form for form in page.select(".terms form")}
    await site.post(f"{URL}/kept/prompts", {"days": "7", "reset": "1"})
    terms = {term.kept.name: term for term in await site.house.metier.retention.terms(site.house.actor)}

    assert shown["prompts"].select_one("[name=days]")["value"] == "7"
    assert "180 days again" in shown["prompts"].get_text()
    assert (shown["requests"].select_one("[name=days]")["value"], terms["requests"].days) == ("", None)
    assert not shown["sign_ins"].select("[name=reset]")
    assert (terms["prompts"].days, terms["prompts"].chosen) == (180, False)


async def test_a_term_that_is_none_is_refused_in_words(site: Site):
    for days in ("0", "-3", "soon", "1.5", "99999999999999", "²"):
        answer = await site.post(f"{URL}/kept/prompts", {"days": days})

        assert answer.status_code == 422, days
        page = soup(answer)
        assert page.select_one(".notice.bad")
        assert page.select_one("[aria-invalid=true]").find_parent("form")["action"].endswith("/prompts")
    assert not any(term.chosen for term in await site.house.metier.retention.terms(site.house.actor))


async def test_the_page_of_an_old_run_says_what_is_kept_no_longer(site: Site, clock: FrozenClock):
    house = site.house
    events = await house.ask("Ships?", model=Script().calls("find_ships").then_says("Three."))
    clock.forward(400 * 86_400)
    retention = await house.metier.schedules.get(house.actor, "retention")
    await retention.schedule.work(ByHand())
    await site.sign_in(house.actor)

    steps, prompt, log = [await site.page(f"/runs/{events[0].root_id}?view={v}") for v in ("steps", "prompt", "events")]

    assert "Three." in steps.get_text()
    assert prompt.get_text().count("What was sent is kept no longer.") == 2
    assert [row.select("td")[2].get_text() for row in log.select("table.events tbody tr")] == ["complete"]
