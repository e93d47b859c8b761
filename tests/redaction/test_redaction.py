"""S-34: secrets are hidden by key and by value, in each form they come back in, and in logs whoever configured them."""

import base64
import gc
import json
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from metier.redaction import Redactor, get_logger, hide_in_event, is_telling, without_credentials

ONE, OTHER = UUID(int=1), UUID(int=2)
KEY = 'sk-"live"/51 D0+ü=&\\'


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *[f"key {KEY} refused", json.dumps({"key": KEY}, ensure_ascii=False), f"https://x/?k={quote(KEY, safe='')}"],
        *[f"https://x/?k={quote_plus(KEY)}", f"https://x/{quote(KEY)}"],
        *[base64.b64encode(f"{user}:{KEY}".encode()).decode() for user in ("", "a", "ab", "ada")],
        base64.urlsafe_b64encode(f"ada:{KEY}:more".encode()).decode(),
    ],
)
def test_a_value_is_hidden_in_each_wrapping(text: str):
    hidden = Redactor([KEY]).text(text)

    assert "***" in hidden
    assert "51" not in hidden.replace("***", "")


@given(st.text(min_size=8, max_size=40), st.text(max_size=9), st.text(max_size=9))
def test_no_value_comes_through(value: str, before: str, after: str):
    value = value.encode(errors="replace").decode()
    redactor = Redactor([value])

    assert value not in redactor.text(f"{before} {value} {after}")
    assert value not in json.dumps(redactor.value({"a": [{"b": value}]}), ensure_ascii=False)
    packed = base64.b64encode(f"{before}{value}{after}".encode(errors="replace")).decode()
    assert redactor.text(packed) != packed


def test_json_is_hidden_in_keys_and_texts_and_the_rest_stays_the_same_object():
    redactor = Redactor(["sk-12345678"])
    clean = {"a": [1, True, None, "sk-1234"]}

    assert redactor.value({"sk-12345678": ["x sk-12345678", 1, {"b": None}]}) == {"***": ["x ***", 1, {"b": None}]}
    assert redactor.value(clean) is clean


def test_a_workspaces_values_are_hidden_in_that_workspace_alone():
    redactor = Redactor()
    redactor.hide("opportunities", of=ONE)

    assert redactor.text("opportunities", of=ONE) == "***"
    assert redactor.text("opportunities", of=OTHER) == "opportunities"
    assert redactor.text("opportunities") == "opportunities"


def test_a_short_value_takes_no_ordinary_words_with_it():
    assert Redactor(["pass"]).text("password passed") == "password passed"


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["password", "token", "api_key", "OPENAI_API_KEY", "X-Api-Key", "Authorization", "Set-Cookie", "client_secret"],
)
def test_what_stands_under_a_telling_key_is_hidden(key: str):
    assert is_telling(key)
    assert without_credentials({"headers": [{key: "abc", "Accept": "x"}]}) == {"headers": [{key: "***", "Accept": "x"}]}


def test_counts_of_tokens_and_nothing_at_all_are_no_secrets():
    assert without_credentials({"input_tokens": 5, "token": None, "n": 1}) == {"input_tokens": 5, "token": None, "n": 1}


def test_a_handle_is_no_credential_and_stays():
    for handle in ("secret:STRIPE_KEY", "Bearer secret:stripe-key"):
        assert without_credentials({"Authorization": handle}) == {"Authorization": handle}
    for more in ("secret:A_KEY and-more", "Bearer abc secret:A_KEY", "secret:", "not-secret:A_KEY"):
        assert without_credentials({"Authorization": more}) == {"Authorization": "***"}


# --- logs ------------------------------------------------------------------------------------------------------------


def test_a_line_is_hidden_by_key_and_by_value_at_any_depth():
    redactor = Redactor()
    redactor.hide("sk-12345678", of=ONE)
    line = {
        "event": "key sk-12345678 refused",
        "token": "abc",
        "headers": {"X": ["sk-12345678"], "Cookie": "c"},
        "n": 1,
    }

    shown = hide_in_event(None, "info", dict(line))

    assert redactor
    assert shown == {
        "event": "key *** refused",
        "token": "***",
        "headers": "{'X': ['***'], 'Cookie': '***'}",
        "n": 1,
    }


@pytest.mark.parametrize("configured", ["not at all", "by the program"])
def test_logs_are_hidden_in_a_program_that_embeds_metier(configured: str, capsys: pytest.CaptureFixture[str]):
    """Whatever a program does with structlog, and whenever: our loggers hide first."""
    redactor = Redactor(["sk-12345678"])
    logger = get_logger("metier.test")
    if configured == "by the program":
        structlog.configure(processors=[structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()])
    try:
        logger.warning("key sk-12345678", password="abc")
        _fail(logger, "sk-12345678")
        logger.bind(key="sk-12345678").warning("bound")
    finally:
        structlog.reset_defaults()

    printed = "".join(capsys.readouterr())
    assert redactor
    assert "12345678" not in printed
    assert "abc" not in printed
    assert "ValueError: bad key ***" in printed


def _fail(logger, key: str) -> None:
    try:
        raise ValueError(f"bad key {key}")
    except ValueError:
        logger.exception("failed")


def test_levels_and_processors_of_the_program_hold_as_they_are_then():
    logger = get_logger("metier.test")

    with structlog.testing.capture_logs() as lines:
        logger.info("told", a=1)

    assert lines == [{"event": "told", "a": 1, "log_level": "info"}]


def test_a_redactor_that_is_gone_hides_nothing_more():
    redactor = Redactor(["sk-87654321"])
    assert hide_in_event(None, "info", {"event": "sk-87654321"}) == {"event": "***"}

    del redactor
    gc.collect()

    assert hide_in_event(None, "info", {"event": "sk-87654321"}) == {"event": "sk-87654321"}
