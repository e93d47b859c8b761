"""Settings, Data model: object types, their fields, what is hidden or archived, and every version."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor, check_flag
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.definitions import Format, Source
from metier.errors import Invalid, MetierError, Problem
from metier.records.kind import OBJECT, ObjectKind
from metier.records.shape import FieldType
from metier.web.forms import read_form, read_inputs, wrong
from metier.web.pages import page

URL = "/settings/data-model"
ABOUT = ("name", "label", "plural", "label_plural", "title", "description", "icon")
FIELD = ("name", "label", "type", "options", "target")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("", show_objects)
    routes.add_api_route("", create_object, methods=["POST"])
    routes.add_api_route("/{name}", show_object)
    routes.add_api_route("/{name}/fields", add_field, methods=["POST"])
    routes.add_api_route("/{name}/fields/{field}/hide", hide_field, methods=["POST"])
    routes.add_api_route("/{name}/fields/{field}/restore", restore_field, methods=["POST"])
    routes.add_api_route("/{name}/about", change_about, methods=["POST"])
    routes.add_api_route("/{name}/draft", save_draft, methods=["POST"])
    routes.add_api_route("/{name}/draft/publish", publish_draft, methods=["POST"])
    routes.add_api_route("/{name}/draft/discard", discard_draft, methods=["POST"])
    routes.add_api_route("/{name}/purge", purge_object, methods=["POST"])
    routes.add_api_route("/{name}/archive", archive_object, methods=["POST"])
    routes.add_api_route("/{name}/restore", restore_object, methods=["POST"])
    routes.add_api_route("/{name}/versions/{version}", show_version)
    routes.add_api_route("/{name}/versions/{version}/rollback", roll_back, methods=["POST"])
    return routes


# --- all object types ------------------------------------------------------------------------------------------------


async def show_objects(request: Request, house: House, actor: Asker) -> Response:
    """List the object types, and those that are archived."""
    return await _objects_page(request, house, actor)


async def create_object(request: Request, house: House, actor: Asker) -> Response:
    """Make an object type whose records have a name."""
    given = await read_form(request, "name", "label")
    body = {"name": given["name"], "label": given["label"] or None, "fields": [{"name": "name", "type": "text"}]}
    try:
        made = await house.data_model.create(actor, body)
    except MetierError as error:
        return await _objects_page(request, house, actor, given=given, error=error)
    return _to(made.name)


async def _objects_page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
) -> Response:
    check_flag(actor, ObjectKind.flag)
    return await page(
        request,
        "settings/data_model.html",
        actor=actor,
        status=error.status if error else 200,
        objects=await house.definitions.listed(actor, OBJECT),
        archived=await house.definitions.listed(actor, OBJECT, archived=True),
        given={"name": "", "label": ""} | dict(given or {}),
        **wrong(error, "name", "label"),
    )


# --- one object type -------------------------------------------------------------------------------------------------


async def show_object(request: Request, house: House, actor: Asker, name: str, saved: str = "") -> Response:
    """Show an object type with its fields and versions."""
    return await object_page(request, house, actor, name, saved=saved)


async def change_about(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Change what an object type is called, in tables, relations, roles and history too, and what names its records."""
    given = await read_form(request, *(f"object_{key}" for key in ABOUT))
    values = {key: given[f"object_{key}"] or None for key in ABOUT}
    try:
        changed = await house.data_model.change(actor, name, values)
    except MetierError as error:
        return await object_page(request, house, actor, name, given=given, error=_prefixed(error))
    return _to(changed.name, "object")


async def save_draft(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Keep what was written as a draft, right or wrong; what is live stays."""
    text = (await read_inputs(request)).first("source")
    source = Source(text.replace("\r\n", "\n").encode(), Format.JSON, f"{name}.json")
    try:
        if not text.strip():
            raise Invalid.of([Problem("source", "must hold an object type as JSON, of at most 20,000 characters")])
        await house.definitions.save_draft(actor, OBJECT, source, name=name)
    except MetierError as error:
        return await object_page(request, house, actor, name, given={"source": text}, error=error)
    return _to(name, "draft")


async def publish_draft(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Make the draft live."""
    try:
        published = await house.definitions.publish_draft(actor, OBJECT, name)
    except MetierError as error:
        return await object_page(request, house, actor, name, error=error)
    return _to(published.name, "object")


async def discard_draft(house: House, actor: Asker, name: str) -> Response:
    """Throw the draft away; of an object type that was never published nothing is left."""
    if await house.definitions.discard_draft(actor, OBJECT, name):
        return _to(name)
    return RedirectResponse(URL, status_code=303)


async def purge_object(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Remove an archived object type for ever with all its records, if its name is typed once more."""
    given = await read_form(request, "confirm")
    try:
        await house.definitions.purge(actor, OBJECT, name, confirm=given["confirm"])
    except MetierError as error:
        return await object_page(request, house, actor, name, given=given, error=error)
    return RedirectResponse(URL, status_code=303)


async def add_field(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Add a field."""
    given = await read_form(request, "name", "label", "type", "options", "target")
    try:
        await house.data_model.add_field(actor, name, _field(given))
    except MetierError as error:
        return await object_page(request, house, actor, name, given=given, error=error)
    return _to(name)


async def hide_field(request: Request, house: House, actor: Asker, name: str, field: str) -> Response:
    """Take a field out of all records; its values are kept."""
    try:
        await house.data_model.hide_field(actor, name, field)
    except MetierError as error:
        return await object_page(request, house, actor, name, error=error)
    return _to(name)


async def restore_field(request: Request, house: House, actor: Asker, name: str, field: str) -> Response:
    """Bring a hidden field back with its values."""
    try:
        await house.data_model.restore_field(actor, name, field)
    except MetierError as error:
        return await object_page(request, house, actor, name, error=error)
    return _to(name)


async def archive_object(house: House, actor: Asker, name: str) -> Response:
    """Take an object type out of sight."""
    await house.definitions.archive(actor, OBJECT, name)
    return RedirectResponse(URL, status_code=303)


async def restore_object(house: House, actor: Asker, name: str) -> Response:
    """Bring an archived object type back."""
    await house.definitions.restore(actor, OBJECT, name)
    return RedirectResponse(URL, status_code=303)


async def object_page(
    request: Request,
    house: Metier,
    actor: Actor,
    name: str,
    *,
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
    saved: str = "",
) -> Response:
    """Answer with an object type's page; with what was given and what is wrong with it."""
    found = await house.definitions.get(actor, OBJECT, name)
    objects = await house.definitions.listed(actor, OBJECT)
    live = found.archived_at is None and found.body is not None
    body = found.body or {}
    about = {f"object_{key}": str(body.get(key, "")) for key in ABOUT}
    return await page(
        request,
        "settings/data_object.html",
        actor=actor,
        status=error.status if error else 200,
        object=found,
        hidden=await house.data_model.hidden_fields(actor, found.name) if live else (),
        versions=await house.definitions.history(actor, OBJECT, found.name),
        types=[kind.value for kind in FieldType],
        targets=["member", *(one.name for one in objects)],
        titles=[own for own in body.get("fields", ()) if own["type"] in ("text", "full_name")],
        source=found.draft.source.text if found.draft else _written(body),
        diff=await house.definitions.diff(actor, OBJECT, found.name) if found.draft and found.draft.body else None,
        given=dict.fromkeys(FIELD, "") | {"source": "", "confirm": ""} | about | dict(given or {}),
        saved=saved,
        **wrong(error, *FIELD, *about, "source", "confirm"),
    )


# --- versions --------------------------------------------------------------------------------------------------------


async def show_version(request: Request, house: House, actor: Asker, name: str, version: int) -> Response:
    """Show what a version changed."""
    found = await house.definitions.get(actor, OBJECT, name)
    return await page(
        request,
        "settings/data_version.html",
        actor=actor,
        object=found,
        version=await house.definitions.version(actor, OBJECT, name, version),
        diff=await house.definitions.diff(actor, OBJECT, name, after=version),
    )


async def roll_back(request: Request, house: House, actor: Asker, name: str, version: int) -> Response:
    """Publish an old version anew."""
    try:
        published = await house.definitions.rollback(actor, OBJECT, name, version)
    except MetierError as error:
        return await object_page(request, house, actor, name, error=error)
    return _to(published.name)


def _to(name: str, saved: str = "") -> Response:
    said = f"?saved={saved}" if saved else ""
    return RedirectResponse(f"{URL}/{quote(name, safe='')}{said}", status_code=303)


def _prefixed(error: MetierError) -> MetierError:
    """Give the error with the places of the form about the object, whose inputs are called so."""
    error.problems = tuple(replace(one, path=f"object_{one.path}") for one in error.problems)
    return error


def _written(body: Mapping[str, Any]) -> str:
    """Write an object type as its author would, to be changed."""
    return json.dumps(body, indent=2, ensure_ascii=False) if body else ""


def _field(given: Mapping[str, str]) -> dict[str, Any]:
    """Read a field: options and target count only where the type has them."""
    field: dict[str, Any] = {key: given[key] for key in ("name", "label", "type") if given[key]}
    if given["type"] == FieldType.SELECT:
        field["options"] = [word.strip() for word in given["options"].split(",") if word.strip()]
    if given["type"] == FieldType.RELATION:
        field["target"] = given["target"]
    return field
