"""The page that an invitation's link leads to: who holds it becomes a member."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access.passwords import SHORTEST
from metier.api.auth import House
from metier.app import Metier
from metier.errors import MetierError, NotSignedIn
from metier.web.cookies import keep_sign_in
from metier.web.forms import read_form, time_zones, wrong
from metier.web.pages import page
from metier.web.routes.home import home_of

FIELDS = ("name", "password", "time_zone")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/invite/{token}", show_invitation)
    routes.add_api_route("/invite/{token}", accept, methods=["POST"])
    return routes


async def show_invitation(request: Request, house: House, token: str) -> Response:
    """Ask the invited one for name, password and time zone; looking uses nothing up."""
    return await _page(request, house, token, {})


async def accept(request: Request, house: House, token: str) -> Response:
    """Make them a member and sign them in."""
    given = await read_form(request, *FIELDS)
    try:
        signed_in = await house.access.accept(token, **given)
    except MetierError as error:
        return await _page(request, house, token, given, error)
    return keep_sign_in(request, RedirectResponse(home_of(signed_in.actor), status_code=303), signed_in)


async def _page(
    request: Request, house: Metier, token: str, given: Mapping[str, str], error: MetierError | None = None
) -> Response:
    try:
        invited = await house.access.invited(token)
    except NotSignedIn as gone:
        return await page(request, "signin/link.html", actor=None, status=gone.status, message=gone.message, cure=None)
    return await page(
        request,
        "signin/invite.html",
        actor=None,
        status=error.status if error else 200,
        invited=invited,
        given={"name": invited.name, "time_zone": ""} | dict(given),
        zones=time_zones(),
        shortest=SHORTEST,
        **wrong(error, *FIELDS),
    )
