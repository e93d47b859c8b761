"""The start, the sign in the browser's tab, and the built files."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker
from metier.web.icons import LOGO
from metier.web.pages import pages_of


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/", start)
    routes.add_api_route("/favicon.svg", favicon)
    routes.add_api_route("/static/{name}", built_file)
    return routes


def home_of(actor: Actor) -> str:
    """Give where this member begins: the chat, or the records of whoever may not ask."""
    return "/chat" if actor.holds("AI") else "/o"


async def start(actor: Asker) -> Response:
    """Lead to where one works."""
    return RedirectResponse(home_of(actor), status_code=303)


async def favicon() -> Response:
    """Draw the sign of the browser's tab."""
    return Response(LOGO, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})


async def built_file(request: Request, name: str) -> Response:
    """Give a bundle."""
    return pages_of(request).assets.answer(request, name)
