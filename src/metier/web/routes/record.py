"""One record: its page, its fields edited in place, its history; deleting, restoring, undo.

Forms work without scripts: POST, then back to a page whose address says what was done (`?done=<change>`) and which
offers to undo it. A script sends the same form and gets the record's part of the page as it is then.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Action, Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import MetierError, NoSuchRecord
from metier.records import Page, Told, Written
from metier.records.shape import Field, FieldType, ObjectType
from metier.web import entry, table
from metier.web.editing import BY_HAND, changed, done_url, editable, form_inputs
from metier.web.forms import own_path
from metier.web.pages import fragment, page, pages_of, swap_target
from metier.web.view import Condition, View

FEW = 5  # records shown of each kind that points here
RECENT = 20  # changes shown at first
MOST = 200  # of those that are asked for


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/o/{name}/{record_id}.json", record_json, response_class=Response)
    routes.add_api_route("/o/{name}/{record_id}", show_record, response_class=Response)
    routes.add_api_route("/o/{name}/{record_id}/edit", edit_record, methods=["POST"], response_class=Response)
    routes.add_api_route("/o/{name}/{record_id}/delete", delete_record, methods=["POST"], response_class=Response)
    routes.add_api_route("/o/{name}/{record_id}/restore", restore_record, methods=["POST"], response_class=Response)
    routes.add_api_route("/o/{name}/{record_id}/destroy", destroy_record, methods=["POST"], response_class=Response)
    routes.add_api_route("/undo/{change_id}", undo_change, methods=["POST"], response_class=Response)
    return routes


@dataclass(frozen=True)
class Related:
    """Records of another kind that point to this one."""

    kind: ObjectType
    field: Field
    found: Page
    url: str

    @property
    def state(self) -> Field | None:
        """The field that says how far each of them is."""
        return next((f for f in self.kind.fields if f.type is FieldType.SELECT), None)


@dataclass(frozen=True)
class Shown:
    """A record as its page has it.

    Attributes:
        deleted: It is out of sight for everybody but whoever may restore it.
    """

    kind: ObjectType
    record: Mapping[str, Any]
    deleted: bool = False


# --- reading ---------------------------------------------------------------------------------------------------------


async def show_record(
    request: Request, house: House, actor: Asker, name: str, record_id: str, edit: str = "", history: str = ""
) -> Response:
    """Show a record: its fields, what it points to, what points to it, what was done to it."""
    shown = await _shown(house, actor, name, record_id)
    if swap_target(request) == "record":
        return await _part(request, house, actor, shown)
    return await _page(request, house, actor, shown, editing=edit, most=MOST if history else RECENT)


async def record_json(house: House, actor: Asker, name: str, record_id: str) -> Response:
    """Give a record's data."""
    kind = await house.records.object(actor, name)
    return Response(orjson.dumps(await house.records.get(actor, kind.name, record_id)), media_type="application/json")


async def _shown(house: Metier, actor: Actor, name: str, record_id: str) -> Shown:
    """Find a record; a deleted one too, for whoever may restore it."""
    kind = await house.records.object(actor, name)
    try:
        return Shown(kind, await house.records.get(actor, kind.name, record_id))
    except NoSuchRecord:
        if kind.read_only or not actor.may(Action.DELETE, kind.name) or not _is_id(record_id):
            raise
        gone = await house.records.find(actor, kind.name, where={"id": record_id}, limit=1, deleted=True)
        if not gone.records:
            raise
        return Shown(kind, gone.records[0], deleted=True)


async def _page(
    request: Request,
    house: Metier,
    actor: Actor,
    shown: Shown,
    *,
    editing: str = "",
    inputs: entry.Inputs | None = None,
    wrong: entry.Wrong | None = None,
    most: int = RECENT,
) -> Response:
    """Answer with the record's page.

    Args:
        editing: The field whose form is open.
        inputs: What was typed into it, if it did not fit.
    """
    values = await _values(request, house, actor, shown, most)
    values |= {"editing": editing, "inputs": inputs, "wrong": wrong}
    status = 422 if wrong else 200
    return await page(request, "records/record.html", actor=actor, status=status, **values)


async def _part(request: Request, house: Metier, actor: Actor, shown: Shown) -> Response:
    """Give what a script swaps in: the row of a list if it says which (`?n=`), else the record's part of its page."""
    number = request.query_params.get("n", "")
    if not number.isdecimal():
        return fragment(request, "records/_record.html", actor=actor, **await _values(request, house, actor, shown))
    objects = {one.name: one for one in await house.records.objects(actor)}
    writing = pages_of(request).reading(actor)
    rows = table.rows(shown.kind, [shown.record], actor=actor, writing=writing, objects=objects, start=int(number[:9]))
    return fragment(request, "records/_rows.html", actor=actor, **rows, more=None)


async def _values(request: Request, house: Metier, actor: Actor, shown: Shown, most: int = RECENT) -> dict[str, Any]:
    kind, record = shown.kind, shown.record
    objects = await house.records.objects(actor)
    related, story = await asyncio.gather(
        _related(house, actor, kind, objects, record["id"]), _story(house, actor, shown, most)
    )
    return {
        "kind": kind,
        "record": record,
        "deleted": shown.deleted,
        "own": [f for f in kind.fields if not f.system and f.name != kind.title and f.type is not FieldType.RELATION],
        "relations": [f for f in kind.fields if f.type is FieldType.RELATION],
        "system": [f for f in kind.fields if f.system],
        "related": related,
        "story": story,
        "more_story": len(story) == most and most < MOST,
        "objects": {one.name: one for one in objects},
        "editable": frozenset[str]() if shown.deleted else editable(kind, actor),
        "removable": not kind.read_only and actor.may(Action.DELETE, kind.name),
        "fill": entry.filler(pages_of(request).reading(actor)),
        "api_base": str(request.base_url).rstrip("/"),
        "editing": "",
        "inputs": None,
        "wrong": None,
    }


async def _related(
    house: Metier, actor: Actor, kind: ObjectType, objects: Sequence[ObjectType], record_id: str
) -> list[Related]:
    pointing = [
        (other, field)
        for other in objects
        for field in other.fields
        if field.type is FieldType.RELATION and field.target == kind.name
    ]
    pages = await asyncio.gather(
        *(
            house.records.find(actor, other.name, where={field.name: {"eq": record_id}}, limit=FEW, count="capped")
            for other, field in pointing
        )
    )
    return [
        Related(other, field, found, View(other, {}, conditions=(Condition(field.name, "eq", record_id),)).url)
        for (other, field), found in zip(pointing, pages, strict=True)
        if found.records
    ]


# --- history ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chapter:
    """One change, as the page tells it.

    Attributes:
        agent: Who did it for the person; empty for the person alone.
        undoable: Nothing it changed was changed since, so it can be taken back.
    """

    told: Told
    who: str
    agent: str
    fields: Sequence[tuple[Field, Any, Any]]
    undoable: bool


async def _story(house: Metier, actor: Actor, shown: Shown, most: int) -> list[Chapter]:
    if shown.kind.read_only:
        return []
    history = await house.records.history(actor, shown.kind.name, shown.record["id"], limit=most)
    return [_chapter(told, shown, actor) for told in history.changes]


def _chapter(told: Told, shown: Shown, actor: Actor) -> Chapter:
    change, kind = told.change, shown.kind
    open_to = editable(kind, actor)
    undoable = change.kind == "updated" and not change.undone and not shown.deleted
    still = all(name in open_to and shown.record.get(name) == after for name, (_, after) in told.values.items())
    chain: Sequence[str] = change.actor.get("chain", ())
    fields = [(kind.by_name[name], before, after) for name, (before, after) in told.values.items()]
    agents = ", ".join(link.partition(":")[2] for link in chain)
    return Chapter(told, str(change.actor["label"]), agents, fields, undoable and still)


# --- writing ---------------------------------------------------------------------------------------------------------


async def edit_record(request: Request, house: House, actor: Asker, name: str, record_id: str) -> Response:
    """Change the fields that were sent, and show the record as it is then."""
    shown = await _shown(house, actor, name, record_id)
    inputs = await form_inputs(request)
    fields = entry.sent([f for f in shown.kind.fields if not f.system], inputs)
    try:
        values = await entry.values_of(house.records, actor, fields, inputs, shown.record)
        written = await house.records.update(actor, shown.kind.name, record_id, values, cause=BY_HAND)
    except MetierError as error:
        if _by_script(request) or error.status not in (409, 422):
            raise
        wrong = entry.Wrong.of(error, shown.kind)
        editing = fields[0].name if fields else ""
        return await _page(request, house, actor, shown, editing=editing, inputs=inputs, wrong=wrong)
    if not _by_script(request):
        return RedirectResponse(done_url(f"/o/{shown.kind.name}/{record_id}", written), status_code=303)
    again = Shown(shown.kind, written.one.record or {})
    return changed(await _part(request, house, actor, again), written)


async def delete_record(request: Request, house: House, actor: Asker, name: str, record_id: str) -> Response:
    """Take a record out of sight, and go back to the list."""
    kind = await house.records.object(actor, name)
    written = await house.records.delete(actor, kind.name, record_id, cause=BY_HAND)
    return _after(request, f"/o/{kind.name}", written)


async def restore_record(request: Request, house: House, actor: Asker, name: str, record_id: str) -> Response:
    """Bring a deleted record back, and show it."""
    kind = await house.records.object(actor, name)
    written = await house.records.restore(actor, kind.name, record_id, cause=BY_HAND)
    return _after(request, f"/o/{kind.name}/{record_id}", written)


async def destroy_record(request: Request, house: House, actor: Asker, name: str, record_id: str) -> Response:
    """Remove a record for good, and go back to those that are deleted."""
    kind = await house.records.object(actor, name)
    await house.records.destroy(actor, kind.name, record_id, cause=BY_HAND)
    return RedirectResponse(f"/o/{kind.name}?deleted=1", status_code=303)


async def undo_change(request: Request, house: House, actor: Asker, change_id: str) -> Response:
    """Take a change back, and go where the form says."""
    came_from = urlsplit(request.headers.get("referer", "")).path
    back = own_path((await form_inputs(request)).get("back", came_from), "/o")
    written = await house.records.undo(actor, change_id, cause=BY_HAND)
    return _after(request, back, written)


def _after(request: Request, url: str, written: Written) -> Response:
    """Lead on, to a page that offers to undo; a script only hears what to undo."""
    if _by_script(request):
        return changed(Response(status_code=204), written)
    return RedirectResponse(done_url(url, written), status_code=303)


def _by_script(request: Request) -> bool:
    return request.headers.get("HX-Request") == "true"


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False
