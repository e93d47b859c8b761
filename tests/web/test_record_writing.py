"""Writing records from pages, without scripts: forms, errors at the field, undo, deleted ones; and refused first."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from metier.records import ObjectType
from metier.web import entry
from metier.web.reading import Reading
from tests.web.site import SHIP, Site, names, soup

KIND = ObjectType.from_json(SHIP)
BERLIN = Reading(datetime(2026, 11, 21, 9, tzinfo=UTC), ZoneInfo("Europe/Berlin"))


async def ship(site: Site, name: str = "Aurora") -> dict[str, Any]:
    return await site.house.metier.records.get(site.house.actor, "ship", site.ids[name])


def url(site: Site, name: str = "Aurora") -> str:
    return f"/o/ship/{site.ids[name]}"


@pytest.mark.parametrize(
    ("field", "inputs", "value"),
    [
        ("crew", {"crew": "1,250"}, 1250),
        ("state", {"state": "sunk"}, "sunk"),
        ("armed", {"armed": "false"}, False),
        ("launched", {"launched": "2026-04-05"}, "2026-04-05"),
        (
            "price",
            {"price.amount": "1.5m", "price.currency_code": "usd"},
            {"amount_micros": 15 * 10**11, "currency_code": "USD"},
        ),
        (
            "radio",
            {"radio": "a@x.example\nb@x.example"},
            {"primary_email": "a@x.example", "additional_emails": ["b@x.example"]},
        ),
        ("captain", {"captain.first_name": "Bo", "captain.last_name": ""}, {"first_name": "Bo", "last_name": None}),
        ("name", {"name": "Aurora II"}, "Aurora II"),
        ("crew", {"crew": ""}, None),
        ("price", {"price.amount": "", "price.currency_code": "EUR"}, None),
        ("home", {"home": "", "home.label": ""}, None),
    ],
)
async def test_a_field_is_edited_with_a_form(site: Site, field: str, inputs: dict[str, str], value: Any):
    before = await ship(site)
    page = await site.page(f"{url(site)}?edit={field}")
    form = page.select_one(".edit-form")
    assert form
    assert {control["name"] for control in form.select("[name]")} >= set(inputs)

    answer = await site.post(form["action"], inputs)

    assert answer.status_code == 303
    assert (await ship(site))[field] == value
    said = soup(await site.get(answer.headers["location"])).select_one(".toast")
    assert said
    assert "changed" in said.get_text()
    await site.post(said["action"], {"back": url(site)})
    assert (await ship(site))[field] == before[field]


async def test_an_edit_is_undone_from_its_note_and_from_the_history(site: Site):
    before = await ship(site)
    for how in (".toast", ".history form"):
        answer = await site.post(f"{url(site)}/edit", {"crew": "7"})
        form = soup(await site.get(answer.headers["location"])).select_one(how)
        assert form

        undone = await site.post(form["action"], {"back": url(site)})

        assert undone.status_code == 303
        assert undone.headers["location"].startswith(url(site))
        assert (await ship(site))["crew"] == before["crew"]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"crew": "many"}, "Expected a number"),
        ({"crew": "9" * 5_000}, "Expected a number"),
        ({"launched": "soon"}, "Expected a date"),
        ({"radio": "bridge"}, "is no e-mail address"),
        ({"home": "", "home.label": "Nowhere"}, "Nothing is called “Nowhere”"),
    ],
)
async def test_what_does_not_fit_stays_in_the_form_with_the_reason(site: Site, inputs: dict[str, str], words: str):
    before = await ship(site)

    answer = await site.post(f"{url(site)}/edit", inputs)

    assert answer.status_code == 422
    form = soup(answer).select_one(".edit-form")
    assert form
    assert words in form.get_text()
    assert any(text in str(form) for text in inputs.values() if text)
    assert await ship(site) == before


async def test_a_relation_is_typed_by_its_name(site: Site):
    await site.house.metier.records.insert(site.house.actor, "port", [{"name": "Oslo"}, {"name": "Oslo West"}])
    old = (await ship(site))["home"]["id"]

    await site.post(f"{url(site)}/edit", {"home": old, "home.label": "oslo"})

    assert (await ship(site))["home"]["label"] == "Oslo"


async def test_only_what_may_be_changed_is_offered(site: Site):
    await site.sign_in(await site.house.member(objects={"ship": ["read"], "port": ["read"]}))
    page, row = await site.page(url(site)), await site.page("/o/ship")

    refused = await site.post(f"{url(site)}/edit", {"crew": "7"})

    for shown in (page, row):
        assert not shown.select("[data-field], template[data-editor], .pencil, #ticked, input[name=id]")
    assert not row.select("#new, [href='/o/ship?deleted=1']")
    assert not page.select("form[action$='/delete']")
    assert refused.status_code == 403
    assert (await site.get("/o/ship/new")).status_code == 403
    assert (await site.get("/o/ship?deleted=1")).status_code == 403
    assert (await site.post(f"{url(site)}/delete", {})).status_code == 403
    assert (await ship(site))["crew"] == 120


async def test_a_script_gets_the_row_or_the_record_and_what_undoes_it(site: Site):
    row = await site.post(f"{url(site)}/edit?n=4", {"crew": "7"}, **{"HX-Request": "true"})
    part = await site.post(f"{url(site)}/edit", {"crew": "8"}, **{"HX-Request": "true"})
    wrong = await site.post(f"{url(site)}/edit", {"crew": "many"}, **{"HX-Request": "true"})

    assert soup(row).select_one("tr")["aria-rowindex"] == "6"
    assert soup(row).select_one("[data-field=crew]").get_text() == "7"
    assert soup(part).select_one(".record [data-field=crew] .value").get_text() == "8"
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["path"] == "crew"
    undone = await site.post(f"/undo/{part.headers['metier-change']}", {}, **{"HX-Request": "true"})
    assert undone.status_code == 204
    assert (await ship(site))["crew"] == 7


async def test_a_record_is_made_with_what_the_view_asks_for(site: Site):
    listed = await site.page("/o/ship?f.state=docked")
    link = listed.select_one("#new")["href"]
    assert link == "/o/ship/new?state=docked"
    page = await site.page(link)
    assert page.select_one("option[value=docked]").has_attr("selected")

    wrong = await site.post("/o/ship/new", {"name": "Dune", "crew": "many"})
    made = await site.post(
        "/o/ship/new", {"name": "Dune", "crew": "12", "state": "docked", "price.currency_code": "EUR"}
    )

    assert wrong.status_code == 422
    assert "Expected a number" in soup(wrong).get_text()
    assert soup(wrong).select_one("[name=name]").get_text() == "Dune"
    assert made.status_code == 303
    page = await site.page(made.headers["location"])
    assert page.h1.get_text() == "Dune"
    assert "created" in page.select_one(".history").get_text()


async def test_what_is_deleted_waits_to_be_restored(site: Site):
    gone = await site.post(f"{url(site)}/delete", {})
    assert gone.headers["location"].startswith("/o/ship?done=")
    assert "Aurora" not in names(await site.page("/o/ship"))
    listed = await site.page("/o/ship?deleted=1")
    assert [cell.get_text() for cell in listed.select(".gone")] == ["Aurora"]
    assert "was deleted" in (await site.page(url(site))).select_one(".gone-note").get_text()
    assert not (await site.page(url(site))).select("[data-field]")

    back = await site.post(listed.select_one("tbody form")["action"], {})

    assert back.headers["location"].startswith(url(site))
    assert "Aurora" in names(await site.page("/o/ship"))


async def test_several_are_deleted_and_brought_back_together(site: Site):
    records = site.house.metier.records
    ids = [str(site.ids["Aurora"]), str(site.ids["Borealis"])]
    answer = await site.client.post("/o/ship/delete", data={"id": ids}, headers={"Sec-Fetch-Site": "same-origin"})
    form = soup(await site.get(answer.headers["location"])).select_one(".toast")
    assert form.p.get_text() == "2 ships deleted."

    await site.post(form["action"], {"back": "/o/ship"})

    assert (await records.find(site.house.actor, "ship", count="exact", limit=0)).total == 3


async def test_a_record_is_removed_for_good(site: Site):
    await site.post(f"{url(site)}/delete", {})
    answer = await site.post(f"{url(site)}/destroy", {})

    assert answer.headers["location"] == "/o/ship?deleted=1"
    assert (await site.get(url(site))).status_code == 404


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example/x"])
async def test_undo_leads_nowhere_else(site: Site, where: str):
    answer = await site.post(f"{url(site)}/edit", {"crew": "7"}, **{"HX-Request": "true"})

    undone = await site.post(f"/undo/{answer.headers['metier-change']}", {"back": where})

    assert undone.headers["location"].startswith("/o")


@pytest.mark.parametrize(
    "value",
    [
        {"name": "A"},
        {"crew": 5, "armed": True, "state": "docked", "launched": "2026-01-02"},
        {"price": {"amount_micros": 1_500_000, "currency_code": "USD"}},
        {"radio": {"primary_email": "a@x.example", "additional_emails": ["b@x.example"]}},
        {"captain": {"first_name": "Ada", "last_name": None}},
        {"site": {"primary_link_url": "https://a.example", "primary_link_label": "A", "secondary_links": []}},
    ],
)
async def test_what_is_filled_in_and_sent_back_changes_nothing(site: Site, value: dict[str, Any]):
    records, actor = site.house.metier.records, site.house.actor
    made = await records.create(actor, "ship", {"name": "Dune", **value})
    record = made.one.record or {}
    inputs = {k: v for f in KIND.fields if not f.system for k, v in entry.filled(f, record[f.name], BERLIN).items()}
    fields = [f for f in KIND.fields if not f.system]

    written = await records.update(
        actor, "ship", made.one.id, await entry.values_of(records, actor, fields, inputs, record)
    )

    assert written.one.kind is None, dict(written.one.values)


@pytest.mark.parametrize(
    ("moment", "zone"), [("9999-12-31T23:59:59Z", "Europe/Berlin"), ("0001-01-01T00:00:00Z", "America/New_York")]
)
async def test_pages_show_the_ends_of_time_in_any_time_zone(site: Site, moment: str, zone: str):
    records, actor = site.house.metier.records, site.house.actor
    made = await records.create(actor, "task", {"title": "For ever", "due_at": moment})
    await site.house.metier.access.update_profile(actor, time_zone=zone)

    for path in ("/o/task", f"/o/task?f.due_at={moment}", f"/o/task/{made.one.id}"):
        assert "For ever" in str(await site.page(path))
