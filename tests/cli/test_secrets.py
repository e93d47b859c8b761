"""Secrets from the command line: values come by standard input, never as an argument."""

import io
import sys

import pytest

from metier.cli import secrets as commands
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")

VALUE = "sk_live_51canary"


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch):
    """Put a text on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_secret_is_set_from_standard_input_listed_and_deleted(run: Run, send):
    send(f"{VALUE}\n")
    made = run("secrets", "set", "stripe-key", "--host", "api.stripe.com", "--host", "*.stripe.test")
    kept = run("secrets", "set", "STRIPE_KEY", "--keep-value", "--description", "Payments", "--json")
    listed = run("secrets", "list", "--json")
    gone = run("secrets", "delete", "STRIPE_KEY")

    assert (made.out, made.err) == (
        "Set: STRIPE_KEY, for *.stripe.test, api.stripe.com\n",
        "In a request's header it is named secret:STRIPE_KEY\n",
    )
    assert kept.json_lines() == listed.json_lines()
    assert listed.json_lines()[0]["description"] == "Payments"
    assert gone.out == "Deleted: STRIPE_KEY\n"
    assert run("secrets", "list").out == "name  hosts  set  last used  description\n"
    assert VALUE not in "".join(done.out + done.err for done in (made, kept, listed, gone))


def test_at_a_terminal_the_value_is_asked_for_and_not_shown(monkeypatch: pytest.MonkeyPatch):
    asked: list[bool] = []

    def prompt(text: str, *, hide_input: bool) -> str:
        asked.append(hide_input)
        return VALUE

    monkeypatch.setattr(commands.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(commands.typer, "prompt", prompt)

    assert commands._read("A_KEY") == VALUE
    assert asked == [True]


def test_a_value_as_an_argument_is_refused(run: Run, send):
    send(f"{VALUE}\n")

    assert run("secrets", "set", "A_KEY", VALUE, "--host", "a.example").code == 2
    assert run("secrets", "list", "--json").json_lines() == []


@pytest.mark.parametrize(
    ("text", "host", "word"), [("", "a.example", "No value"), ("short", "a.example", "8 to"), (VALUE, "*", "no host")]
)
def test_a_slip_is_told(run: Run, send, text: str, host: str, word: str):
    send(text)

    done = run("secrets", "set", "A_KEY", "--host", host)

    assert done.code == 1
    assert word in done.err
    assert run("secrets", "list", "--json").json_lines() == []


def test_the_key_is_changed(run: Run, send, tmp_path):
    send(VALUE)
    run("secrets", "set", "A_KEY", "--host", "a.example")
    before = (tmp_path / "secret.key").read_text()

    done = run("secrets", "rotate-key")

    assert done.out == "Sealed with the new key: 1 secret\n"
    assert (tmp_path / "secret.key").read_text() != before
    assert len((tmp_path / "secret.key").read_text().split()) == 1
