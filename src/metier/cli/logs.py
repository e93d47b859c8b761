"""What is logged, and where: one line each to standard error, without secrets (S-34)."""

import logging
import sys
from collections.abc import Callable, Collection, MutableMapping
from typing import Any

import structlog

from metier.errors import Invalid
from metier.settings import Settings

SECRET_KEYS = ("password", "token", "secret", "authorization", "cookie", "api_key")
HIDDEN = "***"
SHORTEST_SECRET = 8  # characters; shorter values would hide ordinary words


def configure_logs() -> None:
    """Send logs to standard error, from the level that the settings say."""
    try:
        settings = Settings.load()
    except Invalid:  # the command itself says what is wrong
        settings = None
    level = settings.log_level if settings else "info"
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redactor(_secrets(settings) if settings else ()),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def redactor(secrets: Collection[str]) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    """Make the step that takes secrets out of a log line, by key and by value."""

    def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: HIDDEN if _is_secret(key) else _without(value, secrets) for key, value in event.items()}

    return redact


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in SECRET_KEYS) and not key.lower().endswith("tokens")


def _without(value: Any, secrets: Collection[str]) -> Any:
    """Hide secrets in what a value shows itself as; other values stay what they are."""
    text = value if isinstance(value, str) else repr(value)
    found = [secret for secret in secrets if secret in text]
    for secret in found:
        text = text.replace(secret, HIDDEN)
    return text if found else value


def _secrets(settings: Settings) -> list[str]:
    """Give the values of all settings that do not show themselves."""
    hidden = [getattr(settings, name) for name, field in Settings.model_fields.items() if not field.repr]
    return [value for value in hidden if isinstance(value, str) and len(value) >= SHORTEST_SECRET]
