"""docs/reference/tools.md has each tool of the shelf with its arguments, and its examples give what is shown."""

import json
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from metier.access import Outside
from metier.agents import define_agent
from metier.app import found_on_shelf
from metier.builtin.app.objects import OBJECTS
from metier.registry import shelf
from metier.testing import House, Script, open_house
from metier.tools import Tool
from metier.tools.dispatch import TOOL_TIMEOUT_S
from tests.docs.pages import REFERENCE, blocks, check_json, names, sections
from tests.egress.origin import Origin, page

PAGE = (REFERENCE / "tools.md").read_text()
SECTIONS = sections(PAGE, 3)


async def offered(house: House) -> list[Tool]:
    """Give all tools of the shelf that an admin's agent gets in a new workspace."""
    from metier.context import Context

    metier = house.metier
    ctx = Context(
        house.actor,
        metier.clock,
        metier.records,
        llm=lambda request, actor: pytest.fail("asked a model"),
        outside=Outside(metier.egress, metier.secrets),
    )
    found = [tool for group in found_on_shelf().toolsets.values() for tool in await group.tools(ctx)]
    return [tool for tool in found if not tool.hidden]


async def general(house: House, tool: Tool) -> str:
    """Give the name under which the page tells of a tool: `find_<plural>` for `find_companies`."""
    for kind in await house.metier.records.objects(house.actor):
        if tool.name == f"find_{kind.plural}":
            return "find_<plural>"
        if tool.name == f"find_one_{kind.name}":
            return "find_one_<singular>"
        for verb in ("create", "update", "delete"):
            if tool.name == f"{verb}_{kind.name}":
                return f"{verb}_<singular>"
    return tool.name


async def test_each_tool_has_its_heading_and_each_argument_its_row(house: House):
    # Of tools of one kind the first counts: members, which come last, cannot be deleted nor restored here.
    found = {await general(house, tool): tool for tool in reversed(await offered(house))}

    assert sorted(SECTIONS) == sorted(found)
    for name, tool in found.items():
        takes = [argument for argument in tool.parameters["properties"] if argument not in _own_fields(tool)]
        assert names(SECTIONS[name]) == takes
        for row in SECTIONS[name].splitlines():
            if row.startswith("| `"):
                argument = row.split("`")[1]
                assert ("required" in row) is (argument in tool.parameters.get("required", ()))


def _own_fields(tool: Tool) -> set[str]:
    """Give the arguments that are fields of an object: the page cannot name them."""
    kinds = {kind.name: kind for kind in OBJECTS}
    writes = tool.annotations.get("kind") in ("create", "update")
    return set(kinds[tool.annotations["object"]].by_name) - {"id"} if writes else set()


async def test_category_and_effect_are_as_told(house: House):
    for tool in await offered(house):
        if tool.name == "http_request":
            assert (tool.category, tool.effect) == ("ACTION", "external")
            continue
        effect = "write" if tool.name.startswith(("create_", "update_", "delete_")) else "read"
        told = ("ACTION", "read") if tool.name == "ask_person" else ("DATABASE_CRUD", effect)
        assert (tool.category, tool.effect) == told
    for effect in ("read", "write"):
        assert f"category `DATABASE_CRUD` and the effect `{effect}`" in PAGE
    assert re.search(r"category `ACTION` and the effect\s+`external`", PAGE)
    assert "Category `ACTION`, effect `read`" in SECTIONS["ask_person"]


async def test_the_example_of_http_request_gives_what_is_shown(database_url: str):
    """Its server stands on loopback here, so its address is another."""
    arguments, result = (json.loads(block.text) for block in blocks(SECTIONS["http_request"], "json"))
    path = urlsplit(arguments["url"]).path
    async with Origin({path: page(json.dumps(result["body"]).encode(), Content_Type="application/json")}) as origin:
        async with open_house(url=database_url, egress_allow=(("127.0.0.1", origin.port),)) as house:
            await house.metier.secrets.put(house.actor, "EXAMPLE_KEY", value="any old key", hosts=["127.0.0.1"])
            model = Script().calls("http_request", **arguments | {"url": f"{origin.url}{path}"}).then_says("Done.")
            events = await house.ask("…", model=model)

            check_json(result, events.last("tool_result").data["result"], {})
        assert origin.requests[0].headers["authorization"] == "Bearer any old key"


def test_each_group_has_its_heading():
    groups = [group.name for module in shelf("tools") for group in module.toolsets()]

    assert [title.removeprefix("The group ") for title in sections(PAGE, 2)] == groups
    assert f"{TOOL_TIMEOUT_S:g} s" in PAGE


async def test_the_examples_give_what_is_shown(sample_house: House):
    (biggest,) = (
        await sample_house.metier.records.find(sample_house.actor, "company", sort="-employees", limit=1)
    ).records
    for name in ("find_companies", "find_one_company", "search_records"):
        section = SECTIONS[
            {"find_companies": "find_<plural>", "find_one_company": "find_one_<singular>"}.get(name, name)
        ]
        arguments, result = (json.loads(block.text) for block in blocks(section, "json"))
        arguments = {key: biggest["id"] if value == "COMPANY" else value for key, value in arguments.items()}

        events = await sample_house.ask("…", model=Script().calls(name, **arguments).then_says("Done."))

        check_json(result, events.last("tool_result").data["result"], {"COMPANY": biggest["id"]}, name)


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
async def test_the_examples_of_writing_give_what_is_shown(writing_house: House, verb: str):
    records, admin = writing_house.metier.records, writing_house.actor
    (biggest,) = (await records.find(admin, "company", sort="-employees", limit=1)).records
    arguments, result = (json.loads(block.text) for block in blocks(SECTIONS[f"{verb}_<singular>"], "json"))
    arguments = {key: biggest["id"] if value == "COMPANY" else value for key, value in arguments.items()}

    model = Script().calls(f"{verb}_company", **arguments).then_says("Done.")
    events = await writing_house.ask("…", model=model, agent="writer")

    check_json(result, events.last("tool_result").data["result"], {"COMPANY": biggest["id"]}, verb)


@pytest.fixture
async def writing_house(database_url: str) -> AsyncIterator[House]:
    """The sample workspace, with an agent that asks nobody."""
    writer = define_agent(name="writer", prompt="You write.", toolsets=["record_writes"], confirm="never")
    async with open_house(url=database_url, agents=[writer], sample=True) as opened:
        yield opened


async def test_what_the_model_gets_is_as_shown(sample_house: House):
    right, wrong = (json.loads(block.text) for block in blocks(PAGE, "json")[:2])

    for shown, field in ((right, "employees"), (wrong, "employes")):
        model = Script().calls("find_companies", where={field: {"gt": 200}}).then_says("Done.")
        await sample_house.ask("…", model=model)
        check_json(shown, model.asked[1].messages[-1].parts[0].output, {})
