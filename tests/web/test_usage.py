"""Usage in the browser: one's own or everybody's, by what the address says, with the budgets and how they stand."""

from metier.testing import Script
from tests.web.site import Site, soup


async def spend(site: Site, **more) -> None:
    events = await site.house.ask("Well?", model=Script().says("Hello you"), **more)
    assert events.status == "succeeded"


async def test_without_the_flag_one_sees_oneself_and_sets_nothing(anonymous: Site):
    member = await anonymous.house.member(name="Bo", flags=["AI"])
    await spend(anonymous)
    await spend(anonymous, actor=member)
    await anonymous.sign_in(member)

    page = await anonymous.page("/usage?by=member")
    refused = await anonymous.post("/usage/budgets", {"scope": "workspace", "period": "day", "tokens": "9"})

    assert [row.get_text(" ", strip=True) for row in page.select("tbody tr")] == ["Bo 1 10 0 2 $0.0000"]
    assert not page.select("form.budget")
    assert refused.status_code == 403
    assert await anonymous.house.metier.budgets.list(anonymous.house.actor) == []


async def test_the_numbers_are_the_ledgers_by_what_the_address_says(site: Site):
    await spend(site)
    await spend(site)

    page = await site.page("/usage")
    [model] = page.select("tbody tr")
    days = await site.page(model.select_one("a")["href"])
    elsewhere = await site.page("/usage?since=2026-01-01&until=2026-01-31")

    assert [dd.get_text() for dd in page.select(".kpis dd")] == ["$0.0000", "20", "4", "2"]
    assert model.get_text(" ", strip=True) == "scripted/model 2 20 0 4 $0.0000"
    assert len(page.select("svg.columns rect")) == 30
    assert "Only model scripted/model" in days.get_text(" ", strip=True)
    assert [row.td.get_text() for row in days.select("tbody tr")] == ["2026-11-21"]
    assert "Nothing was used" in elsewhere.get_text()


async def test_a_budget_is_set_shown_with_its_bar_and_removed(site: Site):
    await spend(site)
    form = {"scope": "workspace", "subject": "", "period": "month", "tokens": "1,000", "cost": "0.50"}

    assert (await site.post("/usage/budgets", form)).status_code == 303
    page = await site.page("/usage")
    [budget] = page.select(".budgets li")
    assert budget.select_one(".main").get_text() == "The workspace, a month"
    assert [p.get_text() for p in budget.select(".limits p")] == ["12 of 1,000 tokens", "$0.0000 of $0.50"]
    assert budget.select_one("svg.share .part")["width"] == "1.20"

    await site.post(budget.select_one("form")["action"], {})
    assert not (await site.page("/usage")).select(".budgets li")


async def test_a_slip_is_told_beside_its_field_and_what_was_typed_stays(site: Site):
    answer = await site.post("/usage/budgets", {"scope": "workspace", "period": "day", "tokens": "many", "cost": "5"})

    page = soup(answer)
    assert answer.status_code == 422
    assert "no number" in page.select_one("#tokens-problem").get_text()
    assert page.select_one("#cost")["value"] == "5"


async def test_an_address_that_makes_no_sense_is_told(site: Site):
    assert (await site.get("/usage?since=2026-02-01&until=2026-01-01")).status_code == 422
    assert (await site.get("/usage?by=colour")).status_code == 422
