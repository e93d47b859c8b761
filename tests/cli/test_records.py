"""`metier records`: writing from a terminal, and taking it back."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def one(run: Run, *arguments: str) -> dict:
    (line,) = run("records", *arguments, "--json").json_lines()
    return line


def names(run: Run, *options: str) -> list[str]:
    return [
        record["name"] for record in run("records", "list", "ship", "--sort", "name", "--json", *options).json_lines()
    ]


def test_a_ship_is_built_rebuilt_sunk_and_raised(run: Run):
    made = one(run, "create", "ship", '{"name": "Dune", "length": 40}')
    ship = made["data"]["id"]
    changed = one(run, "update", "ships", ship, '{"length": 45}')
    assert changed["fields"] == {"length": {"before": 40, "after": 45}}
    assert one(run, "delete", "ship", ship)["kind"] == "deleted"
    assert (names(run), names(run, "--deleted")) == (["Aurora", "Bora", "Calypso"], ["Dune"])
    assert one(run, "restore", "ship", ship)["kind"] == "restored"
    one(run, "undo", changed["change_id"])
    assert one(run, "undo", made["change_id"])["kind"] == "deleted"
    assert one(run, "destroy", "ship", ship)["data"] is None
    assert names(run, "--deleted") == []


def test_history_says_who_did_what(run: Run):
    ship = one(run, "create", "ship", '{"name": "Dune"}')["data"]["id"]
    one(run, "update", "ship", ship, '{"length": 45}')

    said = run("records", "changes", "ship", ship)
    told = run("records", "changes", "ship", ship, "--json").json_lines()

    assert "updated  length" in said.out
    assert [change["origin"] for change in told] == ["cli", "cli"]
    assert {change["actor"]["kind"] for change in told} == {"operator"}


def test_what_is_written_is_said_with_the_way_back(run: Run):
    done = run("records", "create", "ship", '{"name": "Dune", "length": 40}')

    assert done.out.splitlines()[0].startswith("created ")
    assert done.out.splitlines()[1:] == ["  name: Dune", "  length: 40"]
    assert done.err.startswith("Undo: metier records undo ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "ship", "{"), "is not JSON"),
        (("create", "ship", "[]"), "must be a JSON object"),
        (("create", "ship", '{"lenght": 1}'), "Did you mean 'length'?"),
        (("create", "boat", "{}"), "No object 'boat'"),
        (("update", "ship", "nonsense", "{}"), "No ship 'nonsense'"),
        (("delete", "ship", "01a1fd55-0000-7000-8000-00000000dead"), "No ship"),
        (("undo", "nonsense"), "No change 'nonsense'"),
        (("upsert", "ship", '{"name": "Dune"}'), "has no unique field"),
        (("import-json", "ship", "nowhere.json"), "cannot be read"),
    ],
)
def test_a_mistake_is_said_and_nothing_written(run: Run, arguments: tuple[str, ...], words: str):
    done = run("records", *arguments)

    assert (done.code, words in done.err) == (1, True), done.err
    assert names(run) == ["Aurora", "Bora", "Calypso"]


def test_a_stale_version_is_left_alone(run: Run):
    ship = one(run, "create", "ship", '{"name": "Dune"}')["data"]
    one(run, "update", "ship", ship["id"], '{"length": 1}')

    done = run(
        "records", "update", "ship", ship["id"], '{"length": 2}', "--if-updated-at", ship["updated_at"], "--json"
    )

    assert (done.code, json.loads(done.out)["error"]) == (1, "RecordChanged")


@pytest.mark.parametrize("lines", [True, False])
def test_many_ships_are_imported_and_undone(run: Run, tmp_path: Path, lines: bool):
    rows = [{"name": f"N{i:03}", "length": i} for i in range(600)]
    file = tmp_path / "ships.json"
    file.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows))

    written = run("records", "import-json", "ship", str(file), "--json").json_lines()
    assert [batch["records"] for batch in written] == [500, 100]
    assert len(names(run, "--limit", "1000")) == 603
    for batch in written:
        run("records", "undo", batch["change_id"])

    assert names(run) == ["Aurora", "Bora", "Calypso"]


def test_a_wrong_row_of_an_import_is_named(run: Run, tmp_path: Path):
    file = tmp_path / "ships.json"
    file.write_text('{"name": "Dune"}\n\n{"name": "Echo", "length": "long"}\n')

    done = run("records", "import-json", "ship", str(file), "--json")

    assert json.loads(done.out)["errors"][0]["path"] == "row 2.length"
    assert names(run) == ["Aurora", "Bora", "Calypso"]
