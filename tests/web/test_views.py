"""View as a role or a member in the browser: a banner on every page, one button to stop, nothing can be changed."""

import pytest

from tests.web.site import Site, names, soup

URL = "/settings/view-as"


async def test_who_does_not_hold_the_flag_finds_nothing_of_it(anonymous: Site):
    mo = await anonymous.house.member(flags=["AI", "ROLES", "WORKSPACE_MEMBERS"])
    await anonymous.sign_in(mo)

    answers = [await anonymous.get(URL), await anonymous.post(URL, {"role": "admin"})]
    pages = [(await anonymous.get(path)).text for path in ("/settings/members", "/settings/security/roles/member")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert all(URL not in page for page in pages)


async def test_the_workspace_is_seen_as_a_role_until_one_stops(site: Site):
    access = site.house.metier.access
    rules = {"ship": [{"where": {"state": {"eq": "docked"}}}]}
    await access.create_role(
        site.house.actor, name="dock", label="Dock", all_objects=["read"], objects={"port": []}, rows=rules
    )
    page = await site.page("/settings/security/roles/dock")
    assert page.select_one("form.viewas input[name=role][value=dock]")

    answer = await site.post(URL, {"role": "dock"})
    ships = await site.page("/o/ship")
    ports = await site.get("/o/port")
    written = await site.post(f"/o/ship/{site.ids['Borealis']}/delete", {})
    stopped = await site.post(f"{URL}/stop", {"back": "/o/ship"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert names(ships) == ["Borealis"]
    banner = ships.select_one("form.viewing")
    assert "the role Dock" in banner.get_text()
    assert banner.select_one("button").get_text() == "Stop"
    assert ships.select_one("[aria-label=Settings]") is None
    assert "Data model" not in ships.get_text()
    assert ports.status_code == 404
    assert soup(ports).select_one("form.viewing")
    assert written.status_code == 403
    assert "nothing is changed" in written.text
    assert (stopped.status_code, stopped.headers["location"]) == (303, "/o/ship")
    page = await site.page("/o/ship")
    assert len(names(page)) == 3
    assert not page.select("form.viewing")


async def test_the_workspace_is_seen_as_a_member(site: Site):
    rules = {"ship": [{"where": {"owner": "me"}}]}
    await site.house.metier.access.create_role(site.house.actor, name="own", all_objects=["read"], rows=rules)
    mo = await site.house.metier.access.create_member(site.house.actor.workspace_id, name="Mo", role="own")
    await site.house.metier.records.update(site.house.actor, "ship", site.ids["Borealis"], {"owner": str(mo)})
    assert "View as Mo" in [b.get("aria-label") for b in (await site.page("/settings/members")).select("button")]

    await site.post(URL, {"member": str(mo)})

    assert names(await site.page("/o/ship")) == ["Borealis"]


@pytest.mark.parametrize("given", [{}, {"role": "nobody"}, {"role": "member", "member": "x"}])
async def test_a_slip_is_told_on_the_page(site: Site, given: dict[str, str]):
    answer = await site.post(URL, given)

    assert answer.status_code in (404, 422)
    assert soup(answer).select_one(".notice.bad")
    assert not soup(answer).select("form.viewing")


async def test_stopping_leads_nowhere_else(site: Site):
    await site.post(URL, {"role": "member"})

    answer = await site.post(f"{URL}/stop", {"back": "https://evil.example"})

    assert answer.headers["location"] == "/"
