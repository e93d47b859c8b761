"""Hiding: secrets stand in nothing that is logged, told or stored, neither under a telling key nor as a value (S-34).

A Redactor knows the values of one Metier. Logs are one for the whole process, so a logger of `get_logger` hides what
any living Redactor knows, whatever else the program has configured for structlog.
"""

import logging
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, cast
from urllib.parse import quote, quote_plus
from uuid import UUID
from weakref import WeakSet

import orjson
import structlog

HIDDEN = "***"
SHORTEST = 8  # characters of a value; a shorter one would take ordinary words with it

#: Parts of a key that tell: what stands under it is a credential.
TELLING = ("password", "passwd", "token", "secret", "authorization", "cookie", "api_key", "apikey", "private_key")

#: How a text names a stored secret without telling it: `Bearer secret:STRIPE_KEY`.
HANDLE = re.compile(r"(?<![A-Za-z0-9_-])secret:([A-Za-z][A-Za-z0-9_-]*)")
_ONLY_NAMED = re.compile(rf"(?:[A-Za-z]+ )?{HANDLE.pattern}")

_living: "WeakSet[Redactor]" = WeakSet()  # logs are one for the process, and so is what they hide

Event = MutableMapping[str, Any]  # Any: whatever is logged


class Redactor:
    """Knows secret values, and takes them out of texts and JSON in each form they may come back in.

    Args:
        values: Those of the operator, hidden everywhere; what is shorter than `SHORTEST` is passed over.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._of: dict[UUID | None, dict[str, tuple[str, ...]]] = {}
        _living.add(self)
        for value in values:
            self.hide(value)

    def hide(self, value: str, *, of: UUID | None = None) -> None:
        """Hide a value from now on: in all that belongs to a workspace, or everywhere; in logs always."""
        known = self._of.setdefault(of, {})
        if len(value) >= SHORTEST and value not in known:
            known[value] = tuple(dict.fromkeys(_forms(value)))

    def text(self, text: str, *, of: UUID | None = None) -> str:
        """Give a text without the values of a workspace and of the operator."""
        return _without(text, self._needles(of))

    def value(self, value: Any, *, of: UUID | None = None) -> Any:
        """Give a JSON value without them, in keys and texts; the same object if there is none in it."""
        needles = list(self._needles(of))
        if not needles or not _any_in(orjson.dumps(value, default=str).decode(), needles):
            return value
        return _deep(value, needles)

    def forms(self) -> Iterator[str]:
        """Give all values in all forms."""
        for known in self._of.values():
            for forms in known.values():
                yield from forms

    def _needles(self, of: UUID | None) -> Iterator[str]:
        for scope in (None,) if of is None else (None, of):
            for forms in self._of.get(scope, {}).values():
                yield from forms


def is_telling(key: str) -> bool:
    """Say whether a credential stands under a key: `api_key`, `Set-Cookie`, but not `input_tokens`.

    >>> [is_telling(key) for key in ("X-Api-Key", "client_secret", "output_tokens", "name")]
    [True, True, False, False]
    """
    folded = key.lower().replace("-", "_")
    return any(word in folded for word in TELLING) and not folded.endswith("tokens")


def without_credentials(value: Any) -> Any:
    """Give a JSON value in which nothing stands under a telling key but handles of stored secrets."""
    match value:
        case Mapping():
            pairs = cast("Mapping[str, Any]", value).items()
            return {key: _hidden(item) if is_telling(key) else without_credentials(item) for key, item in pairs}
        case list() | tuple():
            return [without_credentials(item) for item in cast("Sequence[Any]", value)]
        case _:
            return value


def _hidden(value: Any) -> Any:
    names_one = isinstance(value, str) and _ONLY_NAMED.fullmatch(value)
    return HIDDEN if value and not names_one else value


def _forms(value: str) -> Iterator[str]:
    """Give what a value looks like after the usual wrappings: JSON, URL, Base64 at any offset."""
    raw = value.encode(errors="surrogatepass")
    yield value
    yield from (line for line in value.splitlines() if len(line) >= 2 * SHORTEST)
    yield orjson.dumps(raw.decode(errors="replace")).decode()[1:-1]
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote_plus(raw)
    for encode in (b64encode, urlsafe_b64encode):
        for offset in range(3):
            found = encode(bytes(offset) + raw).decode()[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]
            if len(found) >= SHORTEST:
                yield found


def _without(text: str, needles: Iterable[str]) -> str:
    for needle in needles:
        if needle in text:
            text = text.replace(needle, HIDDEN)
    return text


def _any_in(text: str, needles: Iterable[str]) -> bool:
    """Say whether one of them is in a JSON text, where quotes and the like are written with a backslash."""
    return any(needle in text or orjson.dumps(needle).decode()[1:-1] in text for needle in needles)


def _deep(value: Any, needles: Sequence[str]) -> Any:
    match value:
        case str():
            return _without(value, needles)
        case Mapping():
            pairs = cast("Mapping[str, Any]", value).items()
            return {_without(key, needles): _deep(item, needles) for key, item in pairs}
        case list() | tuple():
            return [_deep(item, needles) for item in cast("Sequence[Any]", value)]
        case _:
            return value


# --- logs ------------------------------------------------------------------------------------------------------------


def get_logger(name: str = "metier") -> Any:  # Any: structlog's own
    """Give a logger of structlog that hides secrets before the program's own steps see a line."""
    return structlog.wrap_logger(None, wrapper_class=cast("Any", _bound), logger_factory_args=(name,))


def _bound(logger: Any, processors: Sequence[Callable[..., Any]], context: Any) -> Any:
    usual = structlog.get_config()["wrapper_class"]
    return usual(logger, processors=[hide_in_event, *processors], context=context)


def hide_in_event(logger: Any, method: str, event: Event) -> Event:
    """Take secrets out of a log line, by key and by value; a traceback becomes text first, for it may show values."""
    event = structlog.processors.format_exc_info(logger, method, event)
    if method == "exception":
        event["exc_info"] = None  # told already: else a later step adds it again, with the values of local variables
    needles = [form for redactor in list(_living) for form in redactor.forms()]
    return {key: HIDDEN if is_telling(key) else _shown(value, needles) for key, value in event.items()}


def _shown(value: Any, needles: Sequence[str]) -> Any:
    """Hide secrets in what a value shows itself as; a value without any stays what it is."""
    text = value if isinstance(value, str) else repr(without_credentials(value))
    hidden = _without(text, needles)
    changed = hidden != (value if isinstance(value, str) else repr(value))
    return hidden if changed else value


class HidingFormatter(logging.Formatter):
    """Writes the lines of libraries that log by themselves, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        return _without(super().format(record), [form for redactor in list(_living) for form in redactor.forms()])
