"""`metier --as-role` and `--as-member`: a command that looks as somebody, and changes nothing."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def names(run: Run, *view: str) -> list[str]:
    listed = run(*view, "records", "list", "ship", "--sort", "name", "--json")
    return [line["name"] for line in listed.json_lines()]


def test_a_command_looks_as_a_role_or_member_and_changes_nothing(run: Run):
    rule = 'ship={"length": {"gt": 100}}'
    assert run("roles", "create", "long", "--all-objects", "read,update", "--rows", rule).code == 0
    assert run("members", "add", "mo@harbour.test", "--role", "long").code == 0

    refused = run("--as-role", "long", "records", "create", "ship", '{"name": "Dune"}')
    members = run("--as-role", "long", "members", "list")

    assert (refused.code, members.code) == (1, 1)
    assert "nothing is changed" in refused.err
    assert names(run) == ["Aurora", "Bora", "Calypso"]
    assert names(run, "--as-role", "long") == names(run, "--as-member", "mo@harbour.test") == ["Aurora", "Calypso"]
    looks = run("audit", "list", "--json").json_lines()
    assert "metier --as-role long records list ship --sort name --json" in [one["details"].get("what") for one in looks]


def test_nobody_acts_as_a_third_while_looking_as_another(run: Run):
    done = run("--as-role", "member", "requests", "list", "--as", "ada@harbour.test")

    assert done.code == 1
    assert "nothing is changed" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--as-role", "lang", "records", "list", "ship"), "lang"),
        (("--as-role", "member", "--as-member", "a@b.test", "records", "list", "ship"), "either a role or a member"),
        (("--as-role", "member", "sql", "select 1"), "does not look as somebody"),
        (("--as-role", "member", "link"), "does not look as somebody"),
        (("--as-member", "a@b.test", "ask", "Hi"), "does not look as somebody"),
    ],
)
def test_a_slip_is_told(run: Run, arguments: tuple[str, ...], words: str):
    done = run(*arguments)

    assert done.code == 1
    assert words in done.err
