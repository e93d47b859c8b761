"""Settings, Connections: where agents may go by themselves."""

from tests.web.site import Site, soup


async def test_a_host_is_allowed_and_removed(site: Site):
    made = await site.post("/settings/connections", {"host": "API.example.com", "note": "Invoices"})
    listed = await site.page("/settings/connections")
    gone = await site.post("/settings/connections/remove", {"host": listed.select_one("input[type=hidden]")["value"]})

    assert (made.status_code, gone.status_code) == (303, 303)
    assert "api.example.com" in listed.select_one("td.main").get_text()
    assert "80, 443" in listed.select_one("dl.facts").get_text()
    assert "No hosts yet" in (await site.page("/settings/connections")).get_text()


async def test_a_slip_is_told_at_its_field(site: Site):
    answer = await site.post("/settings/connections", {"host": "https://a.example/", "note": "Invoices"})

    assert answer.status_code == 422
    assert soup(answer).select_one("#host")["aria-invalid"] == "true"
    assert soup(answer).select_one("#note")["value"] == "Invoices"


async def test_the_list_is_hidden_from_who_may_not_change_it(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI"]))

    page = await anonymous.get("/settings/connections")
    sent = await anonymous.post("/settings/connections", {"host": "evil.example", "note": ""})

    assert (page.status_code, sent.status_code) == (403, 403)
    assert await anonymous.house.metier.hosts.hosts(anonymous.house.actor) == []
