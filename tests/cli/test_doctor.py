"""`metier doctor` finds what is missing and names the cure."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from metier import health
from tests.cli.conftest import Done, Run


def found(done: Done) -> dict[str, tuple[bool, str, str]]:
    return {line["check"]: (line["ok"], line["found"], line["fix"]) for line in done.json_lines()}


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A free port that Metier is set to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("METIER_PORT", str(port))
    return port


@pytest.fixture(autouse=True)
def bundles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A built front end."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text("{}")
    monkeypatch.setattr(health, "MANIFEST", manifest)
    return manifest


def test_all_is_well(run: Run, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_PORT", str(port))

    done = run("doctor", "--json")

    checks = found(done)
    assert done.code == 0
    assert list(checks) == ["python", "home", "database", "tables", "pages", "models", "schedules", "port"]
    assert all(ok for ok, _, _ in checks.values())
    assert "PostgreSQL 18" in checks["database"][1]
    assert "OPENAI_API_KEY" in checks["models"][2]
    assert checks["port"][1] == f"127.0.0.1:{port} is free"


def test_people_read_the_same(run: Run, port: int, bundles: Path):
    bundles.unlink()

    done = run("doctor")

    assert done.code == 1
    assert "BAD  pages" in done.out
    assert "make setup" in done.out


def test_a_configured_model_is_named_and_its_key_is_not(run: Run, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-s3cret-value")

    done = run("doctor", "--json")

    assert "openai/" in found(done)["models"][1]
    assert "s3cret" not in done.out + done.err


def test_an_unreachable_database_is_bad(run: Run, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", f"postgresql://ada:hunter2@127.0.0.1:{port}/crm")

    done = run("doctor", "--json")

    ok, problem, fix = found(done)["database"]
    assert (done.code, ok) == (1, False)
    assert "does not answer" in problem
    assert "DATABASE_URL" in fix
    assert "hunter2" not in done.out


def test_an_unsafe_home_is_bad(run: Run, port: int, tmp_path: Path):
    tmp_path.chmod(0o777)

    ok, problem, fix = found(run("doctor", "--json"))["home"]

    tmp_path.chmod(0o700)
    assert not ok
    assert "Everybody can write" in problem
    assert fix.startswith("chmod")


def test_a_wrong_variable_is_bad(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_PORT", "many")

    done = run("doctor", "--json")

    assert done.code == 1
    assert "METIER_PORT" in found(done)["settings"][1]


@pytest.mark.parametrize(
    ("answer", "ok"),
    [(b'{"status": "ok", "version": "9.9"}', True), (b"hello", False), (b"[]", False)],
    ids=["Metier", "something else", "other JSON"],
)
def test_a_taken_port_is_fine_if_metier_has_it(run: Run, port: int, answer: bytes, ok: bool):
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", port), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    found_ok, words, fix = found(run("doctor", "--json"))["port"]

    server.shutdown()
    server.server_close()
    assert found_ok is ok
    assert ("Metier 9.9 answers" in words) is ok
    assert (f"--port {port + 1}" in fix) is not ok
