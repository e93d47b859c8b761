"""`metier objects`: object types are made, changed, compared and taken back from the command line."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")  # a workspace with three ships

TOML = '# by file\nname = "port"\n[[fields]]\nname = "name"\ntype = "text"\n'


def test_an_object_is_made_and_used(run: Run):
    done = run("objects", "create", "port", "--field", "berths:number", "--field", "flagship:relation=ship")

    assert (done.code, done.out) == (0, "Port (port): version 1\n")
    assert "flagship" in run("objects", "show", "port").out
    assert run("records", "create", "ports", '{"name": "Lagos", "berths": 7}').code == 0
    assert run("objects", "create", "port").err.startswith("error: There is already")


def test_fields_are_added_changed_hidden_and_restored(run: Run):
    assert run("objects", "add-field", "ship", "flag", "select", "--options", "red, blue").out.endswith("version 2\n")
    run("objects", "change-field", "ship", "flag", "--name", "ensign", "--note", "better")
    assert [one["note"] for one in run("objects", "history", "ship", "--json").json_lines()] == ["better", "", ""]
    run("objects", "hide-field", "ship", "ensign")
    (hidden,) = run("objects", "hidden-fields", "ship", "--json").json_lines()
    assert hidden["field"]["name"] == "ensign"

    run("objects", "restore-field", "ship", "ensign")

    (shown,) = run("objects", "show", "ship", "--json").json_lines()
    assert "ensign" in [field["name"] for field in shown["fields"]]
    run("objects", "hide-field", "ship", "ensign")
    assert run("objects", "purge-field", "ship", "ensign", "--confirm", "ensign").code == 1
    assert run("objects", "purge-field", "ship", "ensign", "--confirm", "ship.ensign").code == 0
    assert run("objects", "hidden-fields", "ship", "--json").out == ""


def test_a_type_is_previewed_and_converted(run: Run):
    (seen,) = run("objects", "change-field", "ship", "length", "--type", "text", "--dry-run", "--json").json_lines()
    assert (seen["values"], seen["misfits"]) == (3, 0)
    assert run("objects", "change-field", "ship", "length", "--type", "text").code == 1

    assert run("objects", "change-field", "ship", "length", "--type", "text", "--convert").code == 0

    assert run("records", "list", "ship", "--where", '{"length": "120"}', "--json").json_lines()[0]["name"] == "Aurora"


def test_a_file_is_published_compared_exported_and_taken_back(run: Run, tmp_path: Path):
    file = tmp_path / "port.toml"
    file.write_text(TOML)
    assert run("objects", "publish", str(file), "--note", "one").out == "Port (port): version 1\n"
    file.write_text(TOML.replace("by file", "again") + 'label = "Title"\n')
    assert run("objects", "publish", str(file)).out == "Port (port): version 2\n"

    assert run("objects", "export", "port", "--version", "1").out == TOML
    assert '+label = "Title"' in run("objects", "diff", "port").out.splitlines()
    assert run("objects", "rollback", "port", "1").out == "Port (port): version 3\n"
    assert run("objects", "export", "port").out == TOML
    table = run("objects", "history", "port").out.splitlines()
    assert table[0].split() == ["version", "published", "by", "from", "note"]
    assert [line.split()[0] for line in table[1:]] == ["3", "2", "1"]


def test_a_wrong_file_is_told_at_its_place(run: Run, tmp_path: Path):
    file = tmp_path / "port.toml"
    file.write_text(TOML.replace("text", "txt"))

    done = run("objects", "publish", str(file))

    assert done.code == 1
    assert f"{file}:5:1: fields.0.type: 'txt' is not a field type" in done.err
    assert run("objects", "publish", str(tmp_path / "none.toml")).err.startswith("error: The file is not valid at")
    assert run("objects", "publish", str(file), "--draft").code == 1  # nobody could tell its name


def test_a_draft_waits(run: Run, tmp_path: Path):
    file = tmp_path / "ship.json"
    file.write_text('{"name": "ship", "label": "Boat", "fields": [{"name": "name", "type": "text"}]}')

    assert run("objects", "publish", str(file), "--draft").out == "Ship (ship): version 1, with a draft\n"
    assert '+  "label": "Boat",' in run("objects", "diff", "ship").out
    assert run("objects", "publish-draft", "ship").out == "Boat (ship): version 2\n"
    run("objects", "publish", str(file).replace("ship.json", "ship.json"), "--draft")
    assert run("objects", "discard-draft", "ship").err == "The draft is gone.\n"


def test_an_object_goes_and_comes_back(run: Run):
    assert run("objects", "archive", "ship").out == "Ship (ship): archived\n"
    assert "ship" not in run("objects", "list").out
    assert "ship" in run("objects", "list", "--archived").out
    assert run("objects", "restore", "ship").out == "Ship (ship): version 1\n"
    assert len(run("records", "list", "ship", "--json").json_lines()) == 3
    run("objects", "archive", "ship")
    assert run("objects", "purge", "ship", "--confirm", "no").code == 1
    assert run("objects", "purge", "ship", "--confirm", "ship").code == 0

    assert run("objects", "history", "ship").code == 1
