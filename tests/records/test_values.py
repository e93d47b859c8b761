"""Values of records as they come in: checked one by one, all rows or none."""

from typing import Any
from uuid import uuid4

import pytest

from metier.clock import Clock
from metier.errors import Invalid
from tests.records.world import World, euros

WRONG = {  # what → (row, path, words of the problem)
    "unknown field": ({"nam": "x"}, "nam", "Did you mean 'name'?"),
    "given id": ({"id": str(uuid4())}, "id", "has no field 'id'"),
    "number for a text": ({"name": 5}, "name", "expected a text"),
    "long title": ({"name": "x" * 501}, "name", "at most 500"),
    "zero character": ({"name": "a\0"}, "name", "no record can hold"),
    "half a letter": ({"name": "\ud800"}, "name", "no record can hold"),
    "half a letter as a field": ({"\ud800": 1}, "?", "has no field"),
    "text for a number": ({"score": "5"}, "score", "expected a number"),
    "no option": ({"stage": "wno"}, "stage", "is no option of Stage"),
    "no time": ({"due_at": "soon"}, "due_at", "expected a time"),
    "only a date": ({"due_at": "2026-03-01"}, "due_at", "not only a date"),
    "amount alone": ({"amount": 5}, "amount", "expected an object"),
    "amount without code": ({"amount": {"amount_micros": 5}}, "amount.currency_code", "three capital letters"),
    "code without amount": ({"amount": {"currency_code": "EUR"}}, "amount.amount_micros", "millionths"),
    "amount with a fraction": ({"amount": euros(1) | {"amount_micros": 0.5}}, "amount.amount_micros", "millionths"),
    "huge amount": ({"amount": euros(1) | {"amount_micros": 2**63}}, "amount.amount_micros", "millionths"),
    "unknown part": ({"amount": euros(1) | {"code": "EUR"}}, "amount", "'code' is none of amount_micros"),
    "no id": ({"company": "Acme"}, "company", "expected the id of a company"),
    "emptied time": ({"created_at": None}, "created_at", "cannot be empty"),
}
WRONG_PEOPLE = {
    "no address": ({"emails": "ada"}, "emails", "is no e-mail address"),
    "further without first": ({"emails": {"additional_emails": ["a@b.c"]}}, "emails.primary_email", "first address"),
    "wrong further": ({"emails": {"primary_email": "a@b.c", "additional_emails": ["x"]}}, "emails", "no e-mail"),
    "further that is no list": (
        {"emails": {"primary_email": "a@b.c", "additional_emails": "a@b.c"}},
        "emails.additional_emails",
        "expected a list",
    ),
    "name in one": ({"full": "Ada Park"}, "full", "expected an object"),
    "long name": ({"full": {"last_name": "x" * 251}}, "full", "at most 250"),
}
WRONG_COMPANIES = {
    "half a person": ({"employees": 1.5}, "employees", "whole number"),
    "script": ({"site": "javascript:alert(1)"}, "site", "is no web address"),
    "script behind blanks": ({"site": " \tJavaScript:alert(1)"}, "site", "is no web address"),
    "data": ({"site": {"primary_link_url": "data:text/html,x"}}, "site", "is no web address"),
    "label without link": ({"site": {"primary_link_label": "x"}}, "site.primary_link_url", "first link"),
    "wrong further link": (
        {"site": {"primary_link_url": "a.example", "secondary_links": [{"url": "javascript:x"}]}},
        "site",
        "is no web address",
    ),
    "no such day": ({"founded": "2026-02-30"}, "founded", "expected a date"),
    "text for a boolean": ({"ideal": "true"}, "ideal", "expected true or false"),
}


@pytest.mark.parametrize(("name", "wrong"), [("deal", WRONG), ("person", WRONG_PEOPLE), ("company", WRONG_COMPANIES)])
async def test_wrong_values_are_told_and_nothing_is_written(world: World, name: str, wrong: dict[str, Any]):
    for what, (row, path, words) in wrong.items():
        with pytest.raises(Invalid) as caught:
            await world.insert(name, {}, row)
        problem = caught.value.problems[0]
        assert (problem.path, words in problem.problem) == (f"rows.1.{path}", True), (what, problem)

    assert (await world.records.find(world.admin, name)).records == []


async def test_all_mistakes_are_told_at_once(world: World):
    with pytest.raises(Invalid) as caught:
        await world.insert("deal", {"name": 1, "score": "x"}, {"name": "fine"}, {"stage": 5}, "none")  # type: ignore[arg-type]

    assert [p.path for p in caught.value.problems] == ["rows.0.name", "rows.0.score", "rows.2.stage", "rows.3"]


async def test_a_relation_to_nothing_refuses_all_rows(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})

    with pytest.raises(Invalid, match="there is no company"):
        await world.insert("deal", {"name": "a", "company": str(company)}, {"name": "b", "company": str(uuid4())})

    assert (await world.records.find(world.admin, "deal")).records == []


async def test_too_many_rows(world: World):
    with pytest.raises(Invalid, match="at most 1000"):
        await world.insert("deal", *({} for _ in range(1001)))

    assert len(await world.insert("deal", *({} for _ in range(1000)))) == 1000
    assert await world.insert("deal") == []


async def test_forms_that_people_use_are_taken(world: World):
    member = await world.member("Sam Ito")
    me = world.actor(id=member)
    (company,) = await world.records.insert(
        me, "companies", [{"name": "Acme", "site": "acme.example/x", "owner": "me", "employees": 5.0, "city": ""}]
    )
    await world.insert(
        "person",
        {"emails": " ada@acme.example ", "company": {"id": str(company), "label": "old"}, "full": {"firstName": "Ada"}},
    )

    acme = await world.records.get(me, "company", company)
    (person,) = (await world.records.find(me, "person")).records

    assert acme["site"]["primary_link_url"] == "https://acme.example/x"
    assert acme["owner"] == {"id": str(member), "label": "Sam Ito"}
    assert (acme["employees"], acme["city"]) == (5, None)
    assert person["emails"] == {"primary_email": "ada@acme.example", "additional_emails": []}
    assert person["company"]["label"] == "Acme"
    assert person["full"] == {"first_name": "Ada", "last_name": None}


async def test_empty_composite_values_are_nothing(world: World):
    await world.insert(
        "person",
        {"full": {"first_name": "", "last_name": None}, "emails": {"primary_email": "", "additional_emails": []}},
    )
    await world.insert("company", {"site": {"primary_link_url": ""}})

    (person,) = (
        await world.records.find(world.admin, "person", where={"full": None, "emails": {"is": "null"}})
    ).records
    (company,) = (await world.records.find(world.admin, "company", where={"site": None})).records

    assert (person["full"], person["emails"], company["site"]) == (None, None, None)


async def test_times_are_now_unless_given(world: World, clock: Clock):
    first, second = await world.insert("deal", {}, {"createdAt": "2026-01-02T03:04:05+02:00"})

    new = await world.records.get(world.admin, "deal", first)
    old = await world.records.get(world.admin, "deal", second)

    assert new["created_at"] == new["updated_at"] == clock.now().isoformat()
    assert old["created_at"] == old["updated_at"] == "2026-01-02T01:04:05+00:00"


async def test_ids_come_in_the_order_of_the_rows(world: World):
    ids = await world.insert("deal", *({"name": str(i)} for i in range(20)))

    assert ids == sorted(ids)
    assert await world.names("deal", {}, sort="id") == [str(i) for i in range(20)]
