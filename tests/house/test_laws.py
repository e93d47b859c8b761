"""Laws of who acts and what may be done that hold for the source as a whole, each under its number."""

import ast
import json
from collections.abc import Iterator
from dataclasses import MISSING, FrozenInstanceError, fields
from pathlib import Path
from uuid import uuid4

import pytest

from metier.actor import Actor, Principal, PrincipalKind, Role
from metier.context import Context, no_model
from metier.errors import Invalid
from metier.events import Status
from metier.llm.messages import ToolCall
from metier.testing import House
from metier.tools import Tool
from metier.tools.dispatch import parse_arguments

SRC = Path(__file__).parents[2] / "src" / "metier"
SEEN = Path(__file__).with_name("tools.json")

#: Who acts is never an argument: no tool is told for whom, or where, it works.
WHO = {"actor", "ctx", "user", "user_id", "principal", "principal_id", "role", "roles", "workspace_id"}


def calls(name: str) -> Iterator[str]:
    """Give the modules that call something of this last name, or `a.b` for a method `b` of a name `a`."""
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and f".{ast.unparse(node.func)}".endswith(f".{name}"):
                yield path.relative_to(SRC).as_posix()


def test_s01_only_access_makes_an_actor():
    assert {path.partition("/")[0] for path in calls("Actor")} == {"access"}


def test_s01_an_actor_has_no_default_changes_never_and_is_stored_without_roles():
    actor = Actor(uuid4(), Principal(PrincipalKind.MEMBER, uuid4(), "Ada"), (Role(uuid4(), "r", "R"),))

    assert [f.name for f in fields(Actor) if f.default is MISSING] == ["workspace_id", "principal", "roles"]
    with pytest.raises(FrozenInstanceError):
        actor.roles = ()  # type: ignore[misc]
    assert "role" not in json.dumps(actor.to_json())


def test_s07_the_schema_of_a_workspace_is_named_by_records_alone():
    """`access` makes and drops it; nobody else can write SQL on business data, for nobody else knows where it is."""
    named = {p.relative_to(SRC).parts[0] for p in SRC.rglob("*.py") if "schema_name" in p.read_text()}

    assert named == {"access", "records"}


def test_s12_only_dispatch_runs_tools():
    assert set(calls("tool.run")) == {"tools/dispatch.py"}


@pytest.mark.parametrize("raw", ['{"__class__": 1}', '{"a": 1, "__": 2}', "[1]", "null", "", "{", '{"a": NaN}'])
def test_s12_s15_arguments_are_one_object_without_reserved_names(raw: str):
    with pytest.raises(Invalid):
        parse_arguments(ToolCall("1", "find", raw))


async def test_s13_no_tool_is_there_unseen(house: House):
    """Tool, effect, flag, approval and arguments. Look at what is new, then write it into the file."""
    now = {tool.name: _facts(tool) for tool in await _tools(house)}

    assert now == json.loads(SEEN.read_text()), f"Cure: look at what has changed, then make {SEEN.name}:\n{_text(now)}"


async def test_s14_who_acts_is_no_argument(house: House):
    for tool in await _tools(house):
        assert not WHO & tool.parameters.get("properties", {}).keys(), tool.name


def test_s40_a_run_has_ended_or_is_queued_running_or_waiting():
    assert {status for status in Status if not status.ended} == {Status.QUEUED, Status.RUNNING, Status.WAITING}


async def test_s40_what_has_ended_begins_no_more(house: House):
    run_id = (await house.ask("Hi"))[0].root_id
    runs = house.metier.runs

    assert not await runs.requeue(run_id)
    await runs.stop(house.actor, run_id)
    assert await house.metier.engine.sweep() == 0
    assert (await runs.get(house.actor, run_id)).status is Status.SUCCEEDED


async def _tools(house: House) -> list[Tool]:
    metier = house.metier
    ctx = Context(house.actor, metier.clock, metier.records, llm=no_model)
    return [tool for toolset in metier.shelf.toolsets.values() for tool in await toolset.tools(ctx)]


def _facts(tool: Tool) -> dict[str, object]:
    return {
        "effect": tool.effect,
        "flag": tool.flag,
        "approval": tool.approval,
        "hidden": tool.hidden,
        "arguments": sorted(tool.parameters.get("properties", {})),
    }


def _text(facts: dict[str, dict[str, object]]) -> str:
    lines = [f"  {json.dumps(name)}: {json.dumps(facts[name])}" for name in sorted(facts)]
    return "{\n" + ",\n".join(lines) + "\n}\n"
