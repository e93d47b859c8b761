"""Hosts as people list them: `api.example.com`, or `*.example.com` for all below it."""

import ipaddress
import re
from collections.abc import Iterable

from yarl import URL

from metier.egress.addresses import is_address, plain_host
from metier.errors import Invalid, Problem

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")


def clean_host(text: str, path: str = "host") -> str:
    """Give a host as it is listed and compared: lower case, in ASCII, without a final dot.

    >>> clean_host("API.Example.com."), clean_host("*.bücher.example"), clean_host("[2606:4700::1]")
    ('api.example.com', '*.xn--bcher-kva.example', '2606:4700::1')

    Raises:
        Invalid: It is no host, or stands for too many.
    """
    wild, bare = ("*.", text.strip()[2:]) if text.strip().startswith("*.") else ("", text.strip())
    host = _read(bare)
    if host is None:
        problem = f"{text!r} is no host; leave out scheme, port and path"
        raise Invalid.of([Problem(path, problem, example="api.example.com")], what="The list of hosts")
    if wild and ("." not in host or is_address(host)):
        problem = f"{text!r} stands for too many; name a domain of your own after the star"
        raise Invalid.of([Problem(path, problem, example="*.example.com")], what="The list of hosts")
    return wild + host


def host_of(url: str) -> str | None:
    """Give the host of a URL as it is compared; None if it cannot be read."""
    try:
        return _read(URL(url).raw_host or "")
    except (ValueError, IndexError):
        return None


def covers(listed: Iterable[str], host: str) -> bool:
    """Say whether a host is one of those listed, or below one with a star; both as `clean_host` gives them.

    >>> covers(["*.example.com"], "api.example.com"), covers(["*.example.com"], "example.com")
    (True, False)
    """
    return any(host.endswith(one[1:]) if one.startswith("*.") else host == one for one in listed)


def _read(text: str) -> str | None:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        if ":" in bare or is_address(bare):
            return None if "%" in bare else str(ipaddress.ip_address(bare))
        found = plain_host(URL.build(scheme="http", host=text.rstrip(".")).raw_host or "")
    except (ValueError, IndexError):
        return None
    return found if len(found) <= 253 and _NAME.fullmatch(found) else None
