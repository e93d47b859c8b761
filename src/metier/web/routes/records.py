"""Record lists, also as JSON: `/o/{object}`, `?deleted=1` for those that are deleted. One record is in `record`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import Invalid, Problem
from metier.formats.writing import decimal_mark
from metier.records import Operation, Page
from metier.records.shape import Field
from metier.web import table
from metier.web.editing import BY_HAND, changed, creatable, done_url
from metier.web.entry import number, with_point
from metier.web.filtering import Picking, edit, offered, pick
from metier.web.pages import fragment, page, pages_of, swap_target
from metier.web.view import NUMBERS, Condition, View

PAGE = 50  # rows at a time
MOST = 500  # rows of one answer as data
PICK = ("pick", "pick.op", "pick.value", "pick.go")
MORE = ("cursor", "n", "done")
EMPTY_PAGE = Page(records=[], next_cursor=None, total=0, total_capped=False)


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/o", show_objects, response_class=Response)
    routes.add_api_route("/o/{name}.json", list_json, response_class=Response)
    routes.add_api_route("/o/{name}", show_list, response_class=Response)
    routes.add_api_route("/o/{name}/delete", delete_records, methods=["POST"], response_class=Response)
    routes.add_api_route("/o/{name}/{record_id}/row", show_row, response_class=Response)
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
        actor,
        view.kind.name,
        where=view.where(),
        sort=view.order,
        limit=PAGE,
        cursor=given.get("cursor"),
        deleted=view.deleted,
    )
    start = int(given["n"][:9]) if given.get("n", "").isdecimal() else 0
    return fragment(request, "records/_rows.html", actor=actor, **_table(request, actor, view, found, start))


async def _show_view(
    request: Request, house: Metier, actor: Actor, view: View, picking: Picking | None, *, alone: bool
) -> Response:
    problem: Invalid | None = None
    found = EMPTY_PAGE
    try:
        found = await house.records.find(
            actor,
            view.kind.name,
            where=view.where(),
            sort=view.order,
            limit=PAGE,
            count="capped",
            deleted=view.deleted,
        )
    except Invalid as error:
        problem = error
    chips = [await _chip(house, actor, view, c) for c in view.conditions]
    values = _table(request, actor, view, found, 0) | {
        "chips": chips,
        "problem": problem,
        "picking": picking,
        "fields": _filterable(view),
        "creatable": creatable(view.kind, actor),
        "api_base": str(request.base_url).rstrip("/"),
    }
    status = problem.status if problem else 200
    if alone:
        return fragment(request, "records/_view.html", actor=actor, status=status, **values)
    return await page(request, "records/list.html", actor=actor, status=status, **values)


def _table(request: Request, actor: Actor, view: View, found: Page, start: int) -> dict[str, Any]:
    more = view.at(cursor=found.next_cursor, n=start + len(found.records)) if found.next_cursor else None
    writing = pages_of(request).reading(actor)
    rows = table.rows(
        view.kind,
        found.records,
        actor=actor,
        writing=writing,
        objects=view.objects,
        start=start,
        deleted=view.deleted,
    )
    return rows | {"view": view, "found": found, "more": more}


async def show_row(request: Request, house: House, actor: Asker, name: str, record_id: str, n: int = 0) -> Response:
    """Show one row of a list as it is now, for scripts; `n` is its number."""
    kind = await house.records.object(actor, name)
    record = await house.records.get(actor, kind.name, record_id)
    objects = {one.name: one for one in await house.records.objects(actor)}
    writing = pages_of(request).reading(actor)
    rows = table.rows(kind, [record], actor=actor, writing=writing, objects=objects, start=n)
    return fragment(request, "records/_rows.html", actor=actor, **rows, more=None)


async def delete_records(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Take the records that were ticked out of sight."""
    kind = await house.records.object(actor, name)
    form = await request.form()
    ids = dict.fromkeys(str(one) for one in form.getlist("id"))
    operations = [Operation("delete", one) for one in ids]
    url = f"/o/{kind.name}"
    if not operations:
        return RedirectResponse(url, status_code=303)
    written = await house.records.batch(actor, kind.name, operations, cause=BY_HAND)
    if request.headers.get("HX-Request") == "true":
        return changed(Response(status_code=204), written)
    return RedirectResponse(done_url(url, written), status_code=303)


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
        sort=view.order,
        limit=_limit(given.get("limit", str(PAGE))),
        cursor=given.get("cursor"),
        count="capped",
        deleted=view.deleted,
    )
    return Response(body, media_type="application/json")


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= MOST:
        raise Invalid.of([Problem("limit", f"{text[:100]!r} must be a whole number from 1 to {MOST}", example=PAGE)])
    return int(text)


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
        values = _as_typed(picking, actor)
        form = _with_pairs(without, [*more, *(("pick.value", value) for value in values)])
    return Chip(await _said(house, actor, view, condition), without.url, form)


async def _said(house: Metier, actor: Actor, view: View, condition: Condition) -> str:
    try:
        return await house.records.describe(actor, view.kind.name, view.tree(condition))
    except Invalid:
        return f"{condition.path} {condition.op} {condition.text}"  # as it was typed; the page says what is wrong


async def _apply(request: Request, house: Metier, actor: Actor, view: View, picking: Picking) -> Response:
    """Narrow the view by the filter that was made; a value that cannot be is said at its field."""
    condition = replace(picking, values=_as_stored(picking, actor)).condition()
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


def _as_stored(picking: Picking, actor: Actor) -> tuple[str, ...]:
    """Give what was typed as an address has it: numbers with a point, whatever mark the person writes."""
    if picking.field.type not in NUMBERS:
        return picking.values
    mark = decimal_mark(actor.me.locale, actor.me.formats)
    return tuple(str(number(with_point(value.strip(), mark))) for value in picking.values)


def _as_typed(picking: Picking, actor: Actor) -> tuple[str, ...]:
    """Give the values of an address as the person would type them."""
    if picking.field.type not in NUMBERS:
        return picking.values
    mark = decimal_mark(actor.me.locale, actor.me.formats)
    return tuple(value.replace(".", mark) for value in picking.values)


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
    return [f for f in table.columns(view.kind) if offered(f, view.objects.get(f.target or ""))]
