"""Asking other servers: connections, redirects, credentials."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Self

import aiohttp
from yarl import URL

from metier.egress.addresses import plain_host
from metier.egress.answer import Answer, Limits, Reply, place_name, translated
from metier.egress.guard import PORTS, Guard, Lookup, Place, look_up_name, place_of
from metier.egress.headers import (
    USUAL,
    Headers,
    Reveal,
    check_request,
    for_elsewhere,
    revealed,
    secrets_in,
    without_body,
)
from metier.errors import Unreachable

REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class _Hop:
    """One request on the way to an answer."""

    method: str
    url: URL
    headers: Headers
    body: bytes | None
    reveal: Reveal | None = None

    def to(self, url: URL, status: int) -> "_Hop":
        """Give the request that follows a redirect (RFC 9110, 15.4): what another server gets is the bare question.

        Raises:
            Unreachable: The body would go to another server.
        """
        hop = replace(self, url=url)
        if (status == 303 and self.method != "HEAD") or (status in (301, 302) and self.method == "POST"):
            hop = replace(hop, method="GET", headers=without_body(self.headers), body=None)
        if _server(url) == _server(self.url):
            return hop
        if hop.body is not None:
            problem = f"it redirects to {url.origin()}, and what was sent is not sent on to another server"
            raise Unreachable(place_name(self.url), problem, kind="redirects")
        return replace(hop, headers=for_elsewhere(hop.headers))


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
        headers: Headers | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
        reveal: Reveal | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Ask, and read the answer piece by piece; leaving the block closes it.

        Args:
            reveal: Gives the values of stored secrets; with it, `secret:NAME` in a header is filled in as it is sent.

        Raises:
            Invalid: Method or headers are not those of one request.
            RefusedAddress: The URL, or a redirect, leads to where the guard does not let pass; or a stored secret would
                be sent unencrypted.
            Unreachable: No answer in time, too many redirects, or one that would take the body to another server.
        """
        limits = limits or Limits()
        deadline = asyncio.get_running_loop().time() + limits.total_s
        check_request(method, headers or {})
        hop = _Hop(method.upper(), self._guard.check_url(url), headers or {}, body, reveal)
        response = await self._follow(hop, limits, deadline)
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
        headers: Headers | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
        reveal: Reveal | None = None,
    ) -> Reply:
        """Ask, and give the whole answer; arguments and errors as in `stream`."""
        async with self.stream(method, url, headers=headers, body=body, limits=limits, reveal=reveal) as answer:
            body = await answer.body()
            return Reply(answer.status, answer.headers, body, whole=answer.whole)

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

    async def _follow(self, hop: _Hop, limits: Limits, deadline: float) -> aiohttp.ClientResponse:
        for _ in range(limits.redirects + 1):
            response = await self._send(hop, limits, deadline)
            location = response.headers.get("Location")
            if response.status not in REDIRECTS or not location or not limits.redirects:
                return response
            target = self._guard.check_redirect(hop.url, location)
            if limits.stay and _host(target) != _host(hop.url):
                return response
            response.close()
            hop = hop.to(target, response.status)
        raise Unreachable(place_name(hop.url), f"it redirected more than {limits.redirects} times", kind="redirects")

    async def _send(self, hop: _Hop, limits: Limits, deadline: float) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=None, connect=limits.connect_s)
        head_by = asyncio.get_running_loop().time() + limits.connect_s + limits.first_byte_s
        if hop.reveal and secrets_in(hop.headers):
            self._guard.check_private(hop.url)
        headers = await revealed(hop.headers, _host(hop.url), hop.reveal)
        try:
            async with asyncio.timeout_at(min(head_by, deadline)):
                return await self._open().request(
                    hop.method,
                    hop.url,
                    headers=headers,
                    data=hop.body,
                    timeout=timeout,
                    allow_redirects=False,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise translated(hop.url, error) from None  # its chain would show what the words leave out

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=self._guard,
                socket_factory=self._guard.open_socket,
                limit=0,  # whoever asks has a limit of its own; a full pool would look like a slow server
            )
            self._session = aiohttp.ClientSession(
                connector=connector, headers=USUAL, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _server(url: URL) -> tuple[str, str, int | None]:
    """Give what must stay the same for credentials to go along."""
    return url.scheme, _host(url), url.port


def _host(url: URL) -> str:
    return plain_host(url.raw_host or "")
