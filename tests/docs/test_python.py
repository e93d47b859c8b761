"""docs/reference/python.md has each public name with its arguments or fields, and its examples run."""

import dataclasses
import inspect
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import metier
from metier import testing
from metier.settings import Settings
from metier.testing import House, open_house, postgres
from tests.docs.pages import REFERENCE, blocks, names, rows, sections

PAGE = (REFERENCE / "python.md").read_text()
SECTIONS = sections(PAGE, 2)
OF_TESTS = sections(PAGE, 3)


def test_each_public_name_has_its_heading():
    assert sorted(SECTIONS) == sorted([*metier.__all__, "metier.testing"])
    assert sorted(OF_TESTS) == sorted(testing.__all__)


@pytest.mark.parametrize("kind", [metier.Tool, metier.Output, metier.Context, metier.Actor, metier.Limits])
def test_each_field_has_its_row(kind: Any):
    assert sorted(names(SECTIONS[kind.__name__])) == sorted(field.name for field in dataclasses.fields(kind))


@pytest.mark.parametrize(
    ("told", "function"),
    [
        (SECTIONS["tool"], metier.tool),
        (SECTIONS["define_agent"], metier.define_agent),
        (SECTIONS["define_object"], metier.define_object),
        (SECTIONS["define_field"], metier.define_field),
        (SECTIONS["define_application_role"], metier.define_application_role),
        (OF_TESTS["open_house"], open_house),
    ],
)
def test_each_argument_has_its_row_and_its_default(told: str, function: Any):
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("function", None)

    assert sorted(names(told)) == sorted(parameters)
    for name, default, _ in rows(told):
        meant = parameters[name.strip("`")].default
        assert (default == "required") is (meant is inspect.Parameter.empty and name != "`settings`"), name
        if default.startswith("`") and meant is not None:
            assert _value(default) == meant, name


def test_the_options_of_open_have_their_rows():
    told = [name for name in names(SECTIONS["Metier"]) if "(" not in name]

    assert sorted(told) == sorted(inspect.signature(metier.Metier.open).parameters)


def test_the_limits_are_as_told():
    for name, default, _ in rows(SECTIONS["Limits"]):
        assert getattr(metier.Limits(), name.strip("`")) == float(default)


def test_the_flag_of_the_example_exists():
    from metier.actor import FLAGS

    (row,) = [cells for cells in rows(SECTIONS["tool"]) if cells[0] == "`flag`"]
    (named,) = re.findall(r'`"([A-Z_]+)"`', row[2])
    assert named in FLAGS


def test_the_steps_of_a_script_have_their_rows():
    steps = [name for name, _ in inspect.getmembers(testing.Script, inspect.isfunction) if not name.startswith("_")]

    assert sorted(names(OF_TESTS["Script"])) == sorted(set(steps) - {"next_step"})


def test_the_names_of_a_house_have_their_rows():
    public = [field.name for field in dataclasses.fields(testing.House)]
    public += [name for name, _ in inspect.getmembers(testing.House, inspect.isfunction) if not name.startswith("_")]

    assert sorted(names(OF_TESTS["House"])) == sorted(public)


async def test_each_call_that_is_told_exists_and_takes_that(house: House):
    calls = re.findall(r"^\| (`[^|]*\)`[^|]*) \|", SECTIONS["Metier"], re.MULTILINE)
    found = [call for row in calls for call in re.findall(r"`([\w.]+)\((.*?)\)`", row)]

    for path, arguments in found:
        function: Any = house.metier
        for part in path.split("."):
            function = getattr(function, part)
        takes = inspect.signature(function).parameters
        for argument in filter(None, arguments.split(", ")):
            name, is_keyword, _ = argument.partition("=")
            assert not is_keyword or name in takes, f"{path} takes no {name}"
    assert len(found) > 20


async def test_the_examples_run(server: str, template: str, database_url: str, tmp_path):
    @asynccontextmanager
    async def open_on_a_copy(**options: Any) -> AsyncIterator[House]:
        """Save the seconds that an embedded server takes; the guide's test does with one."""
        url = postgres.clone(server, template)
        async with open_house(url=url, **options) as house:
            yield house
        postgres.drop(url)

    space: dict[str, Any] = {}
    for block in blocks(PAGE, "python"):
        exec(compile(block.text, "python.md", "exec"), space)
    space["open_house"] = open_on_a_copy
    tests = [value for name, value in space.items() if name.startswith("test_")]

    for test in tests:
        await test()
    assert len(tests) == 2
    async with open_house(url=database_url, sample=True):
        pass
    settings = Settings.for_tests(tmp_path, database_url=database_url)
    assert await space["how_many_companies"](settings) == 62


def _value(default: str) -> Any:
    """Read a default as it is told: a literal, or `Limits()` for None."""
    text = default.strip("`")
    return None if text == "Limits()" else eval(text, {})
