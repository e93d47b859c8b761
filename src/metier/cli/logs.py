"""What is logged, and where: one line each to standard error, without secrets (S-34)."""

import logging
import sys

import structlog

from metier.errors import Invalid
from metier.redaction import HidingFormatter, Redactor, hide_in_event
from metier.settings import Settings


def configure_logs() -> None:
    """Send logs to standard error, from the level that the settings say; those of libraries too, from warnings on."""
    try:
        settings = Settings.load()
    except Invalid:  # the command itself says what is wrong
        settings = None
    level = settings.log_level if settings else "info"
    redactor = Redactor(settings.hidden() if settings else ())

    def hide(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        assert redactor  # lives as long as the configuration does
        return hide_in_event(logger, method, event)

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    of_libraries = logging.StreamHandler(sys.stderr)
    of_libraries.setFormatter(HidingFormatter("%(asctime)s [%(levelname)s] %(message)s (%(name)s)"))
    logging.basicConfig(handlers=[of_libraries], level=logging.WARNING, force=True)
