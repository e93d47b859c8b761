"""New records: a form of what the person may set, as a page of its own or in the panel beside a list."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Action, Actor, check
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import MetierError
from metier.records import settable_fields
from metier.records.shape import Field, ObjectType
from metier.web import entry
from metier.web.editing import BY_HAND, done_url, form_inputs
from metier.web.pages import fragment, page, pages_of, swap_target


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/o/{name}/new", show_form, response_class=Response)
    routes.add_api_route("/o/{name}/new", create, methods=["POST"], response_class=Response)
    return routes


async def show_form(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Show the empty form; values in the address are filled in."""
    kind = await house.records.object(actor, name)
    check(actor, Action.CREATE, kind.name)
    inputs = await entry.labelled(house.records, actor, kind, dict(request.query_params))
    return await _form(request, house, actor, kind, inputs)


async def create(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Create the record and show it."""
    kind = await house.records.object(actor, name)
    inputs = await form_inputs(request)
    try:
        values = await entry.values_of(house.records, actor, entry.sent(_fields(kind, actor), inputs), inputs, {})
        given = {name: value for name, value in values.items() if value is not None}
        written = await house.records.create(actor, kind.name, given, cause=BY_HAND)
    except MetierError as error:
        if error.status not in (409, 422):
            raise
        return await _form(request, house, actor, kind, inputs, entry.Wrong.of(error, kind))
    url = done_url(f"/o/{kind.name}/{written.one.id}", written)
    if request.headers.get("HX-Request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": url})
    return RedirectResponse(url, status_code=303)


def _fields(kind: ObjectType, actor: Actor) -> list[Field]:
    """Give what may be set, what names the record first."""
    settable = settable_fields(kind, actor)
    return sorted((f for f in kind.fields if f.name in settable), key=lambda field: field.name != kind.title)


async def _form(
    request: Request,
    house: Metier,
    actor: Actor,
    kind: ObjectType,
    inputs: Mapping[str, str],
    wrong: entry.Wrong | None = None,
) -> Response:
    writing = pages_of(request).reading(actor)
    fields = _fields(kind, actor)
    values: dict[str, Any] = {
        "kind": kind,
        "fields": fields,
        "objects": {one.name: one for one in await house.records.objects(actor)},
        "inputs": {name: text for f in fields for name, text in entry.filled(f, None, writing).items()} | dict(inputs),
        "wrong": wrong,
    }
    status = 422 if wrong else 200
    if swap_target(request) == "side":
        return fragment(request, "records/_new.html", actor=actor, status=status, panel=True, **values)
    return await page(request, "records/new.html", actor=actor, status=status, panel=False, **values)
