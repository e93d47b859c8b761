"""Roles from the command line: made, changed, and never by a slip."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_a_role_is_made_shown_and_changed(run: Run):
    made = run(
        *("roles", "create", "harbour-clerk", "--all-objects", "read", "--objects", "ships=read,update"),
        *("--flags", "AI,ROLES", "--json"),
    )
    changed = run("roles", "update", "harbour_clerk", "--flags", "AI", "--objects", "ship=", "--json")

    (role,) = made.json_lines()
    assert (made.code, role["label"], role["all_objects"]) == (0, "Harbour clerk", ["read"])
    assert role["objects"] == {"ship": ["read", "update"]}, "a rule for the plural is a rule"
    assert changed.json_lines() == [role | {"flags": ["AI"], "objects": {"ship": []}}]
    assert "ship: nothing" in run("roles", "show", "harbour-clerk").out
    assert [role["name"] for role in run("roles", "list", "--json").json_lines()] == [
        "admin",
        "member",
        "harbour-clerk",
    ]


def test_people_read_what_was_made(run: Run):
    done = run("roles", "create", "guest", "--label", "A guest")

    assert done.out == "A guest (guest)\n  every object: nothing\n  flags: none\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--objects", "ship"), "'ship' is no rule"),
        (("--objects", "shp=read"), "Did you mean 'ship'"),
        (("--objects", "ship=raed"), "there is no action 'raed'"),
        (("--all-objects", "look"), "There are read, create"),
        (("--flags", "IA"), "there is no flag 'IA'"),
    ],
)
def test_a_slip_is_named_and_makes_nothing(run: Run, options: tuple[str, ...], words: str):
    done = run("roles", "create", "clerk", *options)

    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert [role["name"] for role in run("roles", "list", "--json").json_lines()] == ["admin", "member"]


def test_the_admins_role_stays_as_it_is(run: Run):
    done = run("roles", "update", "admin", "--flags", "AI")

    assert done.code == 1
    assert "always may do everything" in done.err
