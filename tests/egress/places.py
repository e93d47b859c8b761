"""Every place from which Metier connects to another server, as something that can be sent to a URL.

In each, the port of the URL is open to all on the public internet, so that only the host can be what is refused.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from metier import health
from metier.access import NamedSecret, Outside, Secrets
from metier.builtin.providers.openai import providers
from metier.builtin.tools.http import HTTP_REQUEST
from metier.cli.conversation import There
from metier.egress import Egress
from metier.llm.messages import Request, user
from metier.schema import Validators
from metier.settings import Settings
from metier.testing import FrozenClock
from tests.egress.origin import Origin, redirect

Go = Callable[[str], Awaitable[object]]  # asks the URL, or is redirected to it; may raise anything


@dataclass(frozen=True)
class Place:
    """A place from which one goes out.

    Attributes:
        module: Where its code is.
        opened: Gives, for the port that is open, the way to send the place to a URL.
        redirects: Whether it is a redirect that leads there; such a URL is a header, so it is one line.
    """

    name: str
    module: str
    opened: Callable[[int], AbstractAsyncContextManager[Go]]
    redirects: bool = False

    def takes(self, url: str) -> bool:
        """Say whether the place can be sent there."""
        return not self.redirects or url.isprintable()


async def _knows_all(host: str, port: int) -> Sequence[str]:
    """Resolve as an inner name server might: whatever the name, it is this machine."""
    return ["127.0.0.1", "::1"]


def _way_out(port: int, *allow: tuple[str, int]) -> Egress:
    return Egress(allow, ports=[port], look_up=_knows_all)


@asynccontextmanager
async def _fetched(port: int) -> AsyncGenerator[Go]:
    async with _way_out(port) as egress:
        yield lambda url: egress.fetch("GET", url)


@asynccontextmanager
async def _streamed(port: int) -> AsyncGenerator[Go]:
    async def go(url: str) -> None:
        async with egress.stream("POST", url, body=b"x") as answer:
            await answer.body()

    async with _way_out(port) as egress:
        yield go


@asynccontextmanager
async def _trusting_another(port: int) -> AsyncGenerator[Go]:
    async with _way_out(port) as egress:
        trusting = egress.trusting("http://127.0.0.1:9/v1")
        yield lambda url: trusting.fetch("GET", url)


@asynccontextmanager
async def _allowed_another(port: int) -> AsyncGenerator[Go]:
    async with _way_out(port, ("127.0.0.1", 9), ("localhost", 9), ("wiki.local", port)) as egress:
        yield lambda url: egress.fetch("GET", url)


def _redirected(status: int) -> Callable[[int], AbstractAsyncContextManager[Go]]:
    @asynccontextmanager
    async def opened(port: int) -> AsyncGenerator[Go]:
        async with Origin() as gate, _way_out(port, ("127.0.0.1", gate.port)) as egress:

            def go(url: str) -> Awaitable[object]:
                gate.pages["/"] = redirect(url, status)
                return egress.fetch("GET", f"{gate.url}/")

            yield go

    return opened


@asynccontextmanager
async def _model_answered(port: int) -> AsyncGenerator[Go]:
    async with Origin() as gate, _way_out(port) as egress:
        settings = Settings.for_tests(Path("unused"), openai_compatible_base_url=f"{gate.url}/v1")
        (provider,) = providers(settings, egress, FrozenClock())

        async def go(url: str) -> None:
            gate.pages["/v1/models"] = gate.pages["/v1/chat/completions"] = redirect(url, 307)
            async for _ in provider.stream(Request("compatible/test", (user("Hello"),))):
                pass

        yield go


@asynccontextmanager
async def _models_listed(port: int) -> AsyncGenerator[Go]:
    async with Origin() as gate, _way_out(port) as egress:
        settings = Settings.for_tests(Path("unused"), openai_compatible_base_url=f"{gate.url}/v1")
        (provider,) = providers(settings, egress, FrozenClock())

        async def go(url: str) -> None:
            gate.pages["/v1/models"] = redirect(url)
            async for _ in provider.stream(Request("compatible/default", (user("Hello"),))):
                pass

        yield go


@asynccontextmanager
async def _server_looked_at(port: int) -> AsyncGenerator[Go]:
    async with Origin() as gate:
        settings = Settings.for_tests(Path("unused"), host="127.0.0.1", port=gate.port)
        outs = partial(Egress, ports=[port], look_up=_knows_all)

        def go(url: str) -> Awaitable[object]:
            gate.pages["/healthz"] = redirect(url)
            return health._served(settings)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(health, "Egress", outs)
            yield go


@asynccontextmanager
async def _server_asked(port: int) -> AsyncGenerator[Go]:
    async with Origin() as gate, _way_out(port) as egress:
        there = There(egress.trusting(gate.url), gate.url, "mk_token")

        def go(url: str) -> Awaitable[object]:
            gate.pages["/api/v1/threads"] = redirect(url)
            return there.begin(agent=None, model=None)

        yield go


@asynccontextmanager
async def _schema_compiled(port: int) -> AsyncGenerator[Go]:
    async def go(url: str) -> None:
        for schema in ({"$ref": url}, {"$schema": url}, {"$dynamicRef": url}, {"$id": url, "$ref": "other"}):
            await asyncio.to_thread(Validators().problems, schema, {"a": 1})  # a library's own client would block

    yield go


@asynccontextmanager
async def _tool_called(port: int) -> AsyncGenerator[Go]:
    async with _way_out(port) as egress:
        ctx: Any = SimpleNamespace(
            actor=SimpleNamespace(workspace_id=UUID(int=1)), outside=Outside(egress, NoSecrets())
        )
        yield lambda url: HTTP_REQUEST.run(ctx, {"url": url})


class NoSecrets(Secrets):
    """Of a workspace without any, and without a database."""

    def __init__(self) -> None:
        pass

    async def usable(self, workspace_id: UUID) -> list[NamedSecret]:
        return []

    async def hide_all(self, workspace_id: UUID) -> None:
        pass


CLIENT, ASK, HEALTH = "metier.egress.client", "metier.cli.conversation", "metier.health"
DRIVER = "metier.builtin.providers.openai.driver"

PLACES = (
    Place("fetch", CLIENT, _fetched),
    Place("stream", CLIENT, _streamed),
    Place("fetch where another inner place is trusted", CLIENT, _trusting_another),
    Place("fetch where other inner places are allowed", CLIENT, _allowed_another),
    *(Place(f"redirect {status}", CLIENT, _redirected(status), redirects=True) for status in (301, 302, 303, 307, 308)),
    Place("answer of a model's server", DRIVER, _model_answered, redirects=True),
    Place("list of a model's server", DRIVER, _models_listed, redirects=True),
    Place("look at the server's port", HEALTH, _server_looked_at, redirects=True),
    Place("ask --url", ASK, _server_asked, redirects=True),
    Place("http_request", "metier.access.outside", _tool_called),
    Place("reference in a JSON Schema", "metier.schema", _schema_compiled),
)

#: Modules that hand the way out on and ask nothing themselves.
HAND_ON = {
    "metier.app",
    "metier.llm.discovery",
    "metier.builtin.providers.openai",
}
