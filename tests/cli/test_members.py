"""Members and invitations from the command line."""

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_a_member_is_added_and_may_be_asked_as(run: Run):
    added = run("members", "add", "bo.li@harbour.test", "--role", "member")
    asked = run("ask", "How many ships are there?", "--as", "bo.li@harbour.test")

    assert added.out.startswith("http://127.0.0.1:8700/invite/mi_")
    assert added.out.count("\n") == 1
    assert "bo.li@harbour.test is a member." in added.err
    assert "3" in asked.out
    assert ["Bo Li", "member", True, False] in [
        [one["name"], one["role"], one["active"], one["has_password"]]
        for one in run("members", "list", "--json").json_lines()
    ]


def test_a_member_gets_a_role_is_removed_and_restored(run: Run):
    run("members", "add", "bo@harbour.test", "--role", "member", "--name", "Captain Bo")
    role = run("members", "set-role", "bo@harbour.test", "admin")
    removed = run("members", "remove", "bo@harbour.test")
    refused = run("ask", "How many ships?", "--as", "bo@harbour.test")
    listed = run("members", "list")
    restored = run("members", "restore", "bo@harbour.test", "--json")

    assert role.out == "Captain Bo (bo@harbour.test): admin, no password yet\n"
    assert removed.out == "Captain Bo (bo@harbour.test): admin, deactivated\n"
    assert refused.code == 1
    assert listed.out.splitlines()[-1].endswith("deactivated")
    assert restored.json_lines()[0]["active"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("members", "add", "bo", "--role", "member"), "is not an e-mail address"),
        (("members", "add", "bo@harbour.test", "--role", "membr"), "Did you mean 'member'"),
        (("members", "add", "ada@harbour.test", "--role", "member"), "There is already a member"),
        (("members", "add", "bo@harbour.test", "--role", "member", "--url", "nowhere"), "is not the address"),
        (("members", "set-role", "adda@harbour.test", "member"), "Did you mean 'ada@harbour.test'"),
        (("members", "set-role", "ada@harbour.test", "member"), "at least one admin"),
        (("members", "remove", "ada@harbour.test"), "at least one admin"),
        (("invitations", "withdraw", "bo@harbour.test"), "No invitation of 'bo@harbour.test'"),
    ],
)
def test_a_slip_is_named_and_changes_nobody(run: Run, arguments: tuple[str, ...], words: str):
    done = run(*arguments)

    assert (done.code, done.out) == (1, "")
    assert words in done.err
    (ada,) = run("members", "list", "--json").json_lines()
    assert (ada["role"], ada["active"]) == ("admin", True)


def test_invitations_are_made_listed_and_withdrawn(run: Run):
    made = run("invitations", "create", "Bo@harbour.test", "--role", "member", "--url", "https://metier.example/")
    (as_json,) = run("invitations", "create", "cy@harbour.test", "--role", "admin", "--json").json_lines()
    listed = run("invitations", "list", "--json").json_lines()
    withdrawn = run("invitations", "withdraw", "bo@harbour.test")

    assert made.out.startswith("https://metier.example/invite/mi_")
    assert (as_json["email"], as_json["member_id"]) == ("cy@harbour.test", None)
    assert [(one["email"], one["role"], one["invited_by"]) for one in listed] == [
        ("cy@harbour.test", "admin", "Ada"),
        ("bo@harbour.test", "member", "Ada"),
    ]
    assert withdrawn.out == "Withdrawn: bo@harbour.test\n"
    assert "bo@harbour.test" not in run("invitations", "list").out


def test_a_link_for_a_member_signs_that_one_in(run: Run):
    run("members", "add", "bo@harbour.test", "--role", "member")

    done = run("link", "--as", "bo@harbour.test")

    assert "Signs in as Bo" in done.err
    assert "/link/ml_" in done.out
    assert "Did you mean" in run("link", "--as", "bo@harbor.test").err
