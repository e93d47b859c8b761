"""Feature flags from the command line."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_flags_are_listed_switched_and_obeyed(run: Run):
    off = run("flags", "set", "IS_AI_ENABLED", "off")
    refused = run("ask", "How many ships are there?")
    listed = run("flags", "list", "--json").json_lines()
    on = run("flags", "set", "IS_AI_ENABLED", "on", "--json")

    assert off.out.startswith("IS_AI_ENABLED is off. ")
    assert (refused.code, refused.out) == (1, "")
    assert "IS_AI_ENABLED is off" in refused.err
    assert "cure: " in refused.err
    assert [flag["key"] for flag in listed if not flag["value"]] == ["IS_AI_ENABLED"]
    assert on.json_lines()[0]["value"] is True
    assert "3" in run("ask", "How many ships are there?").out


def test_a_slip_is_named_and_changes_nothing(run: Run):
    unknown, odd = run("flags", "set", "IS_AI", "off"), run("flags", "set", "IS_AI_ENABLED", "maybe")

    assert (unknown.code, odd.code) == (1, 2)
    assert "Did you mean 'IS_AI_ENABLED'" in unknown.err
    assert " off " not in run("flags", "list").out
