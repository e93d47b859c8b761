"""The health of the server in the browser: a page and a dot, both for admins only; and where runs are found."""

from pathlib import Path

import pytest

from metier import health
from tests.web.site import Site, soup

URL = "/settings/health"
DOT = ".sidebar .foot .dot.bad"


@pytest.fixture(autouse=True)
def bundles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A built front end."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text("{}")
    monkeypatch.setattr(health, "MANIFEST", manifest)
    return manifest


async def test_neither_page_nor_dot_is_for_who_may_not_see_them(anonymous: Site, bundles: Path):
    bundles.unlink()
    await anonymous.sign_in(await anonymous.house.member(flags=["AI"]))

    page, settings = await anonymous.get(URL), await anonymous.page("/settings/profile")

    assert page.status_code == 403
    assert "make setup" not in page.text
    assert not soup(page).select(DOT)
    assert not settings.select(DOT)
    assert URL not in str(settings)


async def test_all_is_well_shows_every_check_and_no_dot(site: Site):
    page = await site.page(URL)

    rows = {row.td.get_text(): row.get_text(" ") for row in page.select("tbody tr")}
    assert list(rows) == ["Python", "Home", "Database", "Tables", "Pages", "Models", "Schedules", "Port"]
    assert all("OK" in words for words in rows.values())
    assert "PostgreSQL" in rows["Database"]
    assert page.select_one(f".tabs a[href='{URL}']")["aria-current"] == "page"
    assert page.select_one("#palette-places").find("a", href=URL)
    assert not page.select(DOT)


async def test_a_failed_check_is_said_with_its_cure_and_dotted_on_every_page(site: Site, bundles: Path):
    bundles.unlink()

    page, elsewhere = await site.page(URL), await site.page("/o/ship")

    assert "1 check fails" in page.select_one("[role=alert]").get_text()
    (row,) = [row for row in page.select("tbody tr") if "Fails" in row.get_text()]
    assert "make setup" in row.get_text()
    assert elsewhere.select_one(DOT)
    assert "a health check fails" in elsewhere.select_one(".sidebar .foot a").get_text(), "not by colour alone"


async def test_pages_do_not_look_again_within_a_minute(site: Site, bundles: Path):
    assert not (await site.page("/o/ship")).select(DOT)
    bundles.unlink()

    assert not (await site.page("/o/ship")).select(DOT)
    site.house.metier.clock.forward(60)
    assert (await site.page("/o/ship")).select(DOT)


async def test_runs_are_below_chat_and_in_the_palette(site: Site):
    page = await site.page("/runs")

    places = [a["href"] for a in page.select(".sidebar [aria-labelledby=group-workspace] a")]
    assert places == ["/chat", "/inbox", "/runs", "/usage"]
    assert page.select_one(".sidebar a[href='/runs']")["aria-current"] == "page"
    assert page.select_one("#palette-places").find("a", href="/runs")["data-keys"] == "g r"


async def test_runs_are_not_shown_to_who_may_not_ask(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=[]))

    assert 'href="/runs"' not in (await anonymous.get("/o")).text


async def test_the_form_to_sign_in_names_the_command_that_prints_a_link(anonymous: Site):
    assert (await anonymous.page("/login")).select_one(".after code").get_text() == "metier link"


async def test_a_schedule_that_failed_last_is_said_with_what_shows_more(site: Site):
    await site.house.metier.schedules.run(site.house.actor, "retention")
    await site.house.metier.db.execute(
        "update core.job set status = 'failed', error = '{\"message\": \"The disk is full.\"}', ended_at = created_at"
    )

    row = next(row for row in (await site.page(URL)).select("tbody tr") if row.td.get_text() == "Schedules")

    assert "retention failed: The disk is full." in row.get_text()
    assert "metier schedules history retention" in row.get_text()
    assert "Fails" in row.get_text()
