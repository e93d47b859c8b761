"""Roles over REST: nobody makes one that may more, and a rule never misses the object it is meant for."""

from collections.abc import Sequence

import httpx2 as httpx
import pytest

from metier.actor import Action
from metier.testing import House


async def as_key(house: House, client: httpx.AsyncClient, flags: Sequence[str]) -> None:
    """Let the client be a key of a role with these flags that may read companies."""
    await house.metier.access.create_role(
        house.actor, name="clerk", label="Clerk", objects={"company": [Action.READ]}, flags=flags
    )
    key = await house.metier.access.create_key(house.actor, role="clerk", name="k")
    client.headers["Authorization"] = f"Bearer {key.token}"


async def names(house: House) -> list[str]:
    return [role.name for role in await house.metier.access.roles(house.actor)]


async def test_without_the_flag_roles_are_not_made_changed_or_listed(anonymous: httpx.AsyncClient, sample_house: House):
    await as_key(sample_house, anonymous, ["AI"])

    answers = [
        await anonymous.get("/api/v1/roles"),
        await anonymous.post("/api/v1/roles", json={"name": "rep"}),
        await anonymous.patch("/api/v1/roles/clerk", json={"flags": ["AI"]}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert "ROLES" in answers[0].json()["message"]
    assert await names(sample_house) == ["admin", "member", "clerk"]


@pytest.mark.parametrize(
    "more",
    [
        {"flags": ["AI_SETTINGS"]},
        {"all_objects": ["read"]},
        {"objects": {"company": ["read", "delete"]}},
    ],
)
async def test_nobody_makes_or_widens_a_role_beyond_the_own(
    anonymous: httpx.AsyncClient, sample_house: House, more: dict[str, object]
):
    await as_key(sample_house, anonymous, ["ROLES"])

    made = await anonymous.post("/api/v1/roles", json={"name": "rep"} | more)
    changed = await anonymous.patch("/api/v1/roles/clerk", json=more)

    assert (made.status_code, changed.status_code) == (403, 403)
    assert await names(sample_house) == ["admin", "member", "clerk"]


async def test_an_object_that_is_hidden_is_as_unknown_as_one_that_is_not_there(
    anonymous: httpx.AsyncClient, sample_house: House
):
    await as_key(sample_house, anonymous, ["ROLES"])

    hidden, unknown = [
        await anonymous.post("/api/v1/roles", json={"name": "rep", "objects": {name: []}})
        for name in ("opportunity", "opportunitx")
    ]

    assert (hidden.status_code, unknown.status_code) == (422, 422)
    assert hidden.json()["message"].replace("opportunity", "opportunitx") == unknown.json()["message"]


async def test_a_role_is_made_listed_and_changed(client: httpx.AsyncClient):
    made = await client.post(
        "/api/v1/roles",
        json={
            "name": "sales_rep",
            "all_objects": ["read"],
            "objects": {"companies": ["update", "read"]},
            "flags": ["AI"],
        },
    )
    changed = await client.patch("/api/v1/roles/sales-rep", json={"flags": []})
    listed = (await client.get("/api/v1/roles")).json()["data"]

    assert made.status_code == 201, made.text
    assert made.json()["name"] == "sales-rep"
    assert made.json()["label"] == "Sales rep"
    assert made.json()["objects"] == {"company": ["read", "update"]}, "a rule for the plural is a rule"
    assert changed.json() == made.json() | {"flags": []}, "what is left out stays"
    assert listed[-1] == changed.json()


@pytest.mark.parametrize(
    ("slip", "place"),
    [
        ({"name": "Sales Rep"}, "name"),
        ({"objects": {"compny": ["read"]}}, "objects.compny"),
        ({"objects": {"company": ["read"], "companies": []}}, "objects.companies"),
        ({"objects": {"company": ["look"]}}, "objects.company"),
        ({"all_objects": ["look"]}, "all_objects"),
        ({"flags": ["IA"]}, "flags"),
        ({"rows": []}, "rows"),
    ],
)
async def test_a_slip_is_told_at_its_place_and_makes_nothing(
    client: httpx.AsyncClient, sample_house: House, slip: dict[str, object], place: str
):
    answer = await client.post("/api/v1/roles", json={"name": "rep"} | slip)

    assert answer.status_code == 422, answer.text
    assert any(problem["path"].startswith(place) for problem in answer.json()["errors"]), answer.text
    assert await names(sample_house) == ["admin", "member"]


async def test_what_is_taken_fixed_or_unknown_is_told(client: httpx.AsyncClient):
    taken = await client.post("/api/v1/roles", json={"name": "Member".lower()})
    fixed = await client.patch("/api/v1/roles/admin", json={"flags": []})
    unknown = await client.patch("/api/v1/roles/membr", json={"flags": []})

    assert (taken.status_code, fixed.status_code, unknown.status_code) == (409, 409, 404)
    assert unknown.json()["errors"][0]["did_you_mean"] == "member"
