"""Log lines tell no secrets, by key and by value (S-34)."""

import pytest
import structlog

from metier.cli.logs import configure_logs, redactor


@pytest.mark.parametrize(
    "key", ["password", "token", "api_key", "OPENAI_API_KEY", "Authorization", "set_cookie", "client_secret"]
)
def test_secret_keys_are_hidden(key: str):
    assert redactor([])(None, "info", {"event": "x", key: "abc"}) == {"event": "x", key: "***"}


def test_counts_of_tokens_are_no_secrets():
    event = {"event": "x", "input_tokens": 5}

    assert redactor([])(None, "info", dict(event)) == event


def test_secret_values_are_hidden_wherever_they_stand():
    redact = redactor(["sk-12345678"])

    event = redact(None, "info", {"event": "key sk-12345678 refused", "headers": {"x": ["sk-12345678"]}, "n": 1})

    assert event == {"event": "key *** refused", "headers": "{'x': ['***']}", "n": 1}


def test_logs_go_to_standard_error_with_settings_secrets_hidden(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-12345678")
    monkeypatch.setenv("METIER_LOG_LEVEL", "warning")
    configure_logs()
    try:
        structlog.get_logger().info("quiet")
        try:
            raise ValueError("bad key sk-12345678")
        except ValueError:
            structlog.get_logger().exception("failed")
    finally:
        structlog.reset_defaults()

    printed = capfd.readouterr()
    assert printed.out == ""
    assert "quiet" not in printed.err
    assert "bad key ***" in printed.err
    assert "12345678" not in printed.err
