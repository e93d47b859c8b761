"""Record lists and record pages, each also as JSON: `/o/{object}`, `/o/{object}/{id}`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import Invalid, NoSuchRecord, Problem
from metier.records import Page
from metier.records.shape import Field, FieldType, ObjectType
from metier.web.filtering import Picking, edit, offered, pick
from metier.web.pages import fragment, page, swap_target
from metier.web.view import Condition, View

PAGE = 50  # rows at a time
MOST = 500  # rows of one answer as data
FEW = 5  # records shown of each kind that points here
PICK = ("pick", "pick.op", "pick.value", "pick.go")
MORE = ("cursor", "n")
EMPTY_PAGE = Page(records=[], next_cursor=None, total=0, total_capped=False)


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/o", show_objects, response_class=Response)
    routes.add_api_route("/o/{name}.json", list_json, response_class=Response)
    routes.add_api_route("/o/{name}", show_list, response_class=Response)
    routes.add_api_route("/o/{name}/{record_id}.json", record_json, response_class=Response)
    routes.add_api_route("/o/{name}/{record_id}", show_record, response_class=Response)
    return routes


async def show_objects(request: Request, house: House, actor: Asker) -> Response:
    """Show which kinds of records there are."""
    objects = [kind for kind in await house.records.objects(actor) if not kind.read_only]
    return await page(request, "records/objects.html", actor=actor, objects=objects)


# --- lists -----------------------------------------------------------------------------------------------------------


async def show_list(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Show a list; for htmx only the part it asks for: the next rows, the filter being made, or the whole view."""
    kind = await house.records.object(actor, name)
    if name != kind.name:
        return RedirectResponse(str(request.url.replace(path=f"/o/{kind.name}")), status_code=307)
    objects = await house.records.objects(actor)
    view = View.read(kind, objects, request.query_params.multi_items(), also=(*PICK, *MORE))
    picking = _picking(view, request)
    if picking and request.query_params.get("pick.go"):
        return await _apply(request, house, actor, view, picking)
    target = swap_target(request)
    if target == "filter-panel":
        return _panel(request, actor, view, picking)
    if target == "more":
        return await _show_rows(request, house, actor, view)
    return await _show_view(request, house, actor, view, picking, alone=target == "view")


async def _show_rows(request: Request, house: Metier, actor: Actor, view: View) -> Response:
    given = request.query_params
    found = await house.records.find(
        actor, view.kind.name, where=view.where(), sort=view.sort, limit=PAGE, cursor=given.get("cursor")
    )
    start = int(given["n"][:9]) if given.get("n", "").isdecimal() else 0
    return fragment(request, "records/_rows.html", actor=actor, **_table(view, found, start))


async def _show_view(
    request: Request, house: Metier, actor: Actor, view: View, picking: Picking | None, *, alone: bool
) -> Response:
    problem: Invalid | None = None
    found = EMPTY_PAGE
    try:
        found = await house.records.find(
            actor, view.kind.name, where=view.where(), sort=view.sort, limit=PAGE, count="capped"
        )
    except Invalid as error:
        problem = error
    chips = [await _chip(house, actor, view, c) for c in view.conditions]
    values = _table(view, found, 0) | {
        "chips": chips,
        "problem": problem,
        "picking": picking,
        "fields": _filterable(view),
        "api_base": _base(request),
    }
    status = problem.status if problem else 200
    if alone:
        return fragment(request, "records/_view.html", actor=actor, status=status, **values)
    return await page(request, "records/list.html", actor=actor, status=status, **values)


def _table(view: View, found: Page, start: int) -> dict[str, Any]:
    more = view.at(cursor=found.next_cursor, n=start + len(found.records)) if found.next_cursor else None
    return {
        "view": view,
        "kind": view.kind,
        "columns": _columns(view.kind),
        "found": found,
        "rows": found.records,
        "start": start,
        "more": more,
    }


async def list_json(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Give the data of a list: the same address with `.json`, `&limit=` and `&cursor=` beside."""
    kind = await house.records.object(actor, name)
    objects = await house.records.objects(actor)
    given = request.query_params
    view = View.read(kind, objects, given.multi_items(), also=("cursor", "limit"))
    body = await house.records.find_json(
        actor,
        kind.name,
        where=view.where(),
        sort=view.sort,
        limit=_limit(given.get("limit", str(PAGE))),
        cursor=given.get("cursor"),
        count="capped",
    )
    return Response(body, media_type="application/json")


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MOST:
        raise Invalid.of([Problem("limit", f"{text!r} must be a whole number from 1 to {MOST}", example=PAGE)])
    return int(text)


def _columns(kind: ObjectType) -> list[Field]:
    title = kind.by_name[kind.title]
    return [title, *(f for f in kind.fields if f.name not in (kind.title, "id"))]


# --- filters ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chip:
    """One filter as the list shows it. `edit` leads to its form, if there is one."""

    text: str
    remove: str
    edit: str | None


async def _chip(house: Metier, actor: Actor, view: View, condition: Condition) -> Chip:
    without = view.without(condition)
    picking = edit(view, condition)
    form = None
    if picking:
        more = [("pick", picking.field.name), ("pick.op", picking.operator.key)]
        form = _with_pairs(without, [*more, *(("pick.value", value) for value in picking.values)])
    return Chip(await _said(house, actor, view, condition), without.url, form)


async def _said(house: Metier, actor: Actor, view: View, condition: Condition) -> str:
    try:
        return await house.records.describe(actor, view.kind.name, view.tree(condition))
    except Invalid:
        return f"{condition.path} {condition.op} {condition.text}"  # as it was typed; the page says what is wrong


async def _apply(request: Request, house: Metier, actor: Actor, view: View, picking: Picking) -> Response:
    """Narrow the view by the filter that was made; a value that cannot be is said at its field."""
    condition = picking.condition()
    if condition is None:
        return RedirectResponse(view.url, status_code=303)
    try:
        await house.records.describe(actor, view.kind.name, view.tree(condition))
    except Invalid as error:
        wrong = replace(picking, problem=error.problems[0].problem if error.problems else error.message)
        if swap_target(request) is None:
            return await _show_view(request, house, actor, view, wrong, alone=False)
        answer = _panel(request, actor, view, wrong, status=error.status)
        answer.headers.update({"HX-Retarget": "#filter-panel", "HX-Push-Url": "false"})
        return answer
    return RedirectResponse(view.with_condition(condition).url, status_code=303)


def _panel(request: Request, actor: Actor, view: View, picking: Picking | None, status: int = 200) -> Response:
    fields = _filterable(view)
    return fragment(
        request, "records/_panel.html", actor=actor, status=status, view=view, picking=picking, fields=fields
    )


def _with_pairs(view: View, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{view.url}{'&' if '?' in view.url else '?'}{urlencode(pairs)}"


def _picking(view: View, request: Request) -> Picking | None:
    given = request.query_params
    name = given.get("pick")
    return pick(view, name, given.get("pick.op", ""), given.getlist("pick.value")) if name else None


def _filterable(view: View) -> list[Field]:
    return [f for f in _columns(view.kind) if offered(f, view.objects.get(f.target or ""))]


# --- one record ------------------------------------------------------------------------------------------------------


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


async def show_record(request: Request, house: House, actor: Asker, name: str, record_id: str) -> Response:
    """Show a record: its fields, what it points to, what points to it."""
    kind, record = await _record(house, actor, name, record_id)
    objects = await house.records.objects(actor)
    return await page(
        request,
        "records/record.html",
        actor=actor,
        kind=kind,
        record=record,
        own=[f for f in kind.fields if not f.system and f.name != kind.title and f.type is not FieldType.RELATION],
        relations=[f for f in kind.fields if f.type is FieldType.RELATION],
        system=[f for f in kind.fields if f.system],
        related=await _related(house, actor, kind, objects, record["id"]),
        api_base=_base(request),
    )


async def record_json(house: House, actor: Asker, name: str, record_id: str) -> Response:
    """Give a record's data."""
    _, record = await _record(house, actor, name, record_id)
    return Response(orjson.dumps(record), media_type="application/json")


async def _record(house: Metier, actor: Actor, name: str, record_id: str) -> tuple[ObjectType, dict[str, Any]]:
    kind = await house.records.object(actor, name)
    try:
        wanted = str(UUID(record_id))
    except ValueError as error:
        raise NoSuchRecord(kind.name, record_id) from error
    return kind, await house.records.get(actor, kind.name, wanted)


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


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")
