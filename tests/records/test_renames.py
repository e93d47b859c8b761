"""A role keeps what it withholds when an object or a field gets another name (S-08)."""

from typing import Any

import pytest

from metier.definitions import Renames
from metier.errors import NotFound, UnknownField
from metier.records.form import own_body
from metier.records.renames import follow
from metier.testing import House
from tests.records.world import COMPANY, DEAL, PERSON

BEFORE = {kind.name: own_body(kind) for kind in (COMPANY, DEAL, PERSON)}
PARTS = {"company": {"city": "town", "parent": "holding"}, "deal": {"company": "buyer"}}
RENAMES = Renames("object", {"company": "firm"}, PARTS, BEFORE)


def _where(name: str, where: dict[str, Any]) -> dict[str, Any]:
    body = {"rows": {name: [{"where": where, "actions": ["read"]}]}}
    ((followed,),) = follow(body, RENAMES)["rows"].values()
    return followed["where"]


@pytest.mark.parametrize(
    ("name", "where", "followed"),
    [
        ("company", {"city": "Berlin"}, {"town": "Berlin"}),
        ("company", {"and": [{"city": {"eq": "B"}}, {"not": {"parent": {"city": "X"}}}]},
         {"and": [{"town": {"eq": "B"}}, {"not": {"holding": {"town": "X"}}}]}),
        ("company", {"parent_id": "7"}, {"holding_id": "7"}),
        ("company", {"parentId": {"is": "null"}}, {"holding_id": {"is": "null"}}),
        ("deal", {"company.city": "Berlin", "amount": {"gt": 5}}, {"buyer.town": "Berlin", "amount": {"gt": 5}}),
        ("deal", {"company": {"parent.city": {"in": ["a"]}}}, {"buyer": {"holding.town": {"in": ["a"]}}}),
        ("deal", {"contact.company.city": "B"}, {"contact.company.town": "B"}),
        ("person", {"company": {"name": "A"}, "emails": {"primary_email": {"me": "email"}}},
         {"company": {"name": "A"}, "emails": {"primary_email": {"me": "email"}}}),
        ("company", {"owner": "me", "unknown": {"city": 1}}, {"owner": "me", "unknown": {"city": 1}}),
    ],
)  # fmt: skip
def test_filters_follow(name: str, where: dict[str, Any], followed: dict[str, Any]):
    assert _where(name, where) == followed


def test_rules_of_objects_and_fields_follow():
    body = {"objects": {"company": ["read"], "deal": []}, "fields": {"company": {"city": [], "name": ["read"]}}}

    assert follow(body, RENAMES) == {
        "objects": {"firm": ["read"], "deal": []},
        "fields": {"firm": {"town": [], "name": ["read"]}},
    }
    assert follow({"flags": ["AI"], "objects": {"note": []}}, RENAMES) == {"flags": ["AI"], "objects": {"note": []}}


async def test_s08_a_hidden_field_stays_hidden_under_another_name(house: House):
    metier, admin = house.metier, house.actor
    await metier.records.insert(
        admin, "company", [{"name": "Acme", "city": "Berlin"}, {"name": "Bolt", "city": "Rome"}]
    )
    await metier.access.create_role(
        admin,
        name="narrow",
        all_objects=["read"],
        fields={"company": {"city": []}},
        rows={"company": [{"where": {"city": "Berlin"}}], "person": [{"where": {"company": {"city": "Berlin"}}}]},
    )
    member = await metier.access.create_member(admin.workspace_id, name="Mo", role="narrow")

    await metier.data_model.change_field(admin, "company", "city", {"name": "town"})
    await metier.data_model.change(admin, "company", {"name": "firm", "plural": "firms"})

    mo = await metier.access.actor_for_member(admin.workspace_id, member)
    found = (await metier.records.find(mo, "firm")).records
    assert [one["name"] for one in found] == ["Acme"]
    assert "town" not in found[0]
    for name in ("town", "city"):
        with pytest.raises(UnknownField):
            await metier.records.find(mo, "firm", where={name: "Rome"})
    with pytest.raises(NotFound):
        await metier.records.find(mo, "company")
    assert (await metier.records.find(mo, "person")).records == []
    await metier.definitions.rollback(admin, "object", "firm", 1)
    mo = await metier.access.actor_for_member(admin.workspace_id, member)
    assert "city" not in (await metier.records.find(mo, "company")).records[0]
