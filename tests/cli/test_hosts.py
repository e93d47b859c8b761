"""Allowed hosts from the command line."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_hosts_are_allowed_listed_and_removed(run: Run):
    made = run("hosts", "allow", "API.example.com", "--note", "Invoices", "--json")
    listed = run("hosts", "list", "--json")
    shown = run("hosts", "list")
    gone = run("hosts", "remove", "api.example.com")

    assert made.json_lines() == listed.json_lines()
    assert made.json_lines()[0]["host"] == "api.example.com"
    assert "api.example.com" in shown.out
    assert "Invoices" in shown.out
    assert gone.out == "Removed: api.example.com\n"
    assert run("hosts", "list", "--json").out == ""


def test_what_is_no_host_is_told(run: Run):
    done = run("hosts", "allow", "*.com")

    assert done.code == 1
    assert "too many" in done.err
