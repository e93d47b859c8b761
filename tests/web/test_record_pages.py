"""Record lists and record pages, as they are shown."""

import pytest

from tests.web.site import Site, names, soup

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_list_shows_typed_values(fleet: Site):
    page = await fleet.page("/o/ship?sort=name")

    row = next(tr for tr in page.select("tbody tr") if "Aurora" in tr.get_text())
    assert [th.get_text(strip=True) for th in page.select("thead th")][:4] == ["#", "Name", "State", "Crew"]
    assert row.select_one(".tag.ok").get_text() == "Afloat"
    assert row.select_one("td.num").get_text() == "120"
    assert "€52,000" in row.get_text()
    assert "Ada Park" in row.get_text()
    assert row.select_one(".chip")["href"] == f"/o/port/{fleet.ids['Lagos']}"
    assert row.select_one("a[href^=mailto]").get_text() == "bridge@aurora.example"
    assert row.select_one("a[target=_blank]")["rel"] == ["noopener", "nofollow", "noreferrer"]
    assert row.select("time")[0].get_text() == "1 Mar 2026"
    assert page.select_one(".count").get_text() == "3 ships"


async def test_values_are_text_and_never_markup(fleet: Site):
    page = await fleet.page("/o/ship")

    assert "<b>Cutter</b>" in names(page)
    assert not page.select("tbody b")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("f.state=afloat", {"Aurora"}),
        ("f.state.in=afloat,docked", {"Aurora", "Borealis"}),
        ("f.crew.gte=80&f.crew.lt=120", {"Borealis"}),
        ("f.price.gt=51999.99", {"Aurora"}),
        ("f.armed=true", {"Aurora"}),
        ("f.home.is=null", {"Borealis", "<b>Cutter</b>"}),
        ("f.home.name.contains=LAG", {"Aurora"}),
        ("f.launched.between=2026-01-01,2026-12-31", {"Aurora"}),
        ("f.created_at.within=today", {"Aurora", "Borealis", "<b>Cutter</b>"}),
        ("f.owner=me", {"Aurora"}),
        ("q=REAL", {"Borealis"}),
        ("q=zzz", set()),
    ],
)
async def test_filters_narrow_the_list(fleet: Site, query: str, found: set[str]):
    page = await fleet.page(f"/o/ship?{query}")

    assert set(names(page)) == found


async def test_sorting(fleet: Site):
    assert names(await fleet.page("/o/ship?sort=name"))[1:] == ["Aurora", "Borealis"]
    assert names(await fleet.page("/o/ship?sort=-crew")) == ["Aurora", "Borealis", "<b>Cutter</b>"]
    head = (await fleet.page("/o/ship?sort=-crew")).select_one("thead th[aria-sort]")
    assert head.get_text(strip=True) == "Crew"
    assert head["aria-sort"] == "descending"
    assert head.a["href"] == "/o/ship?sort=crew"


async def test_filters_read_as_sentences_and_can_be_taken_away(fleet: Site):
    page = await fleet.page("/o/ship?f.state=afloat&f.created_at.within=last_7_days&sort=name")

    chips = page.select(".condition")
    assert chips[0].get_text(" ", strip=True).startswith("State is Afloat")
    assert "last 7 days (14 Nov 2026" in chips[1].get_text()
    assert chips[0].select_one(".remove")["href"] == "/o/ship?f.created_at.within=last_7_days&sort=name"


async def test_nothing_matches_offers_to_clear(fleet: Site):
    page = await fleet.page("/o/ship?q=zzz&sort=name")

    assert "No ships match" in page.get_text()
    assert page.select_one(".empty a")["href"] == "/o/ship?sort=name"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("f.crew.gt=many", "expected a number"),
        ("f.crow=1", "Did you mean 'crew'?"),
        ("sort=crow", "crow"),
        ("f.state=flying", "flying"),
    ],
)
async def test_a_filter_that_cannot_be_is_told_on_the_page(fleet: Site, query: str, told: str):
    answer = await fleet.get(f"/o/ship?{query}")

    assert answer.status_code == 422
    assert told in soup(answer).get_text()
    assert soup(answer).select_one(".empty a")["href"].startswith("/o/ship")


@pytest.mark.parametrize(
    "url", ["/o/ship?stage=won", "/o/ship.json?f.crew.gt=many", "/o/ship.json?limit=0", "/o/ship.json?x=1"]
)
async def test_a_wrong_address_is_a_clients_mistake(fleet: Site, url: str):
    assert (await fleet.get(url)).status_code == 422


async def test_htmx_gets_only_the_part_it_asks_for(fleet: Site):
    view = soup(await fleet.part("/o/ship?f.state=afloat", "view"))
    panel = soup(await fleet.part("/o/ship?f.state=afloat&pick=crew", "filter-panel"))

    assert names(view) == ["Aurora"]
    assert not view.select("html, main, #quick")
    assert view.select_one("input[form=quick][name='f.state']")["value"] == "afloat", "the search keeps the filters"
    assert panel.select_one("select[name='pick.op']")
    assert not panel.select("table")


async def test_a_filter_is_made_by_a_plain_form(fleet: Site):
    page = await fleet.page("/o/ship?q=r&pick=state")
    form = page.select_one("#filter-panel form")
    hidden = {i["name"]: i["value"] for i in form.select("input[type=hidden]")}
    offered = [o["value"] for o in form.select("input[type=checkbox]")]

    answer = await fleet.client.get(
        form["action"], params=hidden | {"pick.op": "in", "pick.value": ["afloat", "docked"], "pick.go": "1"}
    )

    assert page.select_one("#filter").has_attr("open")
    assert offered == ["afloat", "docked", "sunk"]
    assert answer.status_code == 303
    assert answer.headers["location"] == "/o/ship?q=r&f.state.in=afloat%2Cdocked"


async def test_a_wrong_value_is_told_in_the_form(fleet: Site):
    wrong = "/o/ship?pick=crew&pick.op=gte&pick.value=many&pick.go=1"

    swapped, plain = await fleet.part(wrong, "view"), await fleet.get(wrong)

    assert swapped.status_code == 422
    assert swapped.headers["hx-retarget"] == "#filter-panel"
    assert "xpected a number" in soup(swapped).select_one("[role=alert]").get_text()
    assert soup(swapped).select_one("input[name='pick.value']")["value"] == "many"
    assert soup(plain).select_one("#filter[open] [role=alert]")


async def test_a_list_is_data_too(fleet: Site):
    answer = await fleet.get("/o/ship.json?f.state.in=afloat,docked&sort=-crew&limit=1")
    body = answer.json()
    rest = (await fleet.get(f"/o/ship.json?f.state.in=afloat,docked&sort=-crew&cursor={body['next_cursor']}")).json()

    assert [r["name"] for r in body["data"]] == ["Aurora"]
    assert body["total"] == 2
    assert [r["name"] for r in rest["data"]] == ["Borealis"]


async def test_the_plural_leads_to_the_one_address(fleet: Site):
    assert (await fleet.get("/o/ships?f.state=afloat")).headers["location"].endswith("/o/ship?f.state=afloat")


async def test_a_record_shows_its_fields_what_it_points_to_and_what_points_to_it(fleet: Site):
    aurora = await fleet.page(f"/o/ship/{fleet.ids['Aurora']}")
    lagos = await fleet.page(f"/o/port/{fleet.ids['Lagos']}")

    assert aurora.h1.get_text() == "Aurora"
    facts = {div.dt.get_text(): div.dd.get_text(strip=True) for div in aurora.select(".facts > div")}
    assert facts["Price"] == "€52,000"
    assert facts["Captain"] == "Ada Park"
    assert facts["Id"] == str(fleet.ids["Aurora"])
    assert aurora.select_one(f"a[href='/o/port/{fleet.ids['Lagos']}']")
    related = lagos.select_one(".beside section")
    assert related.h2.get_text(" ", strip=True).startswith("Ships · 1")
    assert related.select_one("a")["href"] == f"/o/ship/{fleet.ids['Aurora']}"


@pytest.mark.parametrize("record", ["01a1fd55-0000-7000-8000-00000000dead", "nope", "%00", "a" * 3000])
async def test_an_unknown_record_is_not_found(fleet: Site, record: str):
    page, data = await fleet.get(f"/o/ship/{record}"), await fleet.get(f"/o/ship/{record}.json")

    assert (page.status_code, data.status_code) == (404, 404)
    assert soup(page).h1.get_text() == "Not found"
    assert soup(page).select_one("nav"), "in the frame"


async def test_a_member_is_a_page_too(fleet: Site):
    page = await fleet.page(f"/o/member/{fleet.house.actor.principal.id}")

    assert "Aurora" in page.select_one(".beside").get_text()
