"""Signing in: with e-mail and password, by a one-time link, and the welcome on an empty home."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access import Welcome
from metier.api.auth import SIGN_IN_COOKIE, House, current_actor
from metier.errors import MetierError, NotSignedIn, TooManyRequests
from metier.web.cookies import drop_sign_in, keep_sign_in, keep_welcome
from metier.web.forms import own_path, read_form
from metier.web.pages import page
from metier.web.routes.home import home_of

LINK_COMMAND = "metier link"


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/login", show_login)
    routes.add_api_route("/login", sign_in, methods=["POST"])
    routes.add_api_route("/link/{token}", use_link)
    routes.add_api_route("/sign-out", sign_out, methods=["POST"])
    return routes


async def show_login(request: Request, house: House, next: str = "/") -> Response:
    """Ask for e-mail and password; whoever is signed in goes on."""
    if SIGN_IN_COOKIE in request.cookies:
        try:
            await current_actor(request)
            return RedirectResponse(own_path(next), status_code=303)
        except NotSignedIn:
            pass  # an old cookie: the form replaces it
    return await _login_page(request, house, next=own_path(next))


async def sign_in(request: Request, house: House) -> Response:
    """Check e-mail and password, and go on."""
    given = await read_form(request, "email", "password", "next")
    try:
        signed_in = await house.access.sign_in(given["email"], given["password"])
    except (NotSignedIn, TooManyRequests) as error:
        return await _login_page(
            request,
            house,
            next=own_path(given["next"]),
            email=given["email"],
            problem=error.message,
            status=error.status,
        )
    return keep_sign_in(request, RedirectResponse(own_path(given["next"]), status_code=303), signed_in)


async def _login_page(
    request: Request, house: House, *, next: str, email: str = "", problem: str | None = None, status: int = 200
) -> Response:
    workspaces = await house.access.workspaces()
    if not workspaces:
        return await page(request, "signin/nothing.html", actor=None)
    only = workspaces[0].name if len(workspaces) == 1 else None
    return await page(
        request,
        "signin/login.html",
        actor=None,
        status=status,
        next=next,
        email=email,
        problem=problem,
        workspace=only,
        link_command=LINK_COMMAND,
    )


async def use_link(request: Request, house: House, token: str) -> Response:
    """Sign in by a one-time link, or begin the welcome."""
    if "prefetch" in request.headers.get("sec-purpose", ""):
        return Response(status_code=503)  # a browser that reads ahead must not use the link up
    try:
        found = await house.access.use_link(token)
    except MetierError as error:
        return await page(
            request, "signin/link.html", actor=None, status=error.status, message=error.message, cure=None
        )
    if isinstance(found, Welcome):
        return keep_welcome(request, RedirectResponse("/welcome", status_code=303), found)
    return keep_sign_in(request, RedirectResponse(home_of(found.actor), status_code=303), found)


async def sign_out(request: Request, house: House) -> Response:
    """End the sign-in here and on the server."""
    if token := request.cookies.get(SIGN_IN_COOKIE):
        await house.access.sign_out(token)
    return drop_sign_in(RedirectResponse("/login", status_code=303))
