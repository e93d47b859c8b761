"""The data model in the browser: renaming, converting after a look, drafts, and removing for ever; denied first."""

import json

from tests.web.site import Site, soup

URL = "/settings/data-model"


async def test_whoever_may_not_change_the_data_model_changes_nothing(anonymous: Site):
    await anonymous.sign_in(await anonymous.house.member(flags=["AI", "ROLES"]))

    answers = [await anonymous.get(f"{URL}/ship/fields/crew")] + [
        await anonymous.post(f"{URL}/ship/{path}", {"name": "x", "type": "text", "confirm": "ship", "source": "{}"})
        for path in ("about", "fields/crew", "fields/crew/purge", "draft", "draft/publish", "draft/discard", "purge")
    ]

    assert [answer.status_code for answer in answers] == [403] * 8


async def test_purging_needs_its_own_flag_and_the_name(anonymous: Site):
    metier, admin = anonymous.house.metier, anonymous.house.actor
    await metier.data_model.hide_field(admin, "ship", "crew")
    await metier.data_model.create(admin, {"name": "yard", "fields": [{"name": "name", "type": "text"}]})
    await metier.definitions.archive(admin, "object", "yard")
    await anonymous.sign_in(await anonymous.house.member(flags=["DATA_MODEL"]))
    pages = [(await anonymous.page(f"{URL}/{name}")).get_text() for name in ("ship", "yard")]
    refused = [
        await anonymous.post(f"{URL}/ship/fields/crew/purge", {"confirm": "ship.crew"}),
        await anonymous.post(f"{URL}/yard/purge", {"confirm": "yard"}),
    ]
    await anonymous.sign_in()
    mistyped = [
        await anonymous.post(f"{URL}/ship/fields/crew/purge", {"confirm": "crew"}),
        await anonymous.post(f"{URL}/yard/purge", {"confirm": "yrd"}),
    ]
    kept = await metier.data_model.hidden_fields(admin, "ship")
    done = [
        await anonymous.post(f"{URL}/ship/fields/crew/purge", {"confirm": "ship.crew"}),
        await anonymous.post(f"{URL}/yard/purge", {"confirm": "yard"}),
    ]

    assert all("for ever" not in page for page in pages)
    assert [answer.status_code for answer in refused + mistyped] == [403, 403, 422, 422]
    assert [one.field.name for one in kept] == ["crew"]
    assert [answer.status_code for answer in done] == [303, 303]
    assert list(await metier.data_model.hidden_fields(admin, "ship")) == []
    assert await metier.definitions.listed(admin, "object", archived=True) == []


async def test_an_object_is_renamed_and_all_follows(site: Site):
    page = await site.page(f"{URL}/ship")
    form = {tag["name"]: tag.get("value", "") for tag in page.select("section[aria-labelledby=about] input")}
    form |= {"object_name": "vessel", "object_plural": "vessels", "object_label": "Vessel", "object_title": "name"}

    answer = await site.post(f"{URL}/ship/about", form)
    wrong = await site.post(f"{URL}/vessel/about", form | {"object_name": "company"})

    assert (answer.status_code, answer.headers["location"]) == (303, f"{URL}/vessel?saved=object")
    assert "Aurora" in (await site.page("/o/vessel")).get_text()
    assert wrong.status_code in (409, 422)
    assert soup(wrong).select_one("#object_name")["value"] == "company"


async def test_a_field_is_renamed_and_its_values_follow(site: Site):
    form = {"name": "hands", "label": "Hands", "type": "number", "decimals": "", "unit": "people", "do": "save"}

    answer = await site.post(f"{URL}/ship/fields/crew", form)

    assert answer.status_code == 303
    ship = await site.house.metier.records.get(site.house.actor, "ship", site.ids["Aurora"])
    assert (ship["hands"], "crew" in ship) == (120, False)
    kind = await site.house.metier.records.object(site.house.actor, "ship")
    assert kind.by_name["hands"].unit == "people"


async def test_a_type_is_changed_after_a_look_at_what_becomes_of_the_values(site: Site):
    form = {"name": "crew", "label": "Crew", "type": "text"}
    looked = soup(await site.post(f"{URL}/ship/fields/crew", form | {"do": "look"}))
    refused = await site.post(f"{URL}/ship/fields/crew", form | {"do": "save"})
    before = await site.house.metier.records.get(site.house.actor, "ship", site.ids["Aurora"])
    done = await site.post(f"{URL}/ship/fields/crew", form | {"do": "convert"})

    assert "2 records hold a value" in looked.select_one("#look").get_text()
    assert looked.select_one("button[value=convert]")
    assert refused.status_code == 409
    assert soup(refused).select_one("button[value=convert]")
    assert before["crew"] == 120
    assert done.status_code == 303
    assert (await site.house.metier.records.get(site.house.actor, "ship", site.ids["Aurora"]))["crew"] == "120"


async def test_values_that_do_not_convert_are_shown_and_nothing_changes(site: Site):
    form = {"name": "name", "label": "Name", "type": "number"}

    looked = soup(
        await site.post(f"{URL}/port/fields/name", {"name": "name", "label": "Name", "type": "date", "do": "look"})
    )
    kept = await site.post(f"{URL}/port/fields/name", form | {"do": "convert"})

    assert "Lagos" in looked.select_one("#look").get_text()
    assert not looked.select("button[value=convert]")
    assert kept.status_code in (409, 422)


async def test_options_keep_what_the_form_does_not_show(site: Site):
    page = await site.page(f"{URL}/ship/fields/state")
    text = page.select_one("#options").get_text()
    form = {"name": "state", "label": "State", "type": "select", "options": f"{text}\nlost | Lost at sea | bad"}

    answer = await site.post(f"{URL}/ship/fields/state", form | {"do": "save"})

    assert answer.status_code == 303
    kind = await site.house.metier.records.object(site.house.actor, "ship")
    options = {option.value: (option.label, option.color) for option in kind.by_name["state"].options}
    assert options["docked"] == ("In dock", "warn")
    assert options["lost"] == ("Lost at sea", "bad")


async def test_a_draft_is_kept_told_what_is_wrong_with_and_published(site: Site):
    body = json.loads((await site.page(f"{URL}/port")).select_one("#source").get_text())
    body["fields"].append({"name": "depth", "type": "numbr"})
    kept = await site.post(f"{URL}/port/draft", {"source": json.dumps(body)})
    page = await site.page(kept.headers["location"])
    live = await site.house.metier.records.object(site.house.actor, "port")
    refused = await site.post(f"{URL}/port/draft/publish", {})
    body["fields"][-1]["type"] = "number"
    await site.post(f"{URL}/port/draft", {"source": json.dumps(body)})
    right = await site.page(f"{URL}/port")
    done = await site.post(f"{URL}/port/draft/publish", {})

    assert "numbr" in page.select_one("#draft-problems").get_text()
    assert "depth" not in live.by_name
    assert refused.status_code == 422
    assert "depth" in right.select_one("pre.source").get_text()
    assert done.status_code == 303
    assert "depth" in (await site.house.metier.records.object(site.house.actor, "port")).by_name


async def test_a_draft_is_thrown_away_and_one_that_is_no_json_is_told(site: Site):
    wrong = await site.post(f"{URL}/port/draft", {"source": ""})
    await site.post(f"{URL}/port/draft", {"source": "{"})
    page = await site.page(f"{URL}/port")
    gone = await site.post(f"{URL}/port/draft/discard", {})

    assert wrong.status_code == 422
    assert page.select_one("#draft-problems")
    assert page.select_one("#source").get_text().strip() == "{"
    assert gone.status_code == 303
    assert not (await site.page(f"{URL}/port")).select("#draft-problems")
