"""docs/reference/settings.md has each variable with its default, and none that is not read."""

import re
from pathlib import Path

import pytest

import metier
from metier.settings import Settings
from tests.docs.pages import REFERENCE, commands, fits, rows
from tests.docs.shell import leaves, run_here, variables

PAGE = (REFERENCE / "settings.md").read_text()
TABLE = {cells[0].strip("`"): cells for cells in rows(PAGE)}
FIELDS = {str(field.validation_alias): (name, field) for name, field in Settings.model_fields.items()}


def test_each_variable_has_its_row():
    assert sorted(TABLE) == sorted(variables())


@pytest.mark.parametrize("variable", FIELDS)
def test_the_default_is_as_told(variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    default = FIELDS[variable][1].get_default(call_default_factory=True)

    told = TABLE[variable][1].strip("`")
    assert told == ("" if default in (None, ()) else str(default))


@pytest.mark.parametrize("variable", FIELDS)
def test_a_variable_is_told_as_unused_as_long_as_nothing_uses_it(variable: str):
    sources = [path for path in Path(metier.__file__).parent.rglob("*.py") if path.name != "settings.py"]

    used = any(re.search(rf"settings\.{FIELDS[variable][0]}\b", path.read_text()) for path in sources)
    assert ("Not used yet" in TABLE[variable][2]) is not used


def test_a_variable_of_a_command_is_told_with_the_command():
    for words, command in leaves().items():
        for parameter in command.params:
            if parameter.envvar:
                assert f"`metier {words}`" in TABLE[parameter.envvar][2]


def test_a_wrong_variable_is_refused_as_shown(tmp_path: Path):
    (command,) = commands(PAGE)

    assert fits(command.output, run_here(command.line, {"METIER_HOME": str(tmp_path)}))
