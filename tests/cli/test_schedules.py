"""Schedules and retention from the command line."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_without_a_server_the_command_does_it_itself(run: Run):
    done = run("schedules", "run", "sweep")
    listed = run("schedules", "list")
    (job,) = run("schedules", "history", "sweep", "--json").json_lines()

    assert (done.code, done.out) == (0, "sweep: succeeded\n")
    assert "No process runs them now" in listed.err
    assert (job["status"], job["starts"], job["asked_by"]) == ("succeeded", 1, "Ada")


def test_schedules_are_paused_and_resumed(run: Run):
    paused = run("schedules", "pause", "retention")
    shown = run("schedules", "list")
    resumed = run("schedules", "resume", "retention")
    unknown = run("schedules", "pause", "retentoin")
    idle = run("schedules", "stop", "sweep")

    assert paused.out == "Paused: retention\n"
    assert "paused" in shown.out
    assert resumed.out.startswith("Resumed: retention, next ")
    assert (unknown.code, idle.code) == (1, 1)
    assert "Did you mean 'retention'" in unknown.err
    assert "not at work" in idle.err


def test_terms_are_chosen_and_taken_back(run: Run):
    ever = run("retention", "set", "requests", "never")
    short = run("retention", "set", "prompts", "7")
    shown = run("retention", "list")
    back = run("retention", "reset", "prompts")

    assert (ever.out, short.out) == ("Kept for ever: requests\n", "Kept 7 days: prompts\n")
    assert "for ever" in shown.out
    assert back.out == "Kept 180 days: prompts\n"


def test_a_term_that_is_none_is_told(run: Run):
    for days in ("-1", "0", "soon", "99999999999999999999"):
        done = run("retention", "set", "prompts", "--", days)

        assert done.code == 1, days
        assert "days" in done.err
