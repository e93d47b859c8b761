"""Settings, Features: switched by few; with AI off no page leads to an agent."""

from metier.actor import AI_FEATURE
from tests.web.site import Site, soup

URL = "/settings/features"


async def test_the_page_is_hidden_from_who_may_not_switch(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI"]))

    page, sent = await anonymous.get(URL), await anonymous.post(f"{URL}/{AI_FEATURE}", {"value": "off"})

    assert (page.status_code, sent.status_code) == (403, 403)
    assert URL not in (await anonymous.get("/settings/profile")).text
    assert (await anonymous.get("/chat")).status_code == 200


async def test_a_feature_is_switched_off_and_on_again(site: Site):
    form = (await site.page(URL)).select_one(f"form[action='{URL}/{AI_FEATURE}']")
    assert form.button["aria-checked"] == "true"
    answer = await site.post(form["action"], {"value": form.input["value"]})
    off = await site.page(answer.headers["location"])
    form = off.select_one(f"form[action='{URL}/{AI_FEATURE}']")
    await site.post(form["action"], {"value": form.input["value"]})

    assert "AI: off" in off.select_one(".notice").get_text()
    assert form.button["aria-checked"] == "false"
    assert (await site.get("/chat")).status_code == 200


async def test_with_ai_off_the_chat_says_why_and_nothing_leads_there(site: Site):
    await site.house.metier.access.set_feature_flag(site.house.actor, AI_FEATURE, value=False)

    chat, sent = await site.get("/chat"), await site.post("/chat", {"text": "How many ships?"})
    records = await site.page("/o/ship")

    for answer in (chat, sent):
        assert answer.status_code == 403
        assert AI_FEATURE in answer.text
        assert "WORKSPACE" in answer.text
    assert not records.select("a[href^='/chat']")
    assert records.select_one(".sidebar a[href='/runs']"), "past runs can be read"
    assert (await site.get("/")).headers["location"] == "/o"


async def test_an_unknown_flag_is_not_found(site: Site):
    assert (await site.post(f"{URL}/IS_AI", {"value": "on"})).status_code == 404


async def test_a_key_that_only_the_table_knows_has_no_switch(site: Site):
    house = site.house
    sql = 'insert into core."featureFlag" values (gen_random_uuid(), %s, %s, false)'
    await house.metier.db.execute(sql, ["<b>STRAY</b>", house.actor.workspace_id])

    page = await site.page(URL)

    assert "<b>STRAY</b>" in page.get_text()
    assert len(page.select("button[role=switch]")) == 7


async def test_a_form_of_another_site_switches_nothing(site: Site):
    answer = await site.post(f"{URL}/{AI_FEATURE}", {"value": "off"}, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert "IS_AI" not in soup(await site.get("/chat")).get_text()
