"""Why can somebody see this: asked in the browser, by whoever holds ROLES, about what they see themselves."""

import pytest

from tests.web.site import Site, soup

URL = "/settings/security/why"


@pytest.fixture
async def role(anonymous: Site) -> str:
    """Who to ask about: a role that hides the crew and sees ships in dock only."""
    rule = {"where": {"state": {"eq": "docked"}}, "label": "In dock"}
    made = await anonymous.house.metier.access.create_role(
        anonymous.house.actor,
        name="dock",
        all_objects=["read"],
        objects={"port": []},
        fields={"ship": {"crew": []}},
        rows={"ship": [rule]},
    )
    return made.name


async def test_only_who_holds_roles_asks(anonymous: Site, role: str):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI", "WORKSPACE_MEMBERS"]))

    answer = await anonymous.get(f"{URL}?who=role:{role}&object=ship")
    links = [(await anonymous.get(path)).text for path in (f"/o/ship/{anonymous.ids['Aurora']}", "/settings/members")]

    assert answer.status_code == 403
    assert all(URL not in text for text in links)


async def test_nothing_is_told_of_what_the_asker_does_not_see(anonymous: Site, role: str):
    access, admin = anonymous.house.metier.access, anonymous.house.actor
    rows = {"ship": [{"where": {"state": {"eq": "docked"}}}]}
    await access.create_role(
        admin,
        name="half",
        all_objects=["read"],
        objects={"port": []},
        fields={"ship": {"price": []}},
        rows=rows,
        flags=["ROLES"],
    )
    bo = await access.create_member(admin.workspace_id, name="Bo", role="half")
    await anonymous.sign_in(await access.actor_for_member(admin.workspace_id, bo))
    url = f"{URL}?who=role:{role}"

    hidden = await anonymous.get(f"{url}&object=ship&record_id={anonymous.ids['Aurora']}")
    unknown = await anonymous.get(f"{url}&object=ship&record_id={anonymous.ids['Lagos']}")
    port = await anonymous.get(f"{url}&object=port")
    field = await anonymous.get(f"{url}&object=ship&field=price")

    assert (hidden.status_code, unknown.status_code, port.status_code) == (404, 404, 404)
    assert "Aurora" not in hidden.text
    assert "Port" not in soup(hidden).select_one("#object").get_text()
    assert "Price" not in soup(field).select_one("#field").get_text()
    assert soup(field).select_one("#field option[selected]") is None


@pytest.mark.parametrize(
    ("query", "words", "link"),
    [
        ("object=ship&record_id={Borealis}", "Yes.", "/settings/security/roles/dock?object=ship"),
        ("object=ship&record_id={Aurora}", "In dock", "/settings/security/roles/dock?object=ship"),
        ("object=ship&field=crew", "hides ship.crew", "/settings/security/roles/dock?object=ship"),
        ("object=ship&action=update", "does not allow to update", "/settings/security/roles/dock"),
        ("object=port", "does not allow to read", "/settings/security/roles/dock"),
        ("object=flag:AI", "does not hold AI", "/settings/security/roles/dock"),
    ],
)
async def test_the_answer_names_the_rule_and_leads_to_it(site: Site, role: str, query: str, words: str, link: str):
    page = await site.page(f"{URL}?who=role:{role}&{query.format(**site.ids)}")

    answer = page.select_one("#answer")
    assert words in answer.get_text()
    assert answer.select_one("a")["href"] == link
    assert (await site.get(link)).status_code == 200


async def test_a_member_is_asked_about_from_their_row_and_a_record_from_its_page(site: Site, role: str):
    mo = await site.house.metier.access.create_member(site.house.actor.workspace_id, name="Mo", role=role)
    row = (await site.page("/settings/members")).select_one('[aria-label="Why can Mo see something, or not"]')
    record = (await site.page(f"/o/ship/{site.ids['Aurora']}")).find("a", string="Who can see this, and why?")

    form = await site.page(f"{record['href']}&who=member:{mo}")

    assert row["href"] == f"{URL}?who=member:{mo}"
    assert form.select_one("#who option[selected]").get_text() == "Mo"
    assert form.select_one("#record-hint").get_text() == "Aurora"
    assert "state = docked" in form.select_one("#answer code").get_text()


async def test_a_slip_is_told(site: Site, role: str):
    for query in ("who=role:dick&object=ship", "who=x&object=ship", f"who=role:{role}&object=flag:NO"):
        answer = await site.get(f"{URL}?{query}")

        assert answer.status_code in (404, 422)
        assert soup(answer).select_one(".notice.bad")
