"""Budgets from the command line."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_a_budget_is_set_listed_and_removed(run: Run):
    made = run("budgets", "set", "--scope", "workspace", "--period", "month", "--cost", "$1,250.50", "--json")
    run("budgets", "set", "--scope", "agent", "--subject", "*", "--period", "run", "--tokens", "5000")

    (budget,) = made.json_lines()
    assert (budget["cost_micros"], budget["tokens"], budget["hard"]) == (1_250_500_000, None, True)
    assert [one["scope"] for one in run("budgets", "list", "--json").json_lines()] == ["workspace", "agent"]
    assert "Each agent, a run" in run("budgets", "list").out
    assert run("budgets", "remove", budget["id"]).out == "Removed: The workspace, a month\n"
    assert [one["scope"] for one in run("budgets", "list", "--json").json_lines()] == ["agent"]


def test_the_workspace_is_put_where_it_is(run: Run):
    assert run("budgets", "zone").out == "UTC\n"
    assert run("budgets", "zone", "Europe/Berlin").out == "Europe/Berlin\n"
    assert run("budgets", "zone").out == "Europe/Berlin\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scope", "membr", "--period", "day", "--tokens", "5"), "there is no 'membr'"),
        (("--scope", "workspace", "--period", "daily", "--tokens", "5"), "There are run, day, month"),
        (("--scope", "workspace", "--period", "day", "--cost", "five"), "'five' is no sum of dollars"),
        (("--scope", "workspace", "--period", "day"), "limits tokens, money or both"),
        (("--scope", "member", "--subject", "nobody@example.com", "--period", "day", "--tokens", "5"), "No member"),
    ],
)
def test_a_slip_is_told_with_its_cure(run: Run, options: tuple[str, ...], words: str):
    done = run("budgets", "set", *options)

    assert done.code == 1
    assert words in done.err
