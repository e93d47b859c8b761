"""Settings, Members: invited, let in, given roles and shut out in the browser; refused to whoever may not."""

from uuid import UUID

import pytest

from metier.api.auth import SIGN_IN_COOKIE
from metier.errors import NotSignedIn
from metier.testing import House
from tests.web.site import Site, browser_of, soup

URL = "/settings/members"
JOINING = {"name": "Bo Li", "password": "a long password", "time_zone": "Asia/Tokyo"}


async def added(house: House, email: str = "bo@ships.example", role: str = "member") -> UUID:
    """Add a member and give the id."""
    made = await house.metier.access.add_member(house.actor, email=email, role=role)
    assert made.member_id
    return made.member_id


async def invited(site: Site, email: str = "bo@ships.example", role: str = "member") -> str:
    """Invite somebody on the page and give the path of the link."""
    page = soup(await site.post(f"{URL}/invite", {"email": email, "role": role}))
    return page.select_one("#link").get_text().removeprefix("http://metier.test")


async def test_members_are_hidden_from_who_may_not_manage_them(anonymous: Site):
    member = await added(anonymous.house)
    made = await anonymous.house.metier.access.invite(anonymous.house.actor, email="cy@ships.example", role="member")
    await anonymous.sign_in(await anonymous.house.member(flags=["AI", "ROLES"]))

    answers = [
        await anonymous.get(URL),
        await anonymous.post(f"{URL}/invite", {"email": "x@ships.example", "role": "member"}),
        await anonymous.post(f"{URL}/{member}/role", {"role": "admin"}),
        await anonymous.post(f"{URL}/{member}/active", {"active": "no"}),
        await anonymous.post(f"{URL}/{member}/invite", {}),
        await anonymous.post(f"{URL}/invitations/{made.id}/withdraw", {}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 6
    assert "bo@ships.example" not in answers[0].text
    assert URL not in (await anonymous.get("/settings/profile")).text
    found = await anonymous.house.metier.access.member(anonymous.house.actor, member)
    assert (found.role, found.deactivated_at) == ("member", None)
    assert len(await anonymous.house.metier.access.invitations(anonymous.house.actor)) == 2


async def test_somebody_is_invited_joins_and_is_signed_in(site: Site):
    path = await invited(site)
    async with browser_of(site.house) as browser:
        guest = Site(site.house, browser)
        page = await guest.page(path)
        answer = await guest.post(path, JOINING)
        guest.client.cookies.set(SIGN_IN_COOKIE, answer.cookies[SIGN_IN_COOKIE])
        home = await guest.page(answer.headers["location"])
        again = await guest.get(path)

    assert "bo@ships.example as Member" in page.select_one(".lead").get_text()
    assert page.select_one("#time_zone[data-time-zone]")
    assert (answer.status_code, answer.headers["location"]) == (303, "/chat")
    assert home.select_one(".account .name").get_text() == "Bo Li"
    assert again.status_code == 401
    assert "Ask for a new one" in again.text
    listed = await site.page(URL)
    assert "Bo Li" in listed.get_text()
    assert path not in str(listed)
    assert not listed.select("#invitations")


@pytest.mark.parametrize(
    ("slip", "field"),
    [({"name": " "}, "name"), ({"password": "short"}, "password"), ({"time_zone": "Mars/Base"}, "time_zone")],
)
async def test_a_slip_while_joining_is_told_at_its_field_and_costs_nothing(
    site: Site, slip: dict[str, str], field: str
):
    path = await invited(site)

    answer = await site.post(path, JOINING | slip)

    assert answer.status_code == 422
    assert soup(answer).select_one(f"#{field}")["aria-invalid"] == "true"
    assert (await site.post(path, JOINING)).status_code == 303


@pytest.mark.parametrize("path", ["/invite/mi_unknown", "/invite/%00", "/invite/" + "x" * 3000])
async def test_an_unknown_link_says_so(anonymous: Site, path: str):
    for answer in (await anonymous.get(path), await anonymous.post(path, JOINING)):
        assert answer.status_code == 401
        assert "no longer works" in soup(answer).h1.get_text()


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"email": "bo", "role": "member"}, 422, "is not an e-mail address"),
        ({"email": "bo@ships.example", "role": "membr"}, 404, "Did you mean 'member'"),
        ({"email": "here@ships.example", "role": "member"}, 409, "already a member"),
    ],
)
async def test_a_slip_while_inviting_is_told_and_kept(site: Site, given: dict[str, str], status: int, words: str):
    await added(site.house, "here@ships.example")

    answer = await site.post(f"{URL}/invite", given)

    assert answer.status_code == status
    assert words in soup(answer).get_text()
    assert soup(answer).select_one("#email")["value"] == given["email"]
    assert len(await site.house.metier.access.invitations(site.house.actor)) == 1


async def test_an_invitation_is_withdrawn(site: Site):
    path = await invited(site)
    form = (await site.page(URL)).select_one("form[action$=withdraw]")

    answer = await site.post(form["action"], {})

    assert answer.status_code == 303
    assert (await site.get(path)).status_code == 401
    assert "bo@ships.example" not in (await site.page(URL)).get_text()


async def test_an_expired_invitation_is_shown_as_one(site: Site):
    await invited(site)
    site.house.metier.clock.forward(7 * 24 * 3600)

    assert (await site.page(URL)).select_one(".people .tag.warn").get_text() == "Expired"


async def test_a_member_gets_another_role(site: Site):
    member = await added(site.house)
    form = (await site.page(URL)).select_one(f"form[action='{URL}/{member}/role']")
    assert form.select_one("option[selected]")["value"] == "member"

    answer = await site.post(form["action"], {"role": "admin"})

    assert "Bo: Admin" in (await site.page(answer.headers["location"])).select_one(".notice").get_text()
    assert (await site.house.metier.access.member(site.house.actor, member)).role == "admin"


async def test_a_member_is_shut_out_and_let_in_again(site: Site):
    member = await added(site.house)
    actor = await site.house.metier.access.actor_for_member(site.house.actor.workspace_id, member)
    async with browser_of(site.house) as browser:
        guest = Site(site.house, browser)
        await guest.sign_in(actor)
        before = await guest.get("/chat")
        done = await site.post(f"{URL}/{member}/active", {"active": "no"})
        after = await guest.get("/chat")
    page = await site.page(done.headers["location"])
    undo = page.select_one(".notice form")

    assert (before.status_code, after.status_code) == (200, 303)
    assert after.headers["location"].startswith("/login")
    assert "deactivated" in page.select_one(".notice").get_text()
    with pytest.raises(NotSignedIn):
        await site.house.metier.access.refresh(actor)
    await site.post(undo["action"], {"active": undo.input["value"]})
    assert await site.house.metier.access.refresh(actor)


async def test_the_last_admin_stays_and_the_page_says_why(site: Site):
    me = site.house.actor.principal.id
    demoted = await site.post(f"{URL}/{me}/role", {"role": "member"})
    shut_out = await site.post(f"{URL}/{me}/active", {"active": "no"})

    assert (demoted.status_code, shut_out.status_code) == (409, 403)
    assert "at least one admin" in soup(demoted).select_one(".notice.bad").get_text()
    row = (await site.page(URL)).select_one(f"form[action='{URL}/{me}/role']")
    assert row
    assert not (await site.page(URL)).select(f"form[action='{URL}/{me}/active']")


async def test_who_may_do_more_cannot_be_touched_from_the_page(anonymous: Site):
    member = await added(anonymous.house)
    clerk = await anonymous.house.member(flags=["WORKSPACE_MEMBERS"], objects={"ship": ["read"]})
    await anonymous.sign_in(clerk)

    page = await anonymous.page(URL)

    assert not page.select(f"form[action^='{URL}/{member}']")
    assert [option["value"] for option in page.select("#role option")] == [clerk.roles[0].name]


async def test_a_member_without_a_password_gets_a_link(site: Site):
    member = await added(site.house)
    form = (await site.page(URL)).select_one(f"form[action='{URL}/{member}/invite']")
    link = soup(await site.post(form["action"], {})).select_one("#link").get_text()
    path = link.removeprefix("http://metier.test")

    async with browser_of(site.house) as browser:
        guest = Site(site.house, browser)
        assert (await guest.page(path)).select_one("#name")["value"] == "Bo"
        assert (await guest.post(path, JOINING)).status_code == 303
    assert (await site.house.metier.access.member(site.house.actor, member)).name == "Bo Li"
    again = await site.post(form["action"], {})
    assert again.status_code == 409


async def test_a_form_of_another_site_changes_nobody(site: Site):
    member = await added(site.house)

    answer = await site.post(f"{URL}/{member}/active", {"active": "no"}, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert (await site.house.metier.access.member(site.house.actor, member)).deactivated_at is None


async def test_links_lead_to_where_people_reach_the_server(site: Site):
    settings = site.house.metier.settings.model_copy(update={"public_url": "https://metier.example/"})
    object.__setattr__(site.house.metier, "settings", settings)

    page = soup(await site.post(f"{URL}/invite", {"email": "bo@ships.example", "role": "member"}))

    assert page.select_one("#link").get_text().startswith("https://metier.example/invite/mi_")
