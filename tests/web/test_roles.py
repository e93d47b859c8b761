"""Settings, Security, Roles: the matrix and an object's panel, without scripts; refused to whoever may not."""

from metier.actor import ROW_RULES_FEATURE, Action, Role
from tests.web.site import Site, soup

URL = "/settings/security/roles"


async def made(site: Site, **form) -> Role:
    """Make the role `mate`."""
    return await site.house.metier.access.create_role(site.house.actor, name="mate", **form)


async def mate(site: Site) -> Role:
    """Give the role `mate` as it is now."""
    return await site.house.metier.access.role(site.house.actor, "mate")


def inputs(form) -> dict[str, str | list[str]]:
    """Give what a browser sends of a form that nobody has touched."""
    found: dict[str, list[str]] = {}
    for one in form.select("input[name], select[name], textarea[name]"):
        if one.name == "select":
            chosen = one.select_one("option[selected]") or one.select_one("option")
            found.setdefault(one["name"], []).append(chosen.get("value", ""))
        elif one.get("type") != "checkbox" or one.has_attr("checked"):
            found.setdefault(one["name"], []).append(one.get("value", one.get_text()))
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


async def matrix(site: Site, **changed) -> dict:
    """Give the form of `mate`, with changes."""
    return inputs((await site.page(f"{URL}/mate")).select_one("form.roleform")) | changed


async def panel(site: Site, **changed) -> dict:
    """Give the form of the ships' panel of `mate`, with changes."""
    return inputs((await site.page(f"{URL}/mate?object=ship")).select_one("#object-panel form")) | changed


async def test_roles_are_hidden_from_who_may_not_give_them(anonymous: Site):
    await made(anonymous, all_objects=["read"])
    await anonymous.sign_in(await anonymous.house.member(flags=["AI"]))

    answers = [
        await anonymous.get(URL),
        await anonymous.get(f"{URL}/mate"),
        await anonymous.post(URL, {"label": "Mine"}),
        await anonymous.post(f"{URL}/mate", {"label": "Mine", "all": "destroy"}),
        await anonymous.post(f"{URL}/mate/objects/ship", {"do": "save"}),
        await anonymous.post(f"{URL}/mate/delete", {}),
        await anonymous.post(f"{URL}/mate/restore", {}),
        await anonymous.get(f"{URL}/mate/versions/1"),
        await anonymous.post(f"{URL}/mate/versions/1/rollback", {}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 9
    assert URL not in (await anonymous.get("/settings/profile")).text
    assert (await mate(anonymous)).all_objects == {Action.READ}


async def test_who_may_only_give_roles_looks_and_changes_nothing(anonymous: Site):
    await made(anonymous, all_objects=["read"])
    await anonymous.sign_in(await anonymous.house.member(flags=["WORKSPACE_MEMBERS"]))

    page = await anonymous.page(f"{URL}/mate?object=ship")
    sent = await anonymous.post(f"{URL}/mate", {"label": "Mine"})

    assert page.select_one("form.roleform fieldset[disabled]")
    assert page.select_one("#object-panel fieldset[disabled]")
    assert not page.select(".savebar")
    assert sent.status_code == 403
    assert (await mate(anonymous)).label == "Mate"


async def test_nobody_gives_a_role_more_than_they_have(anonymous: Site):
    await made(anonymous)
    flags = ["ROLES"]
    await anonymous.sign_in(await anonymous.house.member(flags=flags, objects={"ship": ["read"]}))

    form = await matrix(anonymous) | {"o:ship:destroy": "allow"}
    answer = await anonymous.post(f"{URL}/mate", form)

    assert answer.status_code == 403
    assert "may do more" in soup(answer).select_one(".notice.bad").get_text()
    assert soup(answer).select_one("select[name='o:ship:destroy'] option[selected]")["value"] == "allow", "it is kept"
    assert not (await mate(anonymous)).allows(Action.DESTROY, "ship")


async def test_a_role_is_made_from_another_and_deleted(site: Site):
    answer = await site.post(URL, {"label": "First mate", "like": "member"})
    member, role = [await site.house.metier.access.role(site.house.actor, name) for name in ("member", "first-mate")]
    page = await site.page(answer.headers["location"])

    assert (role.label, role.all_objects, role.flags) == ("First mate", member.all_objects, member.flags)
    assert page.h1.get_text() == "First mate"
    assert (await site.post(f"{URL}/first-mate/delete", {})).status_code == 303
    assert "First mate" not in (await site.page(URL)).select_one("#roles ~ .listbox").get_text()
    assert (await site.post(f"{URL}/member/delete", {})).status_code in (303, 409)


async def test_a_slip_in_the_name_is_told_at_its_field(site: Site):
    answer = await site.post(URL, {"label": "7", "like": ""})

    assert answer.status_code == 422
    assert soup(answer).select_one("#label")["aria-invalid"] == "true"


async def test_a_page_saved_untouched_changes_nothing(site: Site):
    before = await made(
        site,
        all_objects=["read", "update"],
        objects={"ship": ["read"], "port": []},
        flags=["AI", "ROLES"],
        can_access_all_tools=True,
        fields={"ship": {"crew": []}},
        rows={"ship": [{"where": {"owner": "me"}}]},
        can_be_assigned_to=["users"],
        description="Helps.",
    )

    first = await site.post(f"{URL}/mate", await matrix(site))
    second = await site.post(f"{URL}/mate/objects/ship", await panel(site) | {"do": "save"})

    assert (first.status_code, second.status_code) == (303, 303)
    after = await mate(site)
    assert after.to_json() == before.to_json()


async def test_cells_inherit_allow_and_deny(site: Site):
    await made(site, all_objects=["read"])

    form = await matrix(site) | {"o:ship:update": "allow", "o:port:read": "deny", "flag": "AI"}
    answer = await site.post(f"{URL}/mate", form | {"switch": "can_access_all_tools", "holder": ["users", "agents"]})

    role = await mate(site)
    assert answer.headers["location"] == f"{URL}/mate?saved=role"
    assert role.objects == {"ship": {Action.READ, Action.UPDATE}, "port": frozenset()}
    assert (role.flags, role.can_access_all_tools, role.can_update_all_settings) == ({"AI"}, True, False)
    assert {holder.value for holder in role.can_be_assigned_to} == {"users", "agents"}

    page = await site.page(f"{URL}/mate")
    assert page.select_one("select[name='o:port:read'] option[selected]")["value"] == "deny"
    again = await matrix(site) | {f"o:port:{action}": "" for action in Action}
    await site.post(f"{URL}/mate", again)
    assert "port" not in (await mate(site)).objects, "all of it inherits again"


async def test_a_single_cell_inherits_by_itself(site: Site):
    await made(site, all_objects=["read"])
    await site.post(f"{URL}/mate", await matrix(site) | {"o:ship:update": "allow", "o:ship:read": "deny"})
    await site.post(f"{URL}/mate", await matrix(site) | {"o:ship:read": ""})
    page = await site.page(f"{URL}/mate")
    once = await mate(site)
    form = await matrix(site)
    await site.post(f"{URL}/mate", form | {"all": ["read", "create"]})
    twice = await mate(site)

    assert not page.select("select[name='o:ship:read'] option[selected]")
    assert page.select_one("select[name='o:ship:update'] option[selected]")["value"] == "allow"
    assert once.actions("ship") == {Action.READ, Action.UPDATE}
    assert twice.actions("ship") == {Action.READ, Action.UPDATE, Action.CREATE}


async def test_the_admins_role_can_be_looked_at_only(site: Site):
    page = await site.page(f"{URL}/admin")

    assert "cannot be changed" in page.select_one(".notice").get_text()
    assert not page.select(".savebar")
    assert (await site.post(f"{URL}/admin", {"label": "X"})).status_code == 409


async def test_fields_are_hidden_and_kept_as_they_are(site: Site):
    await made(site, all_objects=["read", "update"])

    form = await panel(site, **{"f:crew": [], "f:price": "read", "do": "save"})
    answer = await site.post(f"{URL}/mate/objects/ship", form)

    assert answer.headers["location"] == f"{URL}/mate?object=ship&saved=object"
    assert (await mate(site)).fields == {"ship": {"crew": frozenset(), "price": {Action.READ}}}
    shown = await site.page(f"{URL}/mate?object=ship")
    assert not shown.select_one("input[name='f:crew'][value=read]").has_attr("checked")
    assert "2 fields" in shown.select_one("#note-ship").get_text()


async def test_rules_are_put_together_button_by_button(site: Site):
    await made(site, all_objects=["read"])
    url = f"{URL}/mate/objects/ship"

    page = soup(await site.post(url, await panel(site, do="rule")))
    page = soup(await site.post(url, inputs(page.select_one("#object-panel form")) | {"do": "group:0"}))
    form = inputs(page.select_one("#object-panel form"))
    form |= {"n:0.0:field": "owner", "n:0.0:op": "eq:me", "n:0:label": "Mine"}
    form |= {"n:0.1.0:field": "crew", "n:0.1.0:op": "gte", "n:0.1.0:value": "100"}
    form |= {"n:0.1.1:field": "state", "n:0.1.1:op": "in", "n:0.1.1:value": ["afloat", "docked"]}
    assert (await mate(site)).rows == {}, "nothing is stored before it is saved"
    answer = await site.post(url, form | {"do": "save"})

    assert answer.status_code == 303, soup(answer).get_text()
    (rule,) = (await mate(site)).rows["ship"]
    assert rule.label == "Mine"
    assert rule.where == {
        "and": [{"owner": {"eq": "me"}}, {"or": [{"crew": {"gte": 100}}, {"state": {"in": ["afloat", "docked"]}}]}]
    }
    assert "1 rule" in (await site.page(f"{URL}/mate?object=ship")).select_one("#note-ship").get_text()


async def test_a_slip_in_a_rule_is_told_at_its_part_and_stores_nothing(site: Site):
    await made(site, all_objects=["read"], rows={"ship": [{"where": {"and": [{"owner": "me"}, {"crew": {"gte": 1}}]}}]})

    answer = await site.post(f"{URL}/mate/objects/ship", await panel(site, **{"n:0.1:value": "many", "do": "save"}))

    page = soup(answer)
    assert answer.status_code == 422
    assert page.select_one("#n-0-1-value")["aria-invalid"] == "true"
    assert "expected a number" in page.select_one("#n-0-1-problem").get_text().lower()
    assert page.select_one("#n-0-1-value")["value"] == "many"
    assert (await mate(site)).rows["ship"][0].where == {"and": [{"owner": "me"}, {"crew": {"gte": 1}}]}


async def test_with_the_feature_off_rules_stay_as_they_are(site: Site):
    before = await made(site, all_objects=["read"], rows={"ship": [{"where": {"owner": "me"}}]})
    await site.house.metier.access.set_feature_flag(site.house.actor, ROW_RULES_FEATURE, value=False)

    page = await site.page(f"{URL}/mate?object=ship")
    form = inputs(page.select_one("#object-panel form")) | {"n:0.0:op": "neq:me", "do": "save"}
    answer = await site.post(f"{URL}/mate/objects/ship", form)

    assert ROW_RULES_FEATURE in page.select_one("#object-panel .notice.warn").get_text()
    assert answer.status_code == 403
    assert (await mate(site)).rows == before.rows
    untouched = inputs(page.select_one("#object-panel form")) | {"f:crew": [], "do": "save"}
    assert (await site.post(f"{URL}/mate/objects/ship", untouched)).status_code == 303, "fields can be changed"
    assert (await mate(site)).rows == before.rows


async def test_an_unknown_object_or_role_is_not_found(site: Site):
    await made(site)

    for url in (f"{URL}/nobody", f"{URL}/mate?object=unicorn"):
        assert (await site.get(url)).status_code == 404
    assert (await site.post(f"{URL}/mate/objects/unicorn", {"do": "save"})).status_code == 404


async def test_a_form_of_another_site_changes_no_role(site: Site):
    await made(site)

    answer = await site.post(f"{URL}/mate", {"label": "X", "all": "destroy"}, **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert (await mate(site)).all_objects == frozenset()


async def test_a_role_goes_back_to_a_version_and_comes_back_from_the_archive(site: Site):
    await made(site, all_objects=["read"])
    await site.post(f"{URL}/mate", await matrix(site, all=["read", "update"]))

    shown = await site.page(f"{URL}/mate/versions/2")
    assert "all_objects" in shown.select_one("table.list").get_text()
    assert [link["href"] for link in (await site.page(f"{URL}/mate")).select("#history ~ .listbox a")] == [
        f"{URL}/mate/versions/2",
        f"{URL}/mate/versions/1",
    ]
    back = await site.post(f"{URL}/mate/versions/1/rollback", {})
    assert (back.status_code, back.headers["location"]) == (303, f"{URL}/mate")
    assert (await mate(site)).all_objects == {Action.READ}
    await site.post(f"{URL}/mate/delete", {})
    assert (await site.page(URL)).select_one("#archived")
    assert (await site.post(f"{URL}/mate/restore", {})).status_code == 303
    assert (await mate(site)).all_objects == {Action.READ}


async def test_why_a_version_cannot_come_back_is_told_on_its_page(anonymous: Site):
    await made(anonymous, all_objects=["read", "destroy"])
    await anonymous.house.metier.access.update_role(anonymous.house.actor, "mate", all_objects=["read"])
    await anonymous.sign_in(await anonymous.house.member(flags=["ROLES"], objects={"ship": ["read"]}))

    page = await anonymous.page(f"{URL}/mate/versions/1")
    refused = await anonymous.post(f"{URL}/mate/versions/1/rollback", {})

    assert not page.select("form[action$=rollback]")
    assert refused.status_code == 403
    assert "may do more than they may" in soup(refused).select_one(".notice.bad").get_text()
