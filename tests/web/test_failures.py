"""Errors: a page for people, JSON for programs, and never a secret."""

import pytest

from metier.errors import ProviderDown
from tests.web.site import Site, soup


@pytest.mark.parametrize("url", ["/nowhere", "/o/nothing", "/static/nothing.js", "/static/..%2f..%2fpages.py"])
async def test_an_unknown_address_is_not_found(site: Site, url: str):
    assert (await site.get(url)).status_code == 404


async def test_a_name_that_nothing_can_have_is_not_found(site: Site):
    for url in (
        "/api/v1/agents/%00",
        "/api/v1/apps/%00",
        "/api/v1/definitions/role/%00",
        "/settings/ai/agents/%00",
        "/settings/apps/%00",
        "/settings/data-model/%00",
        "/settings/security/why?who=role:member&object=ship&agent=%00",
    ):
        assert (await site.get(url)).status_code == 404, url


async def test_people_get_a_page_and_programs_json(site: Site):
    page = await site.get("/nowhere")
    data = await site.client.get("/nowhere", headers={"Accept": "application/json"})
    api = await site.get("/api/v1/records/nothing")

    assert soup(page).h1.get_text() == "Not found"
    assert soup(page).select_one("nav")
    assert data.json()["message"]
    assert api.headers["content-type"] == "application/json"


async def test_a_stranger_gets_a_page_without_the_frame(anonymous: Site):
    page = await anonymous.get("/nowhere")

    assert page.status_code == 404
    assert soup(page).h1.get_text() == "Not found"
    assert "Ships" not in page.text


async def test_what_broke_inside_is_not_told(site: Site, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_args: object, **_named: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(site.house.metier.records), "find", broken)
    answer = await site.get("/o/ship")

    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert soup(answer).h1.get_text() == "Something broke"
    assert "nonce-" in answer.headers["content-security-policy"]


async def test_a_known_error_says_its_cure(site: Site, monkeypatch: pytest.MonkeyPatch):
    async def down(*_args: object, **_named: object) -> None:
        raise ProviderDown("openai", "it sleeps")

    monkeypatch.setattr(type(site.house.metier.records), "find", down)
    answer = await site.get("/o/ship")

    assert answer.status_code == 503
    assert "it sleeps" in answer.text


async def test_a_part_that_failed_leaves_the_page_as_it_is(site: Site, monkeypatch: pytest.MonkeyPatch):
    async def down(*_args: object, **_named: object) -> None:
        raise ProviderDown("openai", "it sleeps")

    monkeypatch.setattr(type(site.house.metier.records), "find", down)
    answer = await site.part("/o/ship", "view")

    assert answer.status_code == 503
    assert answer.headers["hx-reswap"] == "none"
    assert "it sleeps" in answer.json()["message"]
