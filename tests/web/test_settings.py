"""Settings: profile, API keys, models."""

import pytest

from metier.errors import NotSignedIn
from tests.web.site import Site, names, soup


async def test_profile_is_changed_and_says_so(site: Site):
    answer = await site.post("/settings/profile", {"name": "Ada Park", "time_zone": "Europe/Berlin"})
    page = await site.page(answer.headers["location"])

    assert answer.status_code == 303
    assert "saved" in page.select_one("[role=status].notice").get_text()
    assert page.select_one("#name")["value"] == "Ada Park"
    assert page.select_one("#time_zone option[selected]").get_text() == "Europe/Berlin"
    assert page.select_one(".account .name").get_text() == "Ada Park"


@pytest.mark.parametrize(("slip", "field"), [({"name": " "}, "name"), ({"time_zone": "Europe/Atlantis"}, "time_zone")])
async def test_a_slip_in_the_profile_is_told_at_its_field(site: Site, slip: dict[str, str], field: str):
    answer = await site.post("/settings/profile", {"name": "Ada", "time_zone": "UTC"} | slip)

    assert answer.status_code == 422
    assert soup(answer).select_one(f"#{field}")["aria-invalid"] == "true"


async def test_password_is_set_then_changed_only_with_the_one_so_far(site: Site):
    first = await site.post("/settings/profile/password", {"email": "ada@ships.example", "password": "a long password"})
    without = await site.post(
        "/settings/profile/password", {"email": "ada@ships.example", "password": "another long one"}
    )
    with_it = await site.post(
        "/settings/profile/password",
        {"email": "ada@ships.example", "password": "another long one", "current": "a long password"},
    )

    assert first.status_code == 303
    assert without.status_code in (403, 422)
    assert soup(without).select_one(".problem, .notice.bad")
    assert with_it.status_code == 303
    assert (await site.get("/o/ship")).status_code == 200, "this sign-in goes on"


async def test_keys_are_hidden_from_who_may_not_make_them(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI"]))

    page, sent = (
        await anonymous.get("/settings/api-keys"),
        await anonymous.post("/settings/api-keys", {"name": "x", "role": "admin"}),
    )

    assert (page.status_code, sent.status_code) == (403, 403)
    assert "/settings/api-keys" not in (await anonymous.get("/settings/profile")).text
    assert await anonymous.house.metier.access.keys(anonymous.house.actor) == []


async def test_a_key_is_shown_once_works_and_is_revoked(site: Site):
    made = soup(await site.post("/settings/api-keys", {"name": "night shift", "role": "member"}))
    token = made.select_one("#token").get_text()
    listed = await site.page("/settings/api-keys")
    before = await site.client.get("/api/v1/objects", headers={"Authorization": f"Bearer {token}"})
    revoke = listed.select_one("form[action$=revoke]")["action"]
    answer = await site.post(revoke, {})

    assert token.startswith("mk_")
    assert token not in str(listed)
    assert "night shift" in listed.get_text()
    assert before.status_code == 200
    assert answer.status_code == 303
    with pytest.raises(NotSignedIn):
        await site.house.metier.access.actor_for_key(token)
    page = await site.page("/settings/api-keys")
    assert page.select_one('section[aria-labelledby="keys"] table') is None
    ended = page.select_one('section[aria-labelledby="ended"]')
    assert "night shift" in ended.get_text()
    assert "revoked" in ended.get_text()
    assert not ended.select("button")


async def test_a_key_made_for_some_days_ends_by_itself(site: Site):
    await site.post("/settings/api-keys", {"name": "brief", "role": "member", "days": "30"})
    [key] = await site.house.metier.access.keys(site.house.actor)
    before = await site.page("/settings/api-keys")
    site.house.metier.clock.forward(31 * 86_400)  # type: ignore[attr-defined]
    await site.sign_in()
    after = await site.page("/settings/api-keys")

    assert "in 4 weeks" in before.select_one('section[aria-labelledby="keys"]').get_text()
    assert key.expires_at is not None
    assert "expired" in after.select_one('section[aria-labelledby="ended"]').get_text()


async def test_only_roles_that_a_key_of_ones_own_may_have_are_offered(anonymous: Site):
    access = anonymous.house.metier.access
    await access.create_role(anonymous.house.actor, name="people-only", can_be_assigned_to=["users"])
    await anonymous.sign_in(await anonymous.house.member(flags=["API_KEYS_AND_WEBHOOKS"]))

    offered = [o["value"] for o in (await anonymous.page("/settings/api-keys")).select("#role option")]

    assert "admin" not in offered
    assert "people-only" not in offered


@pytest.mark.parametrize("given", [{"name": "", "role": "member"}, {"name": "x", "role": "nobody"}])
async def test_a_key_without_name_or_role_is_told_and_nothing_is_made(site: Site, given: dict[str, str]):
    answer = await site.post("/settings/api-keys", given)

    assert answer.status_code in (404, 422)
    assert soup(answer).select_one(".problem, .notice.bad")
    assert await site.house.metier.access.keys(site.house.actor) == []


async def test_a_form_of_another_site_makes_no_key(site: Site):
    answer = await site.post("/settings/api-keys", {"name": "x", "role": "admin"}, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert await site.house.metier.access.keys(site.house.actor) == []


async def test_models_say_what_can_answer_and_what_connects_more(site: Site):
    page = await site.page("/settings/ai/models")

    assert "scripted/model" in page.get_text()
    assert "OPENAI_API_KEY" in page.get_text()
    assert "Not set" in page.get_text()


async def test_models_are_hidden_from_who_may_not_ask(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=[]))

    assert (await anonymous.get("/settings/ai/models")).status_code == 403
    home = await anonymous.get("/")
    assert home.headers["location"] == "/o"
    text = (await anonymous.get("/o")).text
    assert "/chat" not in text
    assert "Ask AI" not in text


async def test_values_are_written_as_the_member_chose_everywhere(site: Site):
    chosen = {
        "locale": "de",
        "number_format": "system",
        "currency_display": "code",
        "date_format": "system",
        "time_format": "hour_24",
        "calendar_start_day": "sunday",
    }
    answer = await site.post("/settings/profile/formats", chosen)
    page = await site.page(answer.headers["location"])
    listed = (await site.page("/o/ship")).get_text()
    record = (await site.page(f"/o/ship/{site.ids['Aurora']}")).get_text()

    assert "Saved" in page.select_one(".notice.ok").get_text()
    assert page.select_one("#locale option[selected]")["value"] == "de"
    assert page.select_one("#calendar_start_day option[selected]")["value"] == "sunday"
    for text in (listed, record):
        assert "52.000\xa0EUR" in text
        assert "01.03.2026" in text


async def test_numbers_are_typed_as_they_are_written(site: Site):
    await site.post("/settings/profile/formats", {"locale": "de"})
    ship = site.ids["Borealis"]

    await site.post(f"/o/ship/{ship}/edit", {"price.amount": "1.234,5", "price.currency_code": "EUR"})
    page = await site.page(f"/o/ship/{ship}?edit=price")

    stored = await site.house.metier.records.get(site.house.actor, "ship", ship)
    assert stored["price"]["amount_micros"] == 1_234_500_000
    assert page.select_one('[name="price.amount"]')["value"] == "1234,5"


async def test_a_form_that_is_none_is_told_at_its_field(site: Site):
    answer = await site.post("/settings/profile/formats", {"locale": "de", "number_format": "roman"})

    assert answer.status_code == 422
    assert "roman" in soup(answer).select_one("#number_format-problem").get_text()


async def test_a_filter_takes_numbers_as_they_are_written(site: Site):
    await site.post("/settings/profile/formats", {"locale": "de"})

    answer = await site.get("/o/ship?pick=price&pick.op=gte&pick.value=51.999,5&pick.go=1")
    page = await site.page(answer.headers["location"])

    assert answer.headers["location"] == "/o/ship?f.price.gte=51999.5"
    assert names(page) == ["Aurora"]
    edit = page.select_one("a[href*='pick.value']")["href"]
    assert (await site.page(edit)).select_one("input[name='pick.value']")["value"] == "51999,5"
