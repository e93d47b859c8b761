"""Who asks: a Bearer key or the sign-in cookie becomes an Actor, looked up for every request."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from metier.actor import Actor, check_acts
from metier.api.errors import answer
from metier.app import Metier
from metier.errors import Forbidden, NotSignedIn
from metier.health import Checkup

SIGN_IN_COOKIE = "metier_sign_in"
VIEW_HEADER = "Metier-View-As"  # `role:sales-rep` or `member:ada@example.com`
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def metier_of(request: Request) -> Metier:
    """Give the Metier that serves this request."""
    return request.app.state.metier


def checkup_of(request: Request) -> Checkup:
    """Give what looks after the health of this server."""
    return request.app.state.checkup


async def current_actor(request: Request) -> Actor:
    """Give who asks; whoever only looks as another (`Metier-View-As`, or begun in the browser) changes nothing.

    Raises:
        NotSignedIn: No credential, or one that is unknown, expired or revoked.
        OnlyViewing: The request is one to change something, and who asks looks as another.
    """
    actor = await looking_actor(request)
    if request.method not in _SAFE_METHODS:
        check_acts(actor)
    return actor


async def looking_actor(request: Request) -> Actor:
    """Give who asks, for a request that changes nothing though it is a POST, or that ends a view.

    Raises:
        NotSignedIn: No credential, or one that is unknown, expired or revoked.
    """
    actor = await _asking(request)
    if view := request.headers.get(VIEW_HEADER):
        what = f"{request.method} {request.url.path}"
        return await metier_of(request).access.look(actor, view, what)
    return actor


async def _asking(request: Request) -> Actor:
    access = metier_of(request).access
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return await access.actor_for_key(token.strip())
    if cookie := request.cookies.get(SIGN_IN_COOKIE):
        return await access.actor_for_sign_in(cookie)
    raise NotSignedIn


async def _house(request: Request) -> Metier:  # async, for FastAPI sends other functions through a thread
    return metier_of(request)


House = Annotated[Metier, Depends(_house)]
Asker = Annotated[Actor, Depends(current_actor)]
Looker = Annotated[Actor, Depends(looking_actor)]  # of routes that change nothing, whatever their method


class OriginCheck:
    """Refuses unsafe requests that a browser sends from another site (S-53)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS and _from_elsewhere(Request(scope)):
            error = Forbidden("This request came from another site.", cure="Send it from Metier's own pages.")
            await answer(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _from_elsewhere(request: Request) -> bool:
    if request.headers.get("authorization"):
        return False  # a key is never sent by itself
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")
