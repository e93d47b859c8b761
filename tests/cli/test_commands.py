"""Commands print results to standard output, and say what went wrong in one clear message."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from metier import __version__
from metier.access import Access
from metier.clock import SystemClock
from metier.errors import NotSignedIn
from metier.store import Database
from tests.cli.conftest import Run, in_database


def test_version_needs_no_valid_environment(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_PORT", "none")

    done = run("version")

    assert (done.code, done.out) == (0, f"{__version__}\n")


def test_an_empty_home_says_how_to_begin(run: Run):
    done = run("objects", "list")

    assert (done.code, done.out) == (1, "")
    assert done.err == "error: There is no workspace with an admin yet.\ncure: metier demo --load-only\n"


@pytest.mark.usefixtures("ships")
class TestRecords:
    def test_objects_are_listed(self, run: Run):
        names = [kind["name"] for kind in run("objects", "list", "--json").json_lines()]

        assert set(names) == {"ship", "member"}
        assert "ships" in run("objects", "list").out

    def test_records_are_filtered_sorted_and_limited(self, run: Run):
        done = run(
            "records",
            "list",
            "ships",
            "--where",
            '{"length": {"gte": 100}}',
            "--sort",
            "-length",
            "--limit",
            "1",
            "--json",
        )

        assert [ship["name"] for ship in done.json_lines()] == ["Calypso"]

    def test_a_limit_beyond_a_page_is_followed_through_the_pages(self, run: Run, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("metier.cli.records.PAGE", 2)

        done = run("records", "list", "ship", "--sort", "name", "--limit", "1000", "--json")

        assert [ship["name"] for ship in done.json_lines()] == ["Aurora", "Bora", "Calypso"]

    def test_people_get_a_table(self, run: Run):
        lines = run("records", "list", "ship", "--sort", "name").out.splitlines()

        assert lines[0].split() == ["id", "name", "length"]
        assert lines[1].split()[1:] == ["Aurora", "120"]

    def test_nothing_found_is_said_beside_the_result(self, run: Run):
        done = run("records", "list", "ship", "--where", '{"name": "Nobody"}')

        assert (done.code, done.out, done.err) == (0, "", "No ships match.\n")

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("shp",), "Did you mean 'ship'"),
            (("ship", "--where", "{"), "is not JSON"),
            (("ship", "--where", "[]"), "must be a JSON object"),
            (("ship", "--where", '{"lenght": 1}'), "Did you mean 'length'"),
            (("ship", "--sort", "lenght"), "Did you mean 'length'"),
        ],
    )
    def test_mistakes_are_named(self, run: Run, arguments: tuple[str, ...], words: str):
        done = run("records", "list", *arguments)

        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("error: ")
        assert words in done.err
        assert "Traceback" not in done.err

    def test_with_json_the_error_is_json_too(self, run: Run):
        done = run("records", "list", "shp", "--json")

        (error,) = done.json_lines()
        assert (done.code, error["error"], error["errors"][0]["did_you_mean"]) == (1, "NotFound", "ship")


@pytest.mark.usefixtures("ships")
class TestKeys:
    def test_a_key_is_printed_alone_and_works_until_it_is_revoked(self, run: Run, database_url: str, tmp_path: Path):
        made = run("keys", "create", "--role", "member", "--name", "my script")
        token = made.out.strip()
        (listed,) = run("keys", "list", "--json").json_lines()
        actor = in_database(database_url, tmp_path, lambda db: _access(db).actor_for_key(token))
        revoked = run("keys", "revoke", token[:10])

        assert made.out.count("\n") == 1
        assert "not shown again" in made.err
        assert (actor.label, [role.name for role in actor.roles]) == ("my script", ["member"])
        assert (listed["name"], listed["revoked_at"]) == ("my script", None)
        assert token not in json.dumps(listed)
        assert revoked.code == 0
        with pytest.raises(NotSignedIn):
            in_database(database_url, tmp_path, lambda db: _access(db).actor_for_key(token))

    def test_a_key_is_revoked_by_its_id_too(self, run: Run):
        (made,) = run("keys", "create", "--role", "admin", "--name", "k", "--json").json_lines()

        assert run("keys", "revoke", made["id"]).code == 0
        assert run("keys", "list", "--json").json_lines()[0]["revoked_at"]
        assert "revoked" in run("keys", "list").out

    def test_an_unknown_key_or_role_is_named(self, run: Run):
        assert "No API key 'mk_no'" in run("keys", "revoke", "mk_no").err
        assert "Did you mean 'member'" in run("keys", "create", "--role", "membr", "--name", "k").err

    def test_a_missing_option_is_a_mistake_of_use(self, run: Run):
        done = run("keys", "create", "--name", "k")

        assert done.code == 2
        assert "--role" in done.err


@pytest.mark.usefixtures("ships")
class TestRolesAndRuns:
    def test_roles_are_listed_and_shown(self, run: Run):
        assert [role["name"] for role in run("roles", "list", "--json").json_lines()] == ["admin", "member"]
        assert "member" in run("roles", "list").out
        assert "every object: create, delete, read, update" in run("roles", "show", "Member").out
        assert run("roles", "show", "member", "--json").json_lines()[0]["flags"][0] == "AI"
        assert "Did you mean 'admin'" in run("roles", "show", "admn").err

    def test_runs_are_listed_and_shown(self, run: Run):
        asked = run("ask", "How many ships are there?", "--json").json_lines()
        (listed,) = run("runs", "list", "--status", "succeeded", "--json").json_lines()
        shown = run("runs", "show", listed["id"])
        events = run("runs", "show", listed["id"], "--events").json_lines()

        assert listed["id"] == asked[0]["run_id"]
        assert "3" in listed["output"]
        assert "succeeded in" in shown.out
        assert "by Ada" in shown.out
        assert [event["type"] for event in events][-1] == "complete"
        assert listed["id"] in run("runs", "list").out

    def test_unknown_runs_and_states_are_named(self, run: Run):
        assert "is not the id of a run" in run("runs", "show", "x").err
        assert f"No run '{UUID(int=0)}'" in run("runs", "show", str(UUID(int=0))).err
        assert run("runs", "list", "--status", "bogus").code == 1


def _access(db: Database) -> Access:
    return Access(db, SystemClock())
