"""The main job: the same question through the command line, REST, and a server that speaks a model's protocol."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.conftest import Home, Server

QUESTION = "Find all companies created in the last 7 days"


def recent_companies(home: Home) -> dict[str, str]:
    """Read all companies and filter here: what the right answer is, found another way."""
    rows = home.json_lines("records", "list", "company", "--limit", "500")
    week_ago = datetime.now(UTC) - timedelta(days=7)
    return {r["id"]: r["name"] for r in rows if datetime.fromisoformat(r["created_at"]) >= week_ago}


def test_ask_on_the_command_line_finds_exactly_the_right_rows(home: Home):
    events = home.json_lines("ask", QUESTION)

    call = next(e for e in events if e["type"] == "tool_call")
    result = next(e for e in events if e["type"] == "tool_result")
    assert call["data"]["name"] == "find_companies"
    assert "created_at" in json.dumps(call["data"]["arguments"]["where"])
    expected = recent_companies(home)
    assert {r["id"] for r in result["data"]["result"]["records"]} == set(expected)
    assert len(expected) >= 3
    assert events[-1]["type"] == "complete"
    assert events[-1]["data"]["status"] == "succeeded"
    answer = events[-1]["data"]["output"]
    for company_id, name in expected.items():
        assert name.split()[0] in answer
        assert f"/o/company/{company_id}" in answer


def test_ask_prints_the_answer_for_people(home: Home):
    done = home.run("ask", QUESTION)

    assert "7" in done.stdout
    assert "find_companies" in done.stderr


def test_the_same_over_rest(home: Home, server: Server):
    with server.signed_in() as client:
        thread = client.post("/api/v1/threads", json={}).json()
        sent = client.post(f"/api/v1/threads/{thread['id']}/messages", json={"text": QUESTION})
        assert sent.status_code == 202
        frames = client.get(f"/api/v1/runs/{sent.json()['run_id']}/events").text.strip().split("\n\n")

    data = {frame.split("\n")[1]: json.loads(frame.split("\ndata: ", 1)[1]) for frame in frames}
    records = data["event: tool_result"]["result"]["records"]
    assert {r["id"] for r in records} == set(recent_companies(home))
    assert data["event: complete"]["status"] == "succeeded"


def test_ask_a_server_elsewhere_with_a_key(home: Home, server: Server):
    key = json.loads(home.run("keys", "create", "--role", "member", "--name", "t", "--json").stdout)["token"]

    events = home.json_lines("ask", QUESTION, "--url", server.address, "--token", key)

    assert events[-1]["data"]["status"] == "succeeded"


def test_a_wrong_key_is_refused_with_words(home: Home, server: Server):
    done = home.run("ask", QUESTION, "--url", server.address, "--token", "mk_wrong", ok=False)

    assert "error" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_an_unknown_agent_is_named_with_the_nearest(home: Home):
    done = home.run("ask", QUESTION, "--agent", "crm-asistant", ok=False)

    assert "crm-assistant" in done.stderr


def test_doctor_finds_the_home_in_order(home: Home):
    checks = home.json_lines("doctor")

    assert all({"check", "ok", "found", "fix"} <= set(check) for check in checks)
    assert all(check["ok"] for check in checks), checks


def test_doctor_fails_and_says_the_cure_when_the_database_is_away(home: Home):
    done = home.run("doctor", "--json", ok=False, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    failed = [check for line in done.stdout.splitlines() if not (check := json.loads(line))["ok"]]
    assert failed
    assert all(check["fix"] for check in failed)


@pytest.mark.parametrize("question", ["How many people are there?", "What can you do?"])
def test_other_questions_are_answered_too(home: Home, question: str):
    events = home.json_lines("ask", question)

    assert events[-1]["data"]["status"] == "succeeded"
    assert events[-1]["data"]["output"]
