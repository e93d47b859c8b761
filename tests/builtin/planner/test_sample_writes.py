"""The sample workspace: what the planner writes is confirmed first, with what would change, and then done."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from metier.runs.requests import Answer, Request, Verdict
from metier.testing import Events, House
from tests.asking import NO, YES, ended, reply, waiting


async def say(house: House, text: str, **options: Any) -> tuple[UUID, Request]:
    """Ask for a change; gives the run and what it asks."""
    actor = options.pop("actor", house.actor)
    thread = await house.metier.chat.create_thread(actor, model="offline/planner")
    run_id = (await house.metier.chat.send(actor, thread.id, text)).id
    (request,) = await waiting(house, run_id, actor)
    return run_id, request


async def confirmed(house: House, text: str) -> tuple[Request, Events]:
    run_id, request = await say(house, text)
    await reply(house, request, YES)
    return request, await ended(house, run_id)


async def found(house: House, kind: str, where: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    return (await house.metier.records.find(house.actor, kind, where=where, limit=500, **options)).records


async def test_a_company_is_made_changed_deleted_and_restored_each_after_a_yes(sample_house: House):
    house = sample_house
    request, events = await confirmed(house, "create company Quillwork with 50 employees in Berlin, revenue 2.5M USD")
    (company,) = await found(house, "company", {"name": {"eq": "Quillwork"}})

    assert (request.kind, request.shown.title) == ("confirm", "Create company Quillwork")
    assert {field.label: field.after for field in request.shown.changes[0].fields}["Employees"] == 50
    assert (company["employees"], company["city"], company["annual_revenue"]["currency_code"]) == (50, "Berlin", "USD")
    assert events.answer.startswith(f"**Created company [Quillwork](/o/company/{company['id']})**")

    request, events = await confirmed(house, "set the employees of Quillwork to 60")
    (change,) = request.shown.changes
    assert [(field.name, field.before, field.after) for field in change.fields] == [("employees", 50, 60)]
    assert "Employees: 50 people → 60 people" in events.answer

    await confirmed(house, "delete the company Quillwork")
    assert await found(house, "company", {"name": {"eq": "Quillwork"}}) == []
    request, events = await confirmed(house, "restore the company Quillwork")
    assert request.shown.title == "Restore Quillwork"
    assert "Restored company [Quillwork]" in events.answer
    assert [row["employees"] for row in await found(house, "company", {"name": {"eq": "Quillwork"}})] == [60]


async def test_nothing_is_written_before_the_yes_nor_after_a_no(sample_house: House):
    house = sample_house
    (row, *_) = await found(house, "opportunity", {"stage": {"eq": "proposal"}})
    run_id, request = await say(house, f"set the stage of “{row['name']}” to won")

    assert (await house.metier.records.get(house.actor, "opportunity", row["id"]))["stage"] == "proposal"
    await reply(house, request, NO, note="Not yet.")
    events = await ended(house, run_id)

    assert events.answer.startswith("Nothing was changed.")
    assert "Not yet." in events.answer
    assert (await house.metier.records.get(house.actor, "opportunity", row["id"]))["stage"] == "proposal"


async def test_several_records_are_changed_by_a_filter_and_only_those(sample_house: House):
    house = sample_house
    where = {"status": {"neq": "done"}, "priority": {"eq": "high"}}
    wanted = {row["id"] for row in await found(house, "task", where)}
    others = {row["id"]: row["updated_at"] for row in await found(house, "task", {}) if row["id"] not in wanted}

    request, events = await confirmed(house, "close all open tasks with high priority")

    assert len(request.shown.changes) + request.shown.more == len(wanted)
    assert {change.id for change in request.shown.changes} <= wanted
    assert await found(house, "task", where) == []
    assert {row["id"]: row["updated_at"] for row in await found(house, "task", {}) if row["id"] in others} == others
    assert f"{len(wanted)} of {len(wanted)}" in events.answer


async def test_of_two_records_of_one_name_the_person_chooses(sample_house: House):
    house = sample_house
    await house.metier.records.create(house.actor, "note", {"title": "Zephyr"})
    await house.metier.records.create(house.actor, "task", {"title": "Zephyr"})
    run_id, choice = await say(house, "delete Zephyr")
    assert (choice.kind, choice.shown.title) == (
        "decision",
        "Several records are called like “Zephyr”. Which one do you mean?",
    )
    await reply(house, choice, Answer(Verdict.ANSWER, "Zephyr (task)"))
    (request,) = await _asks(house, run_id, "confirm")
    await reply(house, request, YES)
    await ended(house, run_id)

    assert await found(house, "task", {"title": {"eq": "Zephyr"}}) == []
    assert len(await found(house, "note", {"title": {"eq": "Zephyr"}})) == 1


async def _asks(house: House, run_id: UUID, kind: str) -> list[Request]:
    async with asyncio.timeout(20):
        while True:
            page = await house.metier.requests.list(house.actor, status="open", run_id=run_id)
            if requests := [one for one in page.requests if one.kind == kind]:
                return requests
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("actions", "words"),
    [(["read"], "no tool here"), (["read", "create", "delete"], "You may not update companies here.")],
)
async def test_who_may_not_write_is_told_so(sample_house: House, actions: list[str], words: str):
    (row, *_) = await found(sample_house, "company", {})

    events = await sample_house.ask(f"set the city of “{row['name']}” to Kiel", objects={"company": actions})

    assert words in events.answer
    assert "interrupt" not in events.kinds()


async def test_what_the_data_door_refuses_is_told_and_nobody_is_asked(sample_house: House):
    house = sample_house
    (row, *_) = [one for one in await found(house, "company", {}) if one["domain_name"]]

    events = await house.ask(f"create company Twice, website “{row['domain_name']['primary_link_url']}”")

    assert events.answer.startswith("Nothing was changed.")
    assert "interrupt" not in events.kinds()
    assert await found(house, "company", {"name": {"eq": "Twice"}}) == []
