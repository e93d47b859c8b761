"""`metier profile`: how the first admin's values are written, in every table of the command line."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_tables_follow_the_profile(run: Run):
    before = run("records", "list", "ship", "--sort", "-length", "--limit", "1")
    changed = run(
        "profile", "set", "--locale", "de", "--time-zone", "Europe/Berlin", "--time-format", "hour_12", "--json"
    )
    run("records", "create", "ship", '{"name": "Long", "length": 1200}')
    after = run("records", "list", "ship", "--sort", "-length", "--limit", "1")
    shown = run("profile", "show")

    assert "200" in before.out
    assert changed.json_lines()[0]["time_format"] == "hour_12"
    assert "1.200" in after.out
    assert "time zone: Europe/Berlin" in shown.out.splitlines()


def test_a_slip_is_told(run: Run):
    done = run("profile", "set", "--number-format", "dots_and_coma")

    assert done.code == 1
    assert "number format" in done.err
