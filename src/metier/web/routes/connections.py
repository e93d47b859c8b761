"""Connections: where agents may go by themselves, and what the operator has opened."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.api.hosts import opened
from metier.app import Metier
from metier.errors import MetierError
from metier.web.forms import read_form, wrong
from metier.web.pages import page

PAGE = "/settings/connections"


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=PAGE)
    routes.add_api_route("", show_connections)
    routes.add_api_route("", allow_host, methods=["POST"])
    routes.add_api_route("/remove", remove_host, methods=["POST"])
    return routes


async def show_connections(request: Request, house: House, actor: Asker) -> Response:
    """List the hosts on the list."""
    return await _page(request, house, actor)


async def allow_host(request: Request, house: House, actor: Asker) -> Response:
    """Put a host on the list."""
    given = await read_form(request, "host", "note")
    try:
        await house.hosts.allow(actor, given["host"], note=given["note"])
    except MetierError as error:
        return await _page(request, house, actor, given=given, error=error)
    return RedirectResponse(PAGE, status_code=303)


async def remove_host(request: Request, house: House, actor: Asker) -> Response:
    """Take a host off the list."""
    await house.hosts.disallow(actor, (await read_form(request, "host"))["host"])
    return RedirectResponse(PAGE, status_code=303)


async def _page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
) -> Response:
    return await page(
        request,
        "settings/connections.html",
        actor=actor,
        status=error.status if error else 200,
        hosts=await house.hosts.hosts(actor),
        operator=opened(house),
        given={"host": "", "note": ""} | dict(given or {}),
        **wrong(error, "host", "note"),
    )
