"""The sample workspace: the planner's answers hold exactly the rows that a filter written by hand finds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from metier.testing import House

Row = dict[str, Any]
OPEN = ("new", "screening", "meeting", "proposal")


def week_ago(house: House) -> datetime:
    return house.metier.clock.now() - timedelta(days=7)


def amount(row: Row) -> float:
    return (row["amount"] or {}).get("amount_micros", 0) / 1e6


CASES: list[tuple[str, str, Callable[[Row, House], bool]]] = [
    (
        "Find all companies created in the last 7 days",
        "company",
        lambda row, house: datetime.fromisoformat(row["created_at"]) >= week_ago(house),
    ),
    (
        "Which companies were added in the last 7 days?",
        "company",
        lambda row, house: datetime.fromisoformat(row["created_at"]) >= week_ago(house),
    ),
    (
        "how many open opportunities are there over 50k?",
        "opportunity",
        lambda row, _: row["stage"] in OPEN and amount(row) > 50_000,
    ),
    ("companies without an account owner", "company", lambda row, _: row["account_owner"] is None),
    (
        "companies in Berlin or Paris with more than 200 employees",
        "company",
        lambda row, _: row["city"] in ("Berlin", "Paris") and (row["employees"] or 0) > 200,
    ),
    (
        "opportunities of companies in Berlin",
        "opportunity",
        lambda row, house: (row["company"] or {}).get("label") in house.berliners,  # type: ignore[attr-defined]
    ),
    ("won deals", "opportunity", lambda row, _: row["stage"] == "won"),
    (
        "high priority tasks that are not done",
        "task",
        lambda row, _: row["priority"] == "high" and row["status"] != "done",
    ),
]


async def rows(house: House, kind: str) -> list[Row]:
    return (await house.metier.records.find(house.actor, kind, limit=500)).records


@pytest.mark.parametrize(("question", "kind", "wanted"), CASES, ids=[case[0] for case in CASES])
async def test_the_answer_is_exactly_the_right_rows(
    sample_house: House, question: str, kind: str, wanted: Callable[[Row, House], bool]
) -> None:
    berliners = {row["name"] for row in await rows(sample_house, "company") if row["city"] == "Berlin"}
    sample_house.berliners = berliners  # type: ignore[attr-defined]
    expected = [row for row in await rows(sample_house, kind) if wanted(row, sample_house)]

    events = await sample_house.ask(question)
    result = events.last("tool_result").data["result"]

    assert result["total"] == len(expected)
    assert {row["id"] for row in result["records"]} <= {row["id"] for row in expected}
    assert f"{len(expected)}**" in events.answer or f"**{len(expected)}**" in events.answer or not expected


async def test_top_five_by_amount_are_the_five_largest(sample_house: House) -> None:
    largest = sorted((amount(row) for row in await rows(sample_house, "opportunity")), reverse=True)[:5]

    events = await sample_house.ask("top 5 opportunities by amount")

    assert [amount(row) for row in events.last("tool_result").data["result"]["records"]] == largest


async def test_people_at_a_company_are_found_by_looking_it_up_first(sample_house: House) -> None:
    person = next(row for row in await rows(sample_house, "person") if row["company"])
    company = person["company"]
    expected = {row["id"] for row in await rows(sample_house, "person") if row["company"] == company}

    events = await sample_house.ask(f"people at {company['label']}")

    assert [told.data["name"] for told in events.all("tool_call")] == ["search_records", "find_people"]
    assert {row["id"] for row in events.last("tool_result").data["result"]["records"]} == expected


async def test_a_role_without_companies_gets_an_abstention_that_names_none(sample_house: House) -> None:
    events = await sample_house.ask("companies created in the last 7 days", objects={"task": ["read"]})

    assert events.all("tool_call") == []
    assert "Compan" not in events.answer


async def test_my_tasks_are_those_of_the_one_who_asks(sample_house: House) -> None:
    events = await sample_house.ask("my tasks due this week")

    call = events.last("tool_call").data
    assert call["arguments"]["where"] == {"assignee": {"eq": "me"}, "due_at": {"within": "this_week"}}
    assert events.last("tool_result").data["success"]


async def test_every_suggestion_of_help_runs(sample_house: House) -> None:
    said = (await sample_house.ask("what can you do?")).answer
    offers = [line.removeprefix("- ").replace("\\", "") for line in said.splitlines() if line.startswith("- ")]

    assert len(offers) == 3
    for offer in offers:
        events = await sample_house.ask(offer)
        assert events.last("tool_result").data["success"], offer
