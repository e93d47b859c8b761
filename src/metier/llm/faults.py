"""What went wrong at a vendor, in our words; and trying again before anything was said."""

import random
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import orjson

from metier.clock import Clock
from metier.errors import MetierError, ProviderDown, Unreachable
from metier.llm.messages import Chunk

TRIES = 3
FIRST_WAIT_S = 0.5  # doubles with each try; between half of it and all of it, by chance
MAX_RETRY_AFTER_S = 20.0  # a server that asks for more is not waited for: the caller is told
MAX_WORDS = 300  # characters of a vendor's own message that are passed on

_CONTEXT = re.compile(
    r"context[ _](length|window|size)|maximum context|too many tokens|prompt is too long", re.IGNORECASE
)


async def with_back_off(
    attempt: Callable[[], AsyncGenerator[Chunk, None]], clock: Clock, *, jitter: Callable[[], float] = random.random
) -> AsyncGenerator[Chunk, None]:
    """Stream an attempt's chunks; start another if one fails in a way that may pass before it said anything.

    `jitter` gives a number from 0 to 1.
    """
    for tried in range(TRIES):
        said = False
        try:
            async with aclosing(attempt()) as stream:
                async for chunk in stream:
                    said = True
                    yield chunk
            return
        except ProviderDown as fault:
            wait_s = None if said else _wait_s(fault, tried, jitter())
            if wait_s is None:
                raise
        await clock.sleep(wait_s)


def _wait_s(fault: ProviderDown, tried: int, chance: float) -> float | None:
    if not fault.retryable or tried + 1 >= TRIES:
        return None
    if fault.retry_after_s is not None:
        return fault.retry_after_s if fault.retry_after_s <= MAX_RETRY_AFTER_S else None
    return FIRST_WAIT_S * 2**tried * (0.5 + chance / 2)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read how long a server asks to wait (RFC 9110, 10.2.3: seconds or a date; OpenAI adds milliseconds)."""
    try:
        if millis := headers.get("retry-after-ms"):
            return max(0.0, float(millis) / 1000)
        value = headers.get("Retry-After")
        if value is None:
            return None
        if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):  # a date without zone, or no date at all
        return None


def of_status(
    provider: str, status: int, headers: Mapping[str, str], body: bytes, *, now: datetime, hide: Sequence[str] = ()
) -> ProviderDown:
    """Make the fault of an HTTP answer that is not an answer.

    `hide` are secrets that must not show, should the vendor repeat them.
    """
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    words, code = _said(parsed)
    kind, retryable = _kind(status, code, words)
    problem = f"HTTP {status}" + (f", {tidy(words, hide)!r}" if words else "")
    if status == 404:
        problem += "; is the base URL right, and does the model exist?"
    if status in range(300, 400):
        problem += "; it redirects, set the base URL to where it leads"
    wait = retry_after_s(headers, now) if retryable else None
    return ProviderDown(provider, problem, kind=kind, retryable=retryable, retry_after_s=wait)


def of_error(provider: str, error: Any, *, hide: Sequence[str] = ()) -> ProviderDown:
    """Make the fault of an error object inside a stream: `{"message", "type", "code"}`, or a text."""
    words, code = _said({"error": error})
    status = int(code) if code.isdigit() else 500
    kind, retryable = _kind(status, code, words)
    if "invalid_request" in code:
        kind, retryable = ("context" if _CONTEXT.search(words) else "rejected"), False
    return ProviderDown(provider, tidy(words, hide) or "an error without words", kind=kind, retryable=retryable)


def of_connection(provider: str, error: MetierError) -> ProviderDown:
    """Make the fault of a connection that failed (`Unreachable`) or was refused (`RefusedAddress`)."""
    if not isinstance(error, Unreachable):
        return ProviderDown(provider, error.message, kind="rejected", retryable=False)
    if error.kind in ("timeout", "network", "cut_off"):
        return ProviderDown(provider, error.message, kind=error.kind)
    return ProviderDown(provider, error.message, kind="malformed", retryable=False)


def tidy(words: str, hide: Sequence[str] = ()) -> str:
    """Make a vendor's message fit to show: one line, not long, without our secrets."""
    for secret in hide:
        if secret:
            words = words.replace(secret, "***")
    line = " ".join(words.split())
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1] + "…"


def _said(body: Any) -> tuple[str, str]:
    """Find message and code in the shapes vendors use; both may be empty."""
    if not isinstance(body, dict):
        return "", ""
    error: Any = cast("dict[str, Any]", body).get("error", body)
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return "", ""
    fields = cast("dict[str, Any]", error)  # JSON objects have text keys
    words = fields.get("message") or fields.get("detail") or ""
    code = " ".join(str(fields[key]) for key in ("code", "type") if fields.get(key))
    return (words if isinstance(words, str) else str(words)), code


def _kind(status: int, code: str, words: str) -> tuple[str, bool]:
    """Give kind and whether the same request may succeed later."""
    if status == 413 or "context_length" in code or (status in (400, 422) and _CONTEXT.search(words)):
        return "context", False
    if status in (401, 403) or "invalid_api_key" in code or "authentication" in code:
        return "auth", False
    if status == 429 or "rate_limit" in code or "insufficient_quota" in code:
        return "rate_limited", "insufficient_quota" not in code
    if status == 408:
        return "timeout", True
    if status >= 500 and status != 501:
        return "server", True
    return "rejected", status in (409, 425)
