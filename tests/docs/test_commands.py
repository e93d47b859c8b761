"""docs/reference/commands.md has each command with its options, and its examples print what is shown."""

import re

import pytest

from tests.docs.pages import REFERENCE, commands, fits, rows, sections
from tests.docs.shell import leaves, run_here

PAGE = (REFERENCE / "commands.md").read_text()
SECTIONS = sections(PAGE, 2)
LEAVES = leaves()


def test_each_command_has_its_heading():
    assert sorted(SECTIONS) == sorted(f"metier {words}" for words in LEAVES)


@pytest.mark.parametrize("words", LEAVES)
def test_each_option_has_its_row_and_its_default(words: str):
    table = {cells[0].strip("`"): cells[1].strip("`") for cells in rows(SECTIONS[f"metier {words}"])}

    parameters = {_name(parameter): parameter for parameter in LEAVES[words].params}
    assert sorted(table) == sorted(parameters)
    for name, parameter in parameters.items():
        assert (table[name] == "required") is parameter.required, name
        if parameter.envvar:
            assert table[name] == parameter.envvar
        elif parameter.default not in (None, "", False):
            assert table[name] == str(parameter.default), name
        elif parameter.default is False:
            assert table[name] == "", name


def _name(parameter) -> str:
    if parameter.param_type_name == "argument":
        return (parameter.metavar or parameter.name).upper()
    return parameter.opts[0]


def test_the_default_agent_is_as_told():
    from metier.app import found_on_shelf

    default = found_on_shelf().default_agent
    assert f"`{default}`" in SECTIONS["metier ask"]
    assert f"`{default}`" in SECTIONS["metier chat"]


def test_the_states_of_a_run_are_as_told():
    from metier.events import Status

    (row,) = [cells for cells in rows(SECTIONS["metier runs list"]) if cells[0] == "`--status`"]
    assert re.findall(r"`(\w+)`", row[2]) == list(Status)


def test_the_examples_print_what_is_shown(database_url: str, tmp_path):
    env = {"METIER_HOME": str(tmp_path), "DATABASE_URL": database_url}
    shown = commands(PAGE)

    for command in shown:
        printed = run_here(command.line, env)
        assert fits(command.output, printed), f"$ {command.line}\n{printed}"
    assert len(shown) > 10
