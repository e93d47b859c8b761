"""Settings, Agents: the workspace's own are made, changed, taken back and archived; others only shown."""

from tests.web.site import Site, soup
from tests.web.test_roles import inputs

URL = "/settings/ai/agents"
SCOUT = {"name": "scout", "label": "Scout", "prompt": "You find ships."}


async def prompt_of(site: Site) -> str:
    return (await site.house.metier.agents.get(site.house.actor.workspace_id, "scout")).prompt


async def test_agents_are_hidden_from_who_may_not_change_them(anonymous: Site):
    await anonymous.house.metier.definitions.publish(anonymous.house.actor, "agent", SCOUT)
    await anonymous.sign_in(await anonymous.house.member(flags=["AI", "ROLES"]))

    answers = [
        await anonymous.get(URL),
        await anonymous.get(f"{URL}/scout"),
        await anonymous.get(f"{URL}/scout/versions/1"),
        await anonymous.post(f"{URL}/new", SCOUT | {"name": "mine"}),
        await anonymous.post(f"{URL}/scout", {"prompt": "You tell all."}),
        await anonymous.post(f"{URL}/scout/archive", {}),
        await anonymous.post(f"{URL}/scout/restore", {}),
        await anonymous.post(f"{URL}/scout/versions/1/rollback", {}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 8
    assert await prompt_of(anonymous) == "You find ships."


async def test_an_agent_is_made_changed_taken_back_and_archived(site: Site):
    made = await site.post(f"{URL}/new", SCOUT)
    page = await site.page(made.headers["location"])
    form = inputs(page.select_one("form.form"))
    saved = await site.post(f"{URL}/scout", form | {"prompt": "You find\r\nports.", "max_steps": "7", "role": "member"})
    agent = await site.house.metier.agents.get(site.house.actor.workspace_id, "scout")

    assert form["toolset"] == "records"
    assert (saved.status_code, agent.prompt, agent.limits.max_steps) == (303, "You find\nports.", 7)
    assert (agent.role, agent.toolsets) == ("member", ("records",))
    assert "prompt" in (await site.page(f"{URL}/scout/versions/2")).select_one("table.list").get_text()
    assert (await site.post(f"{URL}/scout/versions/1/rollback", {})).headers["location"] == f"{URL}/scout"
    assert await prompt_of(site) == "You find ships."
    assert (await site.page("/chat?agent=scout")).get_text().count("Scout") >= 1
    await site.post(f"{URL}/scout/archive", {})
    assert (await site.get(f"{URL}/scout")).status_code == 404
    assert (await site.page(URL)).select_one("#archived")
    await site.post(f"{URL}/scout/restore", {})
    assert await prompt_of(site) == "You find ships."


async def test_a_page_saved_untouched_is_no_version(site: Site):
    limits = {"max_tokens": 1_234_567, "max_seconds": 60.5}
    await site.house.metier.definitions.publish(site.house.actor, "agent", SCOUT | {"limits": limits})

    saved = await site.post(f"{URL}/scout", inputs((await site.page(f"{URL}/scout")).select_one("form.form")))

    assert saved.status_code == 303
    assert len(await site.house.metier.definitions.history(site.house.actor, "agent", "scout")) == 1


async def test_slips_are_told_at_their_fields_and_keep_what_was_typed(site: Site):
    new = soup(await site.post(f"{URL}/new", SCOUT | {"name": "Find It", "prompt": "Mine."}))
    await site.post(f"{URL}/new", SCOUT)
    form = inputs((await site.page(f"{URL}/scout")).select_one("form.form"))
    old = await site.post(f"{URL}/scout", form | {"max_steps": "many", "prompt": ""})

    assert new.select_one("#name")["aria-invalid"] == "true"
    assert new.select_one("#prompt").get_text() == "Mine."
    assert old.status_code == 422
    assert soup(old).select_one("#max_steps")["value"] == "many"
    assert soup(old).select_one("#prompt-problem")


async def test_an_agent_of_code_is_shown_and_not_changed(site: Site):
    page = await site.page(f"{URL}/crm-assistant")
    sent = await site.post(f"{URL}/crm-assistant", {"prompt": "Be rude."})

    assert page.select_one("form.form fieldset[disabled]")
    assert not page.select_one("#history")
    assert sent.status_code == 409
