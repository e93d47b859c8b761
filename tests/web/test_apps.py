"""Settings, Apps: what is applied, what it has brought, and removing it."""

from metier.definitions.apps import read_uploaded
from tests.apps.test_apps import SHOP
from tests.web.site import Site, soup

URL = "/settings/apps"


async def applied(site: Site) -> None:
    metier = site.house.metier
    field = {"fields/ship.toml": 'object = "ship"\n\n[[fields]]\nname = "sold"\ntype = "boolean"\n'}
    await metier.apps.apply(site.house.actor, read_uploaded(SHOP | field, metier.apps.kinds))


async def test_apps_are_hidden_from_who_may_not_apply_them(anonymous: Site):
    await applied(anonymous)
    await anonymous.sign_in(await anonymous.house.member(flags=["AI", "DATA_MODEL"]))

    answers = [
        await anonymous.get(URL),
        await anonymous.get(f"{URL}/shop"),
        await anonymous.get(f"{URL}/shop/versions/1"),
        await anonymous.post(f"{URL}/shop/remove", {}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert URL not in (await anonymous.get("/settings/profile")).text


async def test_an_app_is_listed_shown_and_removed(site: Site):
    empty = await site.page(URL)
    await applied(site)
    listed = await site.page(URL)
    shown = await site.page(f"{URL}/shop")
    clerk = await site.page("/settings/ai/agents/clerk")
    gone = await site.post(f"{URL}/shop/remove", {})

    assert "No app is applied" in empty.get_text()
    assert listed.select_one(f"a[href='{URL}/shop']")
    links = [link["href"] for link in shown.select("#parts ~ .listbox a")]
    assert links == ["/settings/ai/agents/clerk", "/settings/data-model/item", "/settings/security/roles/shop-app"]
    assert "ship.sold" in shown.get_text()
    assert "role of its app counts too" in clerk.get_text()
    assert (await site.page(f"{URL}/shop/versions/1")).select_one("table.list")
    assert (gone.status_code, gone.headers["location"]) == (303, URL)
    assert (await site.page(URL)).select_one("#archived")
    assert "was removed" in (await site.page(f"{URL}/shop")).get_text()


async def test_why_an_app_cannot_be_removed_is_told_on_its_page(site: Site):
    await applied(site)
    metier, actor = site.house.metier, site.house.actor
    await metier.definitions.publish(actor, "agent", {"name": "mine", "prompt": "Mine.", "role": "shop-app"})

    refused = await site.post(f"{URL}/shop/remove", {})

    assert refused.status_code == 409
    assert "held by the agents mine" in soup(refused).select_one(".notice.bad").get_text()
