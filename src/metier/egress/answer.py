"""An answer while it is read, and what goes wrong on the way, in our words."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from metier.egress.guard import Refused
from metier.errors import RefusedAddress, Unreachable


@dataclass(frozen=True)
class Limits:
    """How long and how much.

    Attributes:
        connect_s: Until a connection stands: name, TCP, TLS.
        first_byte_s: Until the head of the answer, and again until the first piece of its body.
        between_s: Between two pieces of the body.
        total_s: For everything.
        max_bytes: Of the body, after inflation.
        cut: Give the beginning of a body that has more, and its end there, instead of an error.
        redirects: To follow; 0 gives a redirect to the caller as it is.
        stay: Follow redirects on the same host only; one that leads elsewhere is given to the caller as it is.
    """

    connect_s: float = 10.0
    first_byte_s: float = 30.0
    between_s: float = 30.0
    total_s: float = 60.0
    max_bytes: int = 10 * 1024 * 1024
    cut: bool = False
    redirects: int = 5
    stay: bool = False


@dataclass(frozen=True)
class Reply:
    """A whole answer; `whole` is False if its body is only the beginning of what there was (`Limits.cut`)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


class Answer:
    """An answer that is being read; made by `Egress.stream`, and closed by it."""

    def __init__(self, response: aiohttp.ClientResponse, limits: Limits, deadline: float) -> None:
        self._response = response
        self._limits = limits
        self._wait = limits.first_byte_s
        self._bytes = 0
        self._watch = _Watch(response, deadline)
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.whole = True  # until a body was cut

    async def piece(self, *, within_s: float | None = None) -> bytes:
        """Give what has come of the body since the last call; `b""` is the end.

        Raises:
            Unreachable: The body ended early, is too large, or came too slowly.
        """
        if not self.whole:
            return b""
        self._watch.wait(self._wait if within_s is None else within_s)
        try:
            piece = await self._response.content.readany()
        except _BODY_FAULTS as error:
            late = TimeoutError() if self._watch.struck else error
            raise translated(self._response.url, late, in_body=True) from None
        finally:
            self._watch.rest()
        self._wait = self._limits.between_s
        self._bytes += len(piece)
        over = self._bytes - self._limits.max_bytes
        return piece if over <= 0 else self._cut(piece[:-over])

    def _cut(self, fitting: bytes) -> bytes:
        self._response.close()
        if not self._limits.cut:
            problem = f"its answer is larger than {self._limits.max_bytes:,} bytes"
            raise Unreachable(place_name(self._response.url), problem, kind="too_large")
        self.whole = False
        return fitting

    async def body(self) -> bytes:
        """Read the rest."""
        pieces: list[bytes] = []
        while piece := await self.piece():
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Give the connection back if all was read, else close it."""
        self._watch.end()
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


#: `RuntimeError` is what aiohttp's reader raises on a connection that was lost between two reads.
_BODY_FAULTS = (aiohttp.ClientError, TimeoutError, OSError, RuntimeError)


class _Watch:
    """Closes a response that is waited for too long.

    One timer for all reads, set anew only when it goes off: a timer per read would cost as much as the read.
    """

    def __init__(self, response: aiohttp.ClientResponse, deadline: float) -> None:
        self.struck = False
        self._response = response
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, seconds: float) -> None:
        """Begin to wait."""
        self._due = min(self._loop.time() + seconds, self._deadline)
        if self._timer is None or self._due < self._timer.when():
            self._set(self._due)

    def rest(self) -> None:
        """Stop waiting: nobody is reading."""
        self._due = None

    def end(self) -> None:
        """Stop for good."""
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, when: float) -> None:
        self.end()
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() < self._due:
            self._set(self._due)
        else:
            self.struck = True
            self._response.close()


def translated(url: URL, error: BaseException, *, in_body: bool = False) -> RefusedAddress | Unreachable:
    """Make our error of aiohttp's: its own words may hold a query or a header."""
    refusal = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    host = place_name(url)
    match refusal:
        case Refused():
            return RefusedAddress(f"{url.scheme}://{host}", str(refusal))
        case aiohttp.InvalidURL():
            return RefusedAddress(f"{url.scheme}://{host}", "this is not a canonical IP address")
        case TimeoutError():
            return Unreachable(host, "it took too long", kind="timeout")
        case _ if in_body:
            return Unreachable(host, "its answer ended early", kind="cut_off")
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | BrokenPipeError():
            return Unreachable(host, "it closed the connection")
        case socket.gaierror():
            return Unreachable(host, "its name is not known")
        case ConnectionRefusedError():
            return Unreachable(host, "nothing listens there")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return Unreachable(host, "its TLS certificate is not valid for it")
        case aiohttp.ClientResponseError():
            return Unreachable(host, "its answer is not HTTP that can be read")
        case _:
            return Unreachable(host, f"the connection failed ({type(refusal).__name__})")


def place_name(url: URL) -> str:
    """Name a server: host and port, nothing of path and query."""
    return f"{url.host}:{url.port}"
