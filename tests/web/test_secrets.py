"""Settings, Secrets: set, changed and deleted in the browser, never shown."""

import pytest

from tests.web.site import Site, soup

VALUE = "sk_live_51canary"
FORM = {"name": "STRIPE_KEY", "value": VALUE, "hosts": "api.stripe.com, *.stripe.test", "description": "Payments"}


async def test_a_secret_is_set_shown_without_its_value_changed_and_deleted(site: Site):
    made = await site.post("/settings/secrets", FORM)
    listed = await site.page(made.headers["location"])
    form = await site.page("/settings/secrets?change=STRIPE_KEY")
    changed = await site.post("/settings/secrets", FORM | {"value": "", "description": "Refunds", "change": "1"})
    after = await site.page(changed.headers["location"])
    gone = await site.post(after.select_one("form[action$=delete]")["action"], {})

    assert made.status_code == 303
    assert "secret:STRIPE_KEY" in listed.select_one("[role=status].notice").get_text()
    assert "api.stripe.com" in listed.select_one("td + td").get_text()
    assert form.select_one("#value")["value"] == ""
    assert not form.select_one("#value").has_attr("required")
    assert form.select_one("#hosts")["value"] == "*.stripe.test, api.stripe.com"
    assert "Refunds" in after.get_text()
    assert VALUE not in f"{listed}{form}{after}"
    assert "No secrets yet" in (await site.page(gone.headers["location"])).get_text()


@pytest.mark.parametrize(
    ("slip", "field"),
    [
        ({"value": "short"}, "value"),
        ({"value": ""}, "value"),
        ({"hosts": "https://x/"}, "hosts"),
        ({"name": "1"}, "name"),
    ],
)
async def test_a_slip_is_told_at_its_field_and_the_rest_kept_but_the_value(
    site: Site, slip: dict[str, str], field: str
):
    answer = await site.post("/settings/secrets", FORM | slip)

    page = soup(answer)
    assert answer.status_code == 422
    assert page.select_one(f"#{field}")["aria-invalid"] == "true"
    assert page.select_one("#description")["value"] == "Payments"
    assert VALUE not in answer.text


async def test_secrets_are_hidden_from_who_may_not_set_them(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI"]))

    page, sent = await anonymous.get("/settings/secrets"), await anonymous.post("/settings/secrets", FORM)

    assert (page.status_code, sent.status_code) == (403, 403)
    assert "/settings/secrets" not in (await anonymous.get("/settings/profile")).text
    assert await anonymous.house.metier.secrets.secrets(anonymous.house.actor) == []


async def test_a_form_of_another_site_sets_no_secret(site: Site):
    answer = await site.post("/settings/secrets", FORM, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert await site.house.metier.secrets.secrets(site.house.actor) == []
