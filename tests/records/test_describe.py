"""Filters in words, as people read them."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from metier.records import Field, FieldType
from tests.records.world import DEAL, World

SAID: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"and": [{}, {"and": []}]}, ""),
    ({"created_at": {"within": "last_7_days"}}, "Created in the last 7 days (14 Nov 2026 09:00 – 21 Nov 2026 09:00)"),
    ({"created_at": {"within": "Today"}}, "Created today (21 Nov 2026)"),
    ({"created_at": {"within": "this_month"}}, "Created this month (1 Nov 2026 – 30 Nov 2026)"),
    ({"due_at": {"within": "this_hour"}}, "Due at this hour (21 Nov 2026 09:00 – 21 Nov 2026 10:00)"),
    ({"due_at": {"within": "next_week"}}, "Due at in the next week (21 Nov 2026 09:00 – 28 Nov 2026 09:00)"),
    (
        {"company.founded": {"within": "next_2_days"}},
        "Company’s Founded in the next 2 days (22 Nov 2026 – 23 Nov 2026)",
    ),
    (
        {"company.founded": {"within": "previous_year"}},
        "Company’s Founded in the previous year (1 Jan 2025 – 31 Dec 2025)",
    ),
    ({"created_at": {"gte": "2026-11-01"}}, "Created since 1 Nov 2026"),
    ({"created_at": {"lt": "2026-11-01T10:00:00Z"}}, "Created before 1 Nov 2026 10:00"),
    ({"created_at": "yesterday"}, "Created on 20 Nov 2026"),
    ({"created_at": {"between": ["2026-11-01", "2026-11-02"]}}, "Created from 1 Nov 2026 to 2 Nov 2026"),
    ({"due_at": {"is": "null"}}, "Due at is empty"),
    ({"stage": "won"}, "Stage is Customer"),
    ({"stage": {"in": ["won", "lost", "new"]}}, "Stage is Customer, Lost or New"),
    ({"stage": {"not_in": []}}, "Stage is not one of nothing"),
    ({"stage": {"neq": "won"}}, "Stage is not Customer"),
    ({"score": {"in": list(range(9))}}, "Score is 0, 1, 2, 3, 4, 5 or 3 more"),
    ({"amount": {"gt": 50000}}, "Amount is more than 50,000"),
    ({"amount": {"between": [1, 2.5]}}, "Amount is from 1 to 2.5"),
    ({"amount": {"currency_code": "EUR"}}, "Amount currency code is “EUR”"),
    ({"name": {"contains": "ac"}}, "Name contains “ac”"),
    ({"company": {"ideal": True}}, "Company’s Ideal is yes"),
    ({"contact.company.city": "Lyon"}, "Contact’s Company’s City is “Lyon”"),
    ({"name": "x", "score": {"lte": 3}}, "Name is “x” and Score is at most 3"),
    ({"or": [{"name": "x", "stage": None}, {"score": 1}]}, "(Name is “x” and Stage is empty) or Score is 1"),
    ({"not": {"or": [{"name": "x"}, {"score": 1}]}}, "not (Name is “x” or Score is 1)"),
    ({"not": {}}, "not (everything)"),
]


async def test_filters_in_words(world: World):
    await world.publish(replace(DEAL, fields=(Field("founded_on", "Founded on", FieldType.DATE), *DEAL.fields)))
    for where, words in SAID:
        assert await world.records.describe(world.admin, "deal", where) == words


async def test_records_are_called_by_their_titles(world: World):
    member = await world.member("Sam Ito")
    (company,) = await world.insert("company", {"name": "Acme"})
    unknown = uuid4()
    me = world.actor(id=member)

    where = {"company": {"in": [str(company), str(unknown)]}, "company.owner": "me"}

    assert (
        await world.records.describe(me, "deal", where)
        == f"Company is Acme or {unknown} and Company’s Owner is Sam Ito"
    )


async def test_titles_of_other_workspaces_are_not_told(world: World):
    other = await World.make(world.db, world.clock, world.records)
    member = await other.member("Secret Person")

    assert "Secret" not in await world.records.describe(world.admin, "company", {"owner": str(member)})


@pytest.mark.parametrize(("zone", "words"), [("Asia/Tokyo", "18:00"), ("America/New_York", "04:00")])
async def test_times_are_told_where_the_person_is(world: World, zone: str, words: str):
    said = await world.records.describe(world.actor(time_zone=zone), "deal", {"created_at": {"lt": "now"}})

    assert said == f"Created before 21 Nov 2026 {words}"
