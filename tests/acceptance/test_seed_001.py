"""The statements of the activation plan (seed 001) as they stand there, on a running server: typed and from outside."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
import pytest

from metier.access.features import FEATURES
from metier.actor import AI_FEATURE
from metier.store.embedded import DATABASE, ROLE, socket_url
from metier.store.home import data_folder
from tests.acceptance.conftest import Home, Server

SEED = Path(__file__).with_name("seed_001.sql").read_text()
STATEMENTS = [
    text.strip() for text in re.split(r";\n", re.sub(r"^--.*\n", "", SEED, flags=re.MULTILINE)) if text.strip()
]
UPSERTS = [text for text in STATEMENTS if text.startswith("INSERT")]
LATER = 'metadata."agentTurnEvaluation"'  # a relation of evaluations, which there are not yet


@pytest.fixture
def outside(home: Home, server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection of another program to the running server's database."""
    url = socket_url(data_folder(home.path), ROLE, DATABASE)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def workspace(home: Home, server: Server) -> str:
    """The workspace's id, by the plan's first statement."""
    (row,) = home.json_lines("sql", STATEMENTS[0])
    assert row["displayName"] == "Acme Inc"
    return row["id"]


def run(outside: psycopg.Connection[Any], statement: str) -> list[Any]:
    """Run a statement as it stands."""
    cursor = outside.execute(cast(LiteralString, statement))
    return cursor.fetchall() if cursor.description else []


def switch_all_off(outside: psycopg.Connection[Any]) -> None:
    """Switch every feature off."""
    run(outside, 'update core."featureFlag" set "value" = false')


def test_the_plan_has_what_is_tested_here():
    assert (len(STATEMENTS), len(UPSERTS)) == (13, 7)
    assert [re.search(r"'(IS_\w+)'", text)[1] for text in UPSERTS] == list(FEATURES)  # type: ignore[index]


def test_the_upserts_switch_on_what_was_off_while_the_server_runs(home: Home, server: Server, outside, workspace: str):
    """The plan's second block, whole and unchanged but for the workspace's id, through `metier sql`."""
    block = "\n\n".join(f"{text};" for text in UPSERTS).replace("YOUR_WORKSPACE_ID", workspace)
    check = STATEMENTS[1].replace("YOUR_WORKSPACE_ID", workspace)
    with server.signed_in() as client:
        switch_all_off(outside)
        refused = client.post("/api/v1/threads", json={})
        off = home.json_lines("sql", check)
        done = home.run("sql", block)
        on = home.json_lines("sql", check)
        allowed = client.post("/api/v1/threads", json={})

    assert (refused.status_code, allowed.status_code) == (403, 201)
    assert AI_FEATURE in refused.json()["message"]
    assert {row["key"]: row["value"] for row in off} == dict.fromkeys(FEATURES, False)
    assert {row["key"]: row["value"] for row in on} == dict.fromkeys(FEATURES, True)
    assert done.stdout.splitlines() == ["INSERT: 1 row"] * 7


@pytest.mark.parametrize("statement", UPSERTS, ids=FEATURES)
@pytest.mark.parametrize("before", ["off", "no row"])
def test_each_upsert_holds_at_the_next_request(server: Server, outside, workspace: str, statement: str, before: str):
    key = re.search(r"'(IS_\w+)'", statement)[1]  # type: ignore[index]
    switch_all_off(outside)
    if before == "no row":
        run(outside, 'delete from core."featureFlag"')

    run(outside, statement.replace("YOUR_WORKSPACE_ID", workspace))

    with server.signed_in() as client:
        flags = {flag["key"]: flag["value"] for flag in client.get("/api/v1/feature-flags").json()["data"]}
    assert flags[key] is True
    assert set(flags.values()) == ({True} if before == "no row" else {True, False}), "the others are as they were"
    run(outside, 'update core."featureFlag" set "value" = true')


QUERIES = [text for text in STATEMENTS if text not in UPSERTS]


@pytest.fixture
def role(outside: psycopg.Connection[Any], workspace: str) -> str:
    """The id of the role `member`, by the plan's query of roles."""
    (found,) = [row for row in run(outside, QUERIES[2].replace("YOUR_WORKSPACE_ID", workspace)) if row[1] == "member"]
    return str(found[0])


@pytest.mark.parametrize("statement", QUERIES)
def test_each_query_answers_and_names_its_columns(
    home: Home, server: Server, outside, workspace: str, role: str, statement: str
):
    with server.signed_in() as client:
        client.post("/api/v1/threads", json={})
    statement = statement.replace("YOUR_WORKSPACE_ID", workspace).replace("YOUR_ROLE_ID", role)
    if LATER in statement:
        assert "does not exist" in home.run("sql", statement, ok=False).stderr
        return

    typed = home.json_lines("sql", statement)
    cursor = outside.execute(statement)

    assert len(cursor.fetchall()) == len(typed) > 0
    wanted = re.findall(r'[\w"]+(?=,|\s*$)', statement.partition("SELECT")[2].partition("FROM")[0], re.MULTILINE)
    assert list(typed[0]) == [column.name for column in cursor.description] == [name.strip('"') for name in wanted]


def test_the_flags_of_a_role_are_those_it_has(home: Home, outside, role: str):
    (member,) = home.json_lines("roles", "show", "member")

    flags = dict(run(outside, QUERIES[3].replace("YOUR_ROLE_ID", role)))

    assert sorted(key for key, value in flags.items() if value) == member["flags"]
    assert flags["AI"] is True
    assert flags["CODE_INTERPRETER_TOOL"] is False
