"""Headers of requests that go out: which may be given, what they carry, and which go along to another server."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from metier.errors import Invalid, Problem
from metier.redaction import HANDLE

#: Only these go along when a redirect leads to another scheme, host or port: what else a header holds nobody knows.
HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})

#: How a request is framed, and whom it is for: the connection says so. Another `Host` than the URL's would reach a
#: server that nobody checked, behind one that somebody did.
OURS = frozenset(
    {
        *("connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "via"),
    }
)
USUAL = {"User-Agent": "Metier", "Accept-Encoding": "gzip, deflate"}  # those that aiohttp inflates by itself

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True)
class Secret:
    """A header's value that is put in at send time and shows itself nowhere else."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***"


Headers = Mapping[str, str | Secret]

#: Gives the value of the secret of this name for this host; raises what forbids it.
Reveal = Callable[[str, str], Awaitable[str]]


def check_request(method: str, headers: Headers) -> None:
    """Let a method and headers pass that make one request and no other.

    Raises:
        Invalid: One has characters that do not belong there, or a name that is the connection's own; no value is told.
    """
    problems = [problem for name, value in headers.items() if (problem := _problem(name, value))]
    if not _TOKEN.fullmatch(method):
        problems.append(Problem("method", "a method is one word", example="GET"))
    if problems:
        raise Invalid.of(problems, what="The request")


def _problem(name: str, value: str | Secret) -> Problem | None:
    path = f"headers.{name}" if _TOKEN.fullmatch(name) else "headers"
    if not _TOKEN.fullmatch(name):
        return Problem(path, "a header's name is one word of letters, digits and -", example="X-Request-Id")
    if name.lower() in OURS:
        return Problem(path, "this header is set by the connection itself; leave it out")
    plain = value.value if isinstance(value, Secret) else value
    if _CONTROL.search(plain) or not _encodable(plain):
        return Problem(path, "its value has characters that cannot be sent, such as a line's end")
    return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def secrets_in(headers: Headers) -> list[str]:
    """Give the names of the stored secrets whose handles the headers have."""
    texts = [value for value in headers.values() if isinstance(value, str)]
    return list(dict.fromkeys(name for text in texts for name in HANDLE.findall(text)))


async def revealed(headers: Headers, host: str, reveal: Reveal | None) -> dict[str, str]:
    """Give the headers as they are sent to a host: the values of secrets stand in place of their handles.

    Raises:
        Invalid: A secret's value cannot stand in a header.
    """
    names = secrets_in(headers) if reveal else []
    values = {name: _one_line(name, await reveal(name, host)) for name in names} if reveal else {}

    def filled(value: str | Secret) -> str:
        if isinstance(value, Secret):
            return value.value
        return HANDLE.sub(lambda handle: values[handle[1]], value) if names else value

    return {name: filled(value) for name, value in headers.items()}


def _one_line(name: str, value: str) -> str:
    if _CONTROL.search(value):
        raise Invalid.of([Problem("headers", f"the secret {name!r} has more than one line")], what="The request")
    return value


def for_elsewhere(headers: Headers) -> dict[str, str | Secret]:
    """Give what may go along to another server."""
    plain = {name: value for name, value in headers.items() if name.lower() in HARMLESS and isinstance(value, str)}
    return {name: value for name, value in plain.items() if not HANDLE.search(value)}


def without_body(headers: Headers) -> dict[str, str | Secret]:
    """Give the headers of a request that has no body any more."""
    return {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
