"""docs/reference/definitions.md has each key, type and converter, and its example is a whole object type."""

import json
import re

from metier.access import RoleKind
from metier.access.role_kind import read_role
from metier.agents import AgentKind
from metier.agents.form import AGENT_KEYS, MOST, read_agent
from metier.definitions import Format, Source
from metier.definitions.apps.kind import APP_KEYS
from metier.definitions.source import read
from metier.records import ObjectKind
from metier.records.convert import targets
from metier.records.form import COLORS, FIELD_KEYS, OBJECT_KEYS
from metier.records.shape import FieldType
from tests.docs.pages import REFERENCE, blocks, names, rows, sections

PAGE = (REFERENCE / "definitions.md").read_text()
PARTS = sections(PAGE, 3)


def test_each_key_has_its_row():
    objects = sections(PAGE, 2)["Object types"].partition("###")[0]

    assert sorted(names(objects)) == sorted(OBJECT_KEYS)
    assert sorted(names(PARTS["Fields"])) == sorted(FIELD_KEYS)
    (options,) = [cells[1] for cells in rows(PARTS["Fields"]) if cells[0] == "`options`"]
    assert set(COLORS) < set(re.findall(r"`(\w+)`", options))


def test_each_key_of_an_agent_has_its_row_and_its_bound():
    agents = sections(PAGE, 2)["Agents"].partition("###")[0]
    limits = {cells[0].strip("`"): cells[1] for cells in rows(PARTS["Limits of an agent"])}

    assert sorted(names(agents)) == sorted(AGENT_KEYS)
    assert {name: int(re.sub(r"\D", "", told)) for name, told in limits.items()} == MOST


def test_each_key_of_an_app_and_each_folder_has_its_row():
    told = sections(PAGE, 2)["Apps"]

    folders = {kind.folder for kind in (ObjectKind, RoleKind, AgentKind)} | {ObjectKind.parts, "any"}
    assert sorted(names(told.partition("| folder |")[0])) == sorted(APP_KEYS)
    assert {cells[0].strip("`") for cells in rows(told.partition("| folder |")[2])} == folders


def test_the_examples_are_a_role_and_an_agent():
    role, agent = (json.loads(block.text) for block in blocks(PAGE, "json"))

    assert read_role(role)["name"] == "sales-rep"
    assert read_agent(agent)["limits"] == {"max_steps": 5}


def test_each_type_has_its_row_and_its_converters():
    told = {cells[0].strip("`"): re.findall(r"`(\w+)`", cells[2]) for cells in rows(PARTS["Types"])}

    assert told == {kind.value: sorted(to.value for to in targets(kind)) for kind in FieldType}


def test_the_example_is_an_object_type():
    (block,) = blocks(PAGE, "toml")

    body = read(Source(block.text.encode(), Format.TOML), ObjectKind().form)

    assert [field["name"] for field in body["fields"]] == ["name", "state", "owner"]
