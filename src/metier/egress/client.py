"""Asking other servers: connections, redirects, credentials."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import aiohttp
from yarl import URL

from metier.egress.answer import Answer, Limits, Reply, place_name, translated
from metier.egress.guard import PORTS, Guard, Lookup, Place, look_up_name, place_of
from metier.errors import Unreachable

REDIRECTS = frozenset({301, 302, 303, 307, 308})
CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})


@dataclass(frozen=True)
class Secret:
    """A header's value that is put in at send time and shows itself nowhere else."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***"


class Egress:
    """Outgoing HTTP under one guard and one pool of connections.

    Args:
        allow: Inner places that whoever holds this object may reach besides the public internet.
        ports: Open to all on the public internet.
        look_up: Resolves a name; tests give their own.
    """

    def __init__(
        self, allow: Collection[Place] = (), *, ports: Collection[int] = PORTS, look_up: Lookup = look_up_name
    ) -> None:
        self._guard = Guard(allow, ports, look_up)
        self._look_up = look_up
        self._session: aiohttp.ClientSession | None = None
        self._children: list[Egress] = []

    def trusting(self, base_url: str) -> "Egress":
        """Make a way out that may also reach the place of an operator-set URL; closed with this one.

        It has its own connections: a pooled connection to an inner place is never used by anybody else.

        Raises:
            Invalid: It is not an http or https URL with a host and without a user.
        """
        allow = {*self._guard.allow, place_of(base_url)}
        child = Egress(allow, ports=self._guard.ports, look_up=self._look_up)
        self._children.append(child)
        return child

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | Secret] | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Ask, and read the answer piece by piece; leaving the block closes it.

        Raises:
            RefusedAddress: The URL, or a redirect, leads to where the guard does not let pass.
            Unreachable: No answer in time, or too many redirects.
        """
        limits = limits or Limits()
        deadline = asyncio.get_running_loop().time() + limits.total_s
        response = await self._follow(method, self._guard.check_url(url), dict(headers or {}), body, limits, deadline)
        answer = Answer(response, limits, deadline)
        try:
            yield answer
        finally:
            answer.close()

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | Secret] | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
    ) -> Reply:
        """Ask, and give the whole answer; errors as in `stream`."""
        async with self.stream(method, url, headers=headers, body=body, limits=limits) as answer:
            return Reply(answer.status, answer.headers, await answer.body())

    async def aclose(self) -> None:
        """Close all connections, those of the trusting ones too."""
        for child in self._children:
            await child.aclose()
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _follow(
        self,
        method: str,
        url: URL,
        headers: dict[str, str | Secret],
        body: bytes | None,
        limits: Limits,
        deadline: float,
    ) -> aiohttp.ClientResponse:
        for _ in range(limits.redirects + 1):
            response = await self._send(method, url, headers, body, limits, deadline)
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or not location or not limits.redirects:
                return response
            response.close()
            target = self._guard.check_redirect(url, location)
            if target.origin() != url.origin():
                headers = _without_credentials(headers)
            if response.status == 303 or (response.status < 303 and method == "POST"):
                method, body, headers = "GET", None, _without_body(headers)
            url = target
        raise Unreachable(place_name(url), f"it redirected more than {limits.redirects} times", kind="redirects")

    async def _send(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str | Secret],
        body: bytes | None,
        limits: Limits,
        deadline: float,
    ) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=None, connect=limits.connect_s)
        head_by = asyncio.get_running_loop().time() + limits.connect_s + limits.first_byte_s
        try:
            async with asyncio.timeout_at(min(head_by, deadline)):
                return await self._open().request(
                    method, url, headers=_revealed(headers), data=body, timeout=timeout, allow_redirects=False
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise translated(url, error) from None  # its chain would show what the words leave out

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=self._guard,
                socket_factory=self._guard.open_socket,
                limit=0,  # whoever asks has a limit of its own; a full pool would look like a slow server
            )
            self._session = aiohttp.ClientSession(
                connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _revealed(headers: Mapping[str, str | Secret]) -> dict[str, str]:
    return {name: value.value if isinstance(value, Secret) else value for name, value in headers.items()}


def _without_credentials(headers: Mapping[str, str | Secret]) -> dict[str, str | Secret]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in CREDENTIALS and not isinstance(value, Secret)
    }


def _without_body(headers: Mapping[str, str | Secret]) -> dict[str, str | Secret]:
    return {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
