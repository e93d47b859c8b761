"""The tools that write: for what one may do, once however often they are tried, shown before and after."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from metier.agents import define_agent
from metier.builtin.tools.record_writes import make_tools
from metier.context import Context
from metier.errors import MissingPermission, NoSuchRecord
from metier.runs.requests import Answer, Request
from metier.testing import Events, House, Script, open_house
from metier.tools import Tool
from tests.asking import NO, YES, ended, reply, waiting

WRITER = define_agent(name="writer", prompt="You write.", toolsets=["records", "record_writes"], confirm="never")


@pytest.fixture
async def desk(furnished: None, database_url: str) -> AsyncIterator[House]:
    """A house with an agent that asks nobody before it writes."""
    async with open_house(url=database_url, agents=[WRITER]) as opened:
        yield opened


async def ask(desk: House, script: Script, **options: Any) -> Events:
    return await desk.ask("Do it.", model=script, agent="writer", **options)


def names_of(script: Script) -> set[str]:
    return {spec.name for spec in script.asked[0].tools if spec.name.startswith(("create_", "update_", "delete_"))}


async def company(desk: House, **values: Any) -> str:
    written = await desk.metier.records.create(desk.actor, "company", {"name": "Acme", **values})
    return str(written.one.id)


# --- what is offered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "offered"),
    [
        (["read"], set()),
        (["read", "create"], {"create_company"}),
        (["read", "update"], {"update_company"}),
        (["read", "delete"], {"delete_company"}),
        (["create", "update", "delete"], set()),
        (["read", "create", "update", "delete"], {"create_company", "update_company", "delete_company"}),
    ],
)
async def test_only_what_one_may_do_has_a_tool(desk: House, actions: list[str], offered: set[str]):
    script = Script().says("Hello.")

    await ask(desk, script, objects={"company": actions})

    assert names_of(script) == offered


async def test_a_tool_that_is_not_offered_does_nothing(desk: House):
    record = await company(desk)
    script = Script().calls("delete_company", id=record).then_says("I may not.")

    events = await ask(desk, script, objects={"company": ["read", "update"]})

    assert events.last("tool_result").error == "NotFound"
    assert await desk.metier.records.get(desk.actor, "company", record)


async def test_schemas_name_only_what_may_be_set(desk: House):
    script = Script().says("Hello.")

    await ask(desk, script, objects={"person": ["read", "create", "update"]})

    (create,) = (spec for spec in script.asked[0].tools if spec.name == "create_person")
    assert set(create.parameters["properties"]) == {"name", "emails", "job_title", "phone", "city", "linkedin"}
    assert "company" not in repr(create.parameters)


async def test_members_have_no_tool_that_writes(desk: House):
    script = Script().says("Hello.")

    await ask(desk, script)

    assert not [name for name in names_of(script) if "member" in name]


# --- what is done ----------------------------------------------------------------------------------------------------


async def test_an_agent_creates_changes_and_deletes(desk: House):
    created = await ask(
        desk,
        Script()
        .calls(
            "create_company", name="Bolt", industry="Software", annual_revenue={"amount": 2.5, "currency_code": "EUR"}
        )
        .then_says("Done."),
    )
    told = created.last("tool_result").data
    (change,) = told["result"]["changes"]
    record = await desk.metier.records.get(desk.actor, "company", change["id"])
    assert told["message"] == "Created company Bolt."
    assert (record["industry"], record["annual_revenue"]["amount_micros"]) == ("software", 2_500_000)
    assert {field["name"]: field["after"] for field in change["fields"]}["name"] == "Bolt"

    updated = await ask(
        desk, Script().calls("update_company", id=change["id"], employees=5, industry=None).then_says("Done.")
    )
    fields = updated.last("tool_result").data["result"]["changes"][0]["fields"]
    assert [(f["name"], f["before"], f["after"]) for f in fields] == [
        ("industry", "software", None),
        ("employees", None, 5),
    ]

    deleted = await ask(desk, Script().calls("delete_company", id=change["id"]).then_says("Done."))
    assert deleted.last("tool_result").data["message"] == "Deleted company Bolt."
    with pytest.raises(NoSuchRecord):
        await desk.metier.records.get(desk.actor, "company", change["id"])


async def test_what_was_done_is_in_the_run_and_in_the_log_of_changes(desk: House):
    record = await company(desk)

    events = await ask(desk, Script().calls("update_company", id=record, employees=5).then_says("Done."))

    assert events.kinds() == ["tool_call", "record_changed", "tool_result", "token", "complete"]
    told = events.last("record_changed").data
    assert (told["object"], told["id"], told["label"], told["kind"]) == ("company", record, "Acme", "updated")
    assert told["fields"] == ["employees"]
    history = await desk.metier.records.history(desk.actor, "company", record)
    change = history.changes[0].change
    assert (str(change.id), change.origin, change.run_id) == (told["change_id"], "tool", events[0].run_id)
    assert change.actor["id"] == str(desk.actor.principal.id)
    await desk.metier.records.undo(desk.actor, told["write_id"])
    assert (await desk.metier.records.get(desk.actor, "company", record))["employees"] is None


async def test_several_records_are_written_as_one(desk: House):
    ids = [await company(desk), await company(desk, name="Bolt", employees=5)]

    events = await ask(desk, Script().calls("update_company", id=ids, employees=5).then_says("Done."))
    deleted = await ask(desk, Script().calls("delete_company", id=ids).then_says("Done."))

    assert events.last("tool_result").data["message"] == "Updated 1 of 2 companies."
    assert len(events.all("record_changed")) == 1
    assert deleted.last("tool_result").data["message"] == "Deleted 2 of 2 companies."


async def test_other_names_are_taken_but_never_told(desk: House):
    script = (
        Script()
        .calls("create_one_company", name="Bolt")
        .calls("create_many_companies", records=[{"name": "Cask"}, {"name": "Dune"}])
        .then_says("Done.")
    )

    events = await ask(desk, script)

    assert [told.data["success"] for told in events.all("tool_result")] == [True, True]
    assert not [name for name in names_of(script) if "one" in name or "many" in name]
    found = await desk.metier.records.find(desk.actor, "company", sort="name")
    assert [record["name"] for record in found.records] == ["Bolt", "Cask", "Dune"]


@pytest.mark.parametrize(
    ("tool", "arguments", "error", "place"),
    [
        ("create_company", {"employees": 5}, "SchemaMismatch", ""),
        ("create_company", {"name": "Bolt", "colour": "red"}, "SchemaMismatch", "colour"),
        ("create_company", {"name": "Bolt", "industry": "softwear"}, "Invalid", "industry"),
        ("create_company", {"name": "Bolt", "annual_revenue": {"amount": "5"}}, "Invalid", "annual_revenue.amount"),
        ("create_many_companies", {"records": [{"name": "a"}, {"industry": "x"}]}, "Invalid", "records.1.industry"),
        ("update_company", {"id": "Acme", "employees": 5}, "NoSuchRecord", "id"),
        ("update_company", {"id": ["Acme", "Acme"], "employees": 5}, "Invalid", "id"),
        ("delete_company", {"id": []}, "Invalid", "id"),
        ("delete_company", {"id": ["01a1fd55-0000-7000-8000-00000000dead"]}, "NoSuchRecord", "id.0"),
    ],
)
async def test_a_wrong_call_is_told_where_and_why(desk: House, tool: str, arguments: dict, error: str, place: str):
    await company(desk)

    events = await ask(desk, Script().calls(tool, **arguments).then_says("Sorry."))

    told = events.last("tool_result")
    assert told.error == error
    assert place in [problem["path"] for problem in told.data["error"]["errors"]]
    assert len((await desk.metier.records.find(desk.actor, "company")).records) == 1
    assert not events.all("record_changed")


# --- twice, and before -----------------------------------------------------------------------------------------------


async def tool_of(desk: House, name: str) -> tuple[Tool, Context]:
    """Give a tool and a context in which it is called under an effect key."""
    metier = desk.metier
    ctx = Context(desk.actor, metier.clock, metier.records, llm=lambda request: pytest.fail("asked a model"))
    tools = make_tools(await metier.records.objects(desk.actor), desk.actor)
    return next(tool for tool in tools if tool.name == name), replace(ctx, effect_key="run/3/1")


async def test_a_call_tried_again_is_done_once(desk: House):
    """S-37: the second attempt, on whatever process, gets the first result."""
    tool, ctx = await tool_of(desk, "create_company")

    first = await tool.run(ctx, {"name": "Bolt"})
    second = await tool.run(ctx, {"name": "Bolt"})

    assert first == second
    assert len((await desk.metier.records.find(desk.actor, "company")).records) == 1


async def test_a_preview_shows_what_would_be_done_and_does_nothing(desk: House):
    record = await company(desk, employees=3)
    tool, ctx = await tool_of(desk, "update_company")
    arguments = {"id": record, "employees": 5}
    assert tool.preview

    preview = await tool.preview(ctx, arguments)

    (change,) = preview.changes
    assert (preview.title, change.label, change.deed, preview.own) == ("Update Acme", "Acme", "update", False)
    assert [(f.label, f.before, f.after) for f in change.fields] == [("Employees", 3, 5)]
    assert (await desk.metier.records.get(desk.actor, "company", record))["employees"] == 3
    assert len((await desk.metier.records.history(desk.actor, "company", record)).changes) == 1
    await desk.metier.records.update(desk.actor, "company", record, {"city": "Rome"})
    assert (await tool.preview(ctx, arguments)).pinned != preview.pinned


async def test_what_would_be_made_looks_the_same_each_time_so_that_a_yes_fits_it(desk: House):
    tool, ctx = await tool_of(desk, "create_company")
    assert tool.preview

    first, second = [await tool.preview(ctx, {"name": "Bolt"}) for _ in range(2)]

    assert first == second
    assert first.changes[0].id is None


async def test_a_preview_refuses_what_the_call_would_refuse(desk: House):
    tool, ctx = await tool_of(desk, "create_company")
    reader = replace(ctx, actor=await desk.member(objects={"company": ["read"]}))
    assert tool.preview

    with pytest.raises(MissingPermission):
        await tool.preview(reader, {"name": "Bolt"})


async def test_what_belongs_to_the_person_says_so(desk: House):
    me, other = str(desk.actor.principal.id), str((await desk.member()).principal.id)
    tool, ctx = await tool_of(desk, "create_task")
    assert tool.preview

    for owner, own in ((me, True), (other, False), (None, False)):
        values = {"title": "Call"} | ({"assignee": owner} if owner else {})
        assert (await tool.preview(ctx, values)).own is own, owner


async def test_a_change_of_many_records_shows_the_first(desk: House):
    ids = [await company(desk, name=f"N{i:02}") for i in range(25)]
    tool, ctx = await tool_of(desk, "delete_company")
    assert tool.preview

    preview = await tool.preview(ctx, {"id": ids})

    assert (preview.title, len(preview.changes), preview.more) == ("Delete 25 companies", 20, 5)


async def test_an_agent_that_must_ask_first_writes_after_a_yes_only(desk: House):
    acme = await company(desk, employees=7)
    thread = await desk.metier.chat.create_thread(desk.actor, agent="crm-assistant", model="scripted/model")

    async def change(employees: int, answer: Answer) -> Request:
        desk.model.script = Script().calls("update_company", id=acme, employees=employees).then_says("So be it.")
        run = await desk.metier.chat.send(desk.actor, thread.id, "Change it.")
        [request] = await waiting(desk, run.id)
        assert (await desk.metier.records.get(desk.actor, "company", acme))["employees"] == 7
        await reply(desk, request, answer)
        await ended(desk, run.id)
        return request

    declined = await change(8, NO)
    assert (await desk.metier.records.get(desk.actor, "company", acme))["employees"] == 7
    await change(9, YES)

    assert declined.shown.title == "Update Acme"
    assert [(one.before, one.after) for one in declined.shown.changes[0].fields] == [(7, 8)]
    assert (await desk.metier.records.get(desk.actor, "company", acme))["employees"] == 9
