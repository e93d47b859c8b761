"""An agent that needs a person: at the terminal, from another process, after the server was killed."""

import json
import os
import pty
import subprocess
import time
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from tests.acceptance.conftest import METIER, Home, free_port, read_greeting
from tests.acceptance.models import MODEL, scripted

CHOICE = {"question": "Which company do you mean?", "options": ["Acme", "Globex"]}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A model that asks the person, then thanks."""
    replies = [{"calls": [{"name": "ask_person", "arguments": CHOICE}]}, {"says": "Thanks, I note that."}]
    with scripted(tmp_path_factory.mktemp("model"), replies) as found:
        yield found


def ask(home: Home, env: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Ask without a terminal; it ends with 3."""
    done = home.run("ask", "Note it.", "--model", MODEL, *options, ok=False, **env)
    assert done.returncode == 3, done.stderr
    return done


def test_without_a_terminal_the_command_ends_and_another_answers(home: Home, env: dict[str, str]):
    told = ask(home, env)
    [request] = home.json_lines("requests", "list", "--status", "open")
    assert request["id"] in told.stderr
    assert request["title"] == CHOICE["question"]

    shown = home.run("requests", "show", request["id"]).stdout
    assert "2. Globex" in shown
    assert f"--hash {request['hash']}" in shown
    blind = home.run("requests", "answer", request["id"], "answer", "--value", "Globex", ok=False)
    assert "--hash" in blind.stderr

    given = ("answer", "--value", "Globex", "--hash", request["hash"])
    answered = home.run("requests", "answer", request["id"], *given, **env)
    again = home.run("requests", "answer", request["id"], *given, "--no-wait", "--json", **env)

    assert "Thanks, I note that." in answered.stdout
    assert json.loads(again.stdout)["answer"] == {"verdict": "answer", "value": "Globex"}


def test_a_program_reads_the_requests_id_from_the_events(home: Home, env: dict[str, str]):
    lines = [json.loads(line) for line in ask(home, env, "--json").stdout.splitlines()]

    asked = next(line["data"] for line in lines if line["type"] == "interrupt")
    assert lines[-1]["type"] == "interrupt"
    home.run("requests", "answer", asked["request_id"], "decline", **env)  # the model says its second word


def test_at_a_terminal_the_person_is_asked(home: Home, env: dict[str, str]):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*METIER, "ask", "Note it.", "--model", MODEL],
        env=home._environment(env),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, b"7\n2\n")

    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert "2. Globex" in err
    assert "One of: Acme, Globex" in err
    assert "Thanks, I note that." in out


def test_the_server_is_killed_while_a_turn_waits_and_another_goes_on(home: Home, env: dict[str, str]):
    key = json.loads(home.run("keys", "create", "--role", "admin", "--name", "kill", "--json").stdout)["token"]
    process = home.start("demo", "--port", str(free_port()), **env)
    server = read_greeting(process.stdout)
    with httpx.Client(
        base_url=f"{server.address}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30
    ) as client:
        thread = client.post("/threads", json={"model": MODEL}).json()["id"]
        run = client.post(f"/threads/{thread}/messages", json={"text": "Note it."}).json()["run_id"]
        request = next(_open(client, run))
    process.kill()
    process.wait(20)

    process = home.start("demo", "--port", str(free_port()), **env)
    server = read_greeting(process.stdout)
    with httpx.Client(
        base_url=f"{server.address}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60
    ) as client:
        assert client.get(f"/runs/{run}").json()["status"] == "waiting"
        body = {"hash": request["hash"], "verdict": "answer", "value": "Acme"}
        assert client.post(f"/requests/{request['id']}/answer", json=body).status_code == 200
        events = client.get(f"/runs/{run}/events").text
    process.terminate()
    process.wait(20)

    assert '"output":"Thanks, I note that."' in events
    assert events.count("event: interrupt\n") == 1


def _open(client: httpx.Client, run: str) -> Iterator[dict[str, str]]:
    """Wait for what a run asks."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        yield from client.get(f"/requests?run_id={run}&status=open").json()["data"]
        time.sleep(0.05)
