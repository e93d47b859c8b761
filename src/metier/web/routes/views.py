"""Looking as a role or a member: where it is begun, and the button that ends it."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access.views import FLAG
from metier.actor import Actor, check_flag
from metier.api.auth import Asker, House, Looker
from metier.api.views import token_of
from metier.app import Metier
from metier.errors import MetierError
from metier.web.forms import own_path, read_form
from metier.web.pages import page


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/settings/view-as")
    routes.add_api_route("", show_sights)
    routes.add_api_route("", begin, methods=["POST"], response_class=Response)
    routes.add_api_route("/stop", stop, methods=["POST"], response_class=Response)
    return routes


async def show_sights(request: Request, house: House, actor: Asker) -> Response:
    """Show whom one can look as."""
    check_flag(actor, FLAG)
    return await _sights_page(request, house, actor)


async def begin(request: Request, house: House, actor: Asker) -> Response:
    """Look as a role or a member, and begin where they would."""
    given = await read_form(request, "role", "member")
    try:
        await house.access.begin_view(
            actor, token_of(request, actor), role=given["role"] or None, member=given["member"] or None
        )
    except MetierError as error:
        return await _sights_page(request, house, actor, error)
    return RedirectResponse("/", status_code=303)


async def stop(request: Request, house: House, actor: Looker) -> Response:
    """Look as oneself again, at the same page."""
    given = await read_form(request, "back")
    await house.access.end_view(actor, token_of(request, actor))
    return RedirectResponse(own_path(given["back"]), status_code=303)


async def _sights_page(request: Request, house: Metier, actor: Actor, error: MetierError | None = None) -> Response:
    return await page(
        request,
        "settings/view_as.html",
        actor=actor,
        status=error.status if error else 200,
        sights=await house.access.sights(actor),
        problem=error.message if error else None,
    )
