"""Logs of the commands go to standard error, without secrets (S-34)."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from metier.cli.logs import configure_logs
from metier.redaction import get_logger


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_logs_go_to_standard_error_with_settings_secrets_hidden(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-12345678")
    monkeypatch.setenv("METIER_LOG_LEVEL", "warning")
    configure_logs()

    get_logger().info("quiet")
    for logger in (get_logger(), structlog.get_logger()):
        try:
            raise ValueError("bad key sk-12345678")
        except ValueError:
            logger.exception("failed")

    printed = capfd.readouterr()
    assert printed.out == ""
    assert "quiet" not in printed.err
    assert printed.err.count("ValueError: bad key ***") == 2
    assert "12345678" not in printed.err


def test_what_libraries_log_is_hidden_too(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-12345678")
    configure_logs()

    try:
        raise ValueError("bad key sk-12345678")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in %s", "sk-12345678")
    logging.getLogger("asyncio").info("quiet")

    printed = capfd.readouterr().err
    assert "Exception in *** (uvicorn.error)" in printed
    assert "ValueError: bad key ***" in printed
    assert "quiet" not in printed
    assert "12345678" not in printed
