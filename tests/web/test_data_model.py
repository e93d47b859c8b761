"""The data model in the browser: objects and fields are made, hidden, restored and taken back, without JavaScript."""

from tests.web.site import Site

URL = "/settings/data-model"


async def test_neither_page_nor_way_to_it_is_for_who_may_not_change_it(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI", "ROLES"]))

    for path in (URL, f"{URL}/company", f"{URL}/company/versions/1"):
        assert (await anonymous.get(path)).status_code == 403
    for path in (URL, f"{URL}/company/fields", f"{URL}/company/archive", f"{URL}/company/versions/1/rollback"):
        assert (await anonymous.client.post(path, data={"name": "x", "type": "text"})).status_code == 403
    assert URL not in str(await anonymous.page("/settings/profile"))


async def test_an_object_is_made_and_grows(site: Site):
    made = await site.client.post(URL, data={"name": "yacht", "label": ""})
    assert (made.status_code, made.headers["location"]) == (303, f"{URL}/yacht")
    field = {"name": "state", "type": "select", "options": "afloat, sunk"}
    assert (await site.client.post(f"{URL}/yacht/fields", data=field)).status_code == 303
    relation = {"name": "home", "type": "relation", "target": "company"}
    assert (await site.client.post(f"{URL}/yacht/fields", data=relation)).status_code == 303

    page = await site.page(f"{URL}/yacht")
    fields = [row.select_one("td").get_text() for row in page.select("section")[0].select("tbody tr")]
    assert fields == ["Name", "State", "Home"]
    assert "Yachts" in (await site.page("/settings/profile")).get_text()
    kind = await site.house.metier.records.object(site.house.actor, "yacht")
    assert [option.value for option in kind.by_name["state"].options] == ["afloat", "sunk"]


async def test_what_is_wrong_stands_at_its_field(site: Site):
    bad = await site.client.post(URL, data={"name": "Bad name", "label": "Kept"})
    assert bad.status_code == 422
    assert "must match" in bad.text
    assert 'value="Kept"' in bad.text
    twice = await site.client.post(URL, data={"name": "company"})
    assert twice.status_code == 409
    assert "already an object type" in twice.text
    field = await site.client.post(f"{URL}/company/fields", data={"name": "x", "type": "select", "options": ""})
    assert field.status_code == 422
    assert "at least one option" in field.text


async def test_a_field_is_hidden_and_restored_and_a_version_taken_back(site: Site):
    await site.client.post(f"{URL}/company/fields/city/hide")
    page = await site.page(f"{URL}/company")
    assert page.select_one("button[aria-label='Restore City']")
    title = await site.client.post(f"{URL}/company/fields/name/hide")
    assert title.status_code == 422
    version = await site.page(f"{URL}/company/versions/2")
    assert "fields.city" in version.get_text()
    await site.client.post(f"{URL}/company/fields/city/restore")
    assert "city" in (await site.house.metier.records.object(site.house.actor, "company")).by_name

    await site.client.post(f"{URL}/company/versions/2/rollback")

    assert "city" not in (await site.house.metier.records.object(site.house.actor, "company")).by_name


async def test_an_object_is_archived_and_restored(site: Site):
    assert (await site.client.post(f"{URL}/company/archive")).headers["location"] == URL
    assert "Companies" not in (await site.page("/settings/profile")).get_text()
    page = await site.page(URL)
    assert page.select_one("button[aria-label='Restore Company']")
    assert "is archived" in (await site.page(f"{URL}/company")).get_text()

    await site.client.post(f"{URL}/company/restore")

    assert "Companies" in (await site.page("/settings/profile")).get_text()
    assert (await site.get(f"{URL}/nothing")).status_code == 404
