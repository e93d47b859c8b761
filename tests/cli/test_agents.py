"""Agents from the command line."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_an_agent_is_made_of_a_file_changed_and_taken_back(run: Run, tmp_path):
    (tmp_path / "prompt.md").write_text("You find ships.\n")

    made = run("agents", "create", "scout", "--prompt-file", str(tmp_path / "prompt.md"), "--limit", "max_steps=5")
    changed = run("agents", "change", "scout", "--prompt", "You find ports.", "--role", "member", "--json")
    back = run("agents", "change", "scout", "--role", "none", "--json")

    assert (made.code, made.out) == (0, "Scout (scout): version 1\n")
    assert changed.json_lines()[0]["body"]["role"] == "member"
    assert "role" not in back.json_lines()[0]["body"]
    assert run("agents", "rollback", "scout", "1").out == "Scout (scout): version 4\n"
    assert "max_steps 5" in run("agents", "show", "scout").out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "'prompt': must say what the agent is for"),
        (("--prompt", "x", "--limit", "steps=1"), "'limits.steps': there is no key 'steps' here"),
        (("--prompt", "x", "--limit", "max_steps=many"), "must be a number from 1 to 300"),
        (("--prompt", "x", "--role", "membr"), "Did you mean 'member'"),
        (("--prompt-file", "nothing.md"), "nothing.md"),
    ],
)
def test_a_slip_is_named_and_makes_nothing(run: Run, options: tuple[str, ...], words: str):
    done = run("agents", "create", "scout", *options)

    assert (done.code, done.out) == (1, "")
    assert words in done.err, done.err
    assert "scout" not in run("agents", "list").out
