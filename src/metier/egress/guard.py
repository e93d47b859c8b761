"""What may be connected to: decides about the URL, about the addresses of its name, and about each socket.

All three are needed: aiohttp asks no resolver about an address in a URL or a redirect, and the address that was checked
must be the one that is connected to.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from metier.egress.addresses import is_address, is_public, plain_host
from metier.errors import Invalid, Problem, RefusedAddress

PORTS = (80, 443)

Place = tuple[str, int]  # host and port

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]


class Refused(OSError):
    """How resolver and socket factory refuse in aiohttp's terms; becomes RefusedAddress."""


async def look_up_name(host: str, port: int) -> Sequence[str]:
    """Ask the system for a name's addresses."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return [str(info[4][0]) for info in found]


class Guard(AbstractResolver):
    """Refuses every place that is not public, unless `allow` names its host and port."""

    def __init__(self, allow: Collection[Place], ports: Collection[int], look_up: Lookup) -> None:
        self.allow = frozenset((plain_host(host), port) for host, port in allow)
        self.ports = frozenset(ports)
        self._look_up = look_up
        self._allowed_addresses: dict[Place, frozenset[str]] = {}

    def check_url(self, text: str) -> URL:
        """Read a URL that may be asked.

        Raises:
            RefusedAddress: It may not, or cannot be read without doubt.
        """
        return self._checked(_read(text))

    def check_redirect(self, base: URL, location: str) -> URL:
        """Read where an answer sends us; errors as in `check_url`."""
        return self._checked(_read(str(base.join(_read(location.strip(" "))))))

    def check_private(self, url: URL) -> None:
        """Let a URL pass to which a stored secret may be sent: nobody on the way reads it.

        Raises:
            RefusedAddress: It is not https, and no place that the operator opened.
        """
        if url.scheme != "https" and (plain_host(url.raw_host or ""), url.port) not in self.allow:
            raise RefusedAddress(f"{url.scheme}://{url.raw_host}:{url.port}", "a secret is sent over https only")

    def _checked(self, url: URL) -> URL:
        host = url.raw_host or ""
        if why := self._objection(url, host):
            raise RefusedAddress(f"{url.scheme}://{host}:{url.port}", why)
        return url

    def _objection(self, url: URL, host: str) -> str | None:
        if url.scheme not in ("http", "https"):
            return "only http and https are spoken"
        if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", host):
            return "the host's name cannot be read without doubt"
        if "@" in url.raw_authority:
            return "a URL may not carry a user or password"
        if (plain_host(host), url.port) in self.allow:
            return None
        if url.port not in self.ports:
            return f"only the ports {', '.join(map(str, sorted(self.ports)))} are open"
        return self._address_objection(host)

    def _address_objection(self, host: str) -> str | None:
        if not is_address(host):
            return None
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return "this is not a canonical IP address"
        return None if is_public(host) else "the address is not public"

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Give the addresses of a name, all checked; aiohttp connects to one of these."""
        addresses = await self._look_up(host, port)
        place = (plain_host(host), port)
        if place in self.allow:
            self._allowed_addresses[place] = frozenset(addresses)
        elif not addresses or not all(is_public(address) for address in addresses):
            raise Refused("the name leads to an address that is not public")
        return [_resolved(host, address, port) for address in addresses]

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:  # getaddrinfo's tuple, as aiohttp hands it on
        """Make the socket of a connection, if its address may be connected to."""
        family, kind, protocol, _, (address, port, *_) = info
        if not is_public(address) and not self._is_allowed(address, port):
            raise Refused("the address is not public")
        return socket.socket(family=family, type=kind, proto=protocol)

    def _is_allowed(self, address: str, port: int) -> bool:
        if (plain_host(address), port) in self.allow:
            return True
        return any(address in known for (_, p), known in self._allowed_addresses.items() if p == port)

    async def close(self) -> None:
        """Nothing to let go of."""


def _read(text: str) -> URL:
    try:
        if _UNSEEN.search(text):  # some readers skip these, others do not
            raise ValueError
        return URL(text)
    except (ValueError, IndexError):  # yarl stumbles over brackets before an empty host
        scheme = re.sub(r"[^a-zA-Z]", "", text.partition(":")[0][:10])
        raise RefusedAddress(f"{scheme}:…", "this URL cannot be read") from None  # the rest may hold a secret


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def place_of(base_url: str) -> Place:
    """Give host and port of an operator-set URL.

    Raises:
        Invalid: It is not an http or https URL with a host and without a user.
    """
    try:
        url = URL(base_url)
    except (ValueError, IndexError):
        url = URL()
    if url.scheme not in ("http", "https") or not url.raw_host or not url.port or url.user is not None:
        problem = "expected http://HOST[:PORT]/… or https://HOST[:PORT]/… without user and password"
        raise Invalid.of([Problem("base_url", problem, example="http://127.0.0.1:11434/v1")], what="The base URL")
    return url.raw_host, url.port
