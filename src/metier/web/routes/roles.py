"""Settings, Security, Roles: what holders may do as a matrix, and one object's fields and rows beside it."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access import ROLE
from metier.access.desk import is_within
from metier.access.roles import SEEN_WITH
from metier.actor import ROW_RULES_FEATURE, Action, Actor, Role, check_any_flag
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import Invalid, MetierError, Problem
from metier.records import ObjectType
from metier.web.filtering import TIME_WORDS
from metier.web.forms import read_form, read_inputs, wrong
from metier.web.pages import fragment, page, swap_target
from metier.web.rolesheet import (
    GROUPS,
    HOLDERS,
    FieldSheet,
    Sheet,
    actions_for,
    problems_at,
    rulable,
    summary,
)
from metier.web.rules import Built, Draft, Place, build, drafts_of, edit, lines, offered, read_drafts
from metier.web.versions import go_back, version_page

URL = "/settings/security/roles"
PARENTS = (("Roles", URL),)
PANEL = "object-panel"
NO_PANEL: Mapping[str, Any] = {"kind": None, "panel_saved": ""}


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("", show_roles)
    routes.add_api_route("", create_role, methods=["POST"])
    routes.add_api_route("/{name}", show_role)
    routes.add_api_route("/{name}", save_role, methods=["POST"])
    routes.add_api_route("/{name}/delete", delete_role, methods=["POST"])
    routes.add_api_route("/{name}/restore", restore_role, methods=["POST"])
    routes.add_api_route("/{name}/objects/{object_name}", save_object, methods=["POST"])
    routes.add_api_route("/{name}/versions/{version}", show_version)
    routes.add_api_route("/{name}/versions/{version}/rollback", roll_back, methods=["POST"])
    return routes


# --- all roles -------------------------------------------------------------------------------------------------------


async def show_roles(request: Request, house: House, actor: Asker) -> Response:
    """List the roles."""
    return await _roles_page(request, house, actor)


async def create_role(request: Request, house: House, actor: Asker) -> Response:
    """Make a role, like another or one that allows nothing, and go on to it."""
    given = await read_form(request, "label", "like")
    try:
        form: dict[str, Any] = {}
        if given["like"]:
            like = (await house.access.role(actor, given["like"])).to_json()
            form = {key: value for key, value in like.items() if key not in ("id", "name", "label", "is_editable")}
        made = await house.access.create_role(actor, name=_name_of(given["label"]), label=given["label"], **form)
    except MetierError as error:
        return await _roles_page(request, house, actor, given=given, error=error)
    return RedirectResponse(f"{URL}/{made.name}", status_code=303)


def _name_of(label: str) -> str:
    """Make a role's name of what people call it: `Sales rep` → `sales-rep`."""
    plain = "".join(char if char.isascii() and char.isalnum() else " " for char in label.lower())
    name = "-".join(plain.split())
    if not name or not name[0].isalpha():
        raise Invalid.of([Problem("label", "must begin with a letter a to z", example="Sales rep")], what="The role")
    return name[:49]


async def _roles_page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
) -> Response:
    roles = await house.access.roles(actor)
    return await page(
        request,
        "settings/roles.html",
        actor=actor,
        status=error.status if error else 200,
        roles=roles,
        holders=await house.access.role_holders(actor),
        may_make=actor.holds("ROLES"),
        archived=await house.definitions.listed(actor, ROLE, archived=True) if actor.holds("ROLES") else (),
        given={"label": "", "like": ""} | dict(given or {}),
        **wrong(error, "label"),
    )


async def delete_role(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Archive a role that nobody holds."""
    try:
        await house.access.delete_role(actor, name)
    except MetierError as error:
        role = await house.access.role(actor, name)
        return await _role_page(request, house, actor, role, Sheet.of(role), error=error)
    return RedirectResponse(URL, status_code=303)


async def restore_role(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Bring an archived role back."""
    try:
        await house.definitions.restore(actor, ROLE, name)
    except MetierError as error:
        return await _roles_page(request, house, actor, error=error)
    return RedirectResponse(URL, status_code=303)


async def show_version(request: Request, house: House, actor: Asker, name: str, version: int) -> Response:
    """Show what a version changed."""
    may = _may_change(actor, await house.access.role(actor, name))
    return await version_page(request, house, actor, ROLE, name, version, url=URL, parents=PARENTS, may=may)


async def roll_back(request: Request, house: House, actor: Asker, name: str, version: int) -> Response:
    """Publish an old version anew."""
    return await go_back(request, house, actor, ROLE, name, version, url=URL, parents=PARENTS)


# --- one role --------------------------------------------------------------------------------------------------------


async def show_role(
    request: Request, house: House, actor: Asker, name: str, object: str = "", saved: str = ""
) -> Response:
    """Show a role's matrix, and with `?object=` one object's fields and rows beside it."""
    role = await house.access.role(actor, name)
    panel = await _panel(house, actor, role, object) if object else None
    if swap_target(request) == PANEL:
        may = _may_change(actor, role)
        return fragment(request, "settings/_role_object.html", actor=actor, role=role, may=may, **panel or NO_PANEL)
    return await _role_page(request, house, actor, role, Sheet.of(role), panel=panel, saved=saved)


async def save_role(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Save label, matrix and flags."""
    role = await house.access.role(actor, name)
    sheet = Sheet.read(await read_inputs(request), role, await house.records.objects(actor))
    try:
        role = await house.access.update_role(actor, name, **sheet.form())
    except MetierError as error:
        return await _role_page(request, house, actor, role, sheet, error=error)
    return RedirectResponse(f"{URL}/{role.name}?saved=role", status_code=303)


async def _role_page(
    request: Request,
    house: Metier,
    actor: Actor,
    role: Role,
    sheet: Sheet,
    *,
    panel: Mapping[str, Any] | None = None,
    saved: str = "",
    error: MetierError | None = None,
) -> Response:
    check_any_flag(actor, *SEEN_WITH)
    objects = await house.records.objects(actor)
    places = ("label", "description", "can_be_assigned_to", "all_objects", "flags")
    at = problems_at(error.problems, *places, *(f"objects.{kind.name}" for kind in objects)) if error else {}
    return await page(
        request,
        "settings/role.html",
        actor=actor,
        status=error.status if error else 200,
        role=role,
        sheet=sheet,
        objects=objects,
        actions=list(Action),
        actions_for=actions_for,
        holders=HOLDERS,
        groups=GROUPS,
        summary=summary,
        held=(await house.access.role_holders(actor)).get(role.name, (0, 0)),
        at={place: problem for place, problem in at.items() if place},
        problem=_above(error, at),
        cure=error.cure if error else None,
        saved=saved,
        may=_may_change(actor, role),
        url=f"{URL}/{role.name}",
        versions=await house.definitions.history(actor, ROLE, role.name) if actor.holds("ROLES") else (),
        **(panel or NO_PANEL),
    )


def _above(error: MetierError | None, at: Mapping[str, str]) -> str | None:
    """Give what is said above the form: what is wrong with no place of it."""
    if error is None or (at and "" not in at):
        return None
    return error.message if len(error.problems) < 2 else at[""]


def _may_change(actor: Actor, role: Role) -> bool:
    return actor.holds("ROLES") and role.is_editable and is_within(actor, role)


# --- one object of a role --------------------------------------------------------------------------------------------


async def save_object(request: Request, house: House, actor: Asker, name: str, object_name: str) -> Response:
    """Save an object's fields and rows (`do=save`), or do what another button says and show the form again."""
    role = await house.access.role(actor, name)
    kind = await house.records.object(actor, object_name)
    sent = await read_inputs(request)
    fields = FieldSheet.read(sent, kind)
    drafts = read_drafts(sent.pairs)
    error: MetierError | None = None
    problems: Mapping[Place, str] = {}
    saved = ""
    if sent.first("do") != "save":
        drafts = edit(drafts, sent.first("do"), kind)
    else:
        objects = {one.name: one for one in await house.records.objects(actor)}
        built = build(drafts, kind, objects)
        stored = build(drafts_of(role.rows.get(kind.name, ()), kind, objects), kind, objects)
        problems = built.problems
        if not problems:
            try:
                rows = _rows(role, kind, built) if built != stored else None
                role = await house.access.update_role(actor, name, fields=fields.form(role, kind), rows=rows)
                saved = "object"
            except MetierError as caught:
                error = caught
                problems = built.at(error.problems, f"rows.{kind.name}")
    if saved and swap_target(request) != PANEL:
        return RedirectResponse(f"{URL}/{role.name}?object={quote(kind.name)}&saved=object", status_code=303)
    shown = await _panel(
        house, actor, role, kind.name, fields=fields, drafts=drafts, problems=problems, error=error, saved=saved
    )
    status = error.status if error else 422 if problems else 200
    if swap_target(request) == PANEL:
        may = _may_change(actor, role)
        return fragment(request, "settings/_role_object.html", actor=actor, status=status, role=role, may=may, **shown)
    answer = await _role_page(request, house, actor, role, Sheet.of(role), panel=shown)
    answer.status_code = status
    return answer


def _rows(role: Role, kind: ObjectType, built: Built) -> dict[str, Any]:
    """Give what `update_role` takes as `rows`: of the object what the form says, of others what is stored."""
    others = {name: [rule.to_json() for rule in rules] for name, rules in role.rows.items() if name != kind.name}
    return others | {kind.name: list(built.rules)}


async def _panel(
    house: Metier,
    actor: Actor,
    role: Role,
    name: str,
    *,
    fields: FieldSheet | None = None,
    drafts: Sequence[Draft] | None = None,
    problems: Mapping[Place, str] | None = None,
    error: MetierError | None = None,
    saved: str = "",
) -> dict[str, Any]:
    """Collect what the panel shows: what is stored, or what was given."""
    kind = await house.records.object(actor, name)
    objects = {one.name: one for one in await house.records.objects(actor)}
    shown = drafts_of(role.rows.get(kind.name, ()), kind, objects) if drafts is None else list(drafts)
    found = problems or {}
    return {
        "kind": kind,
        "fields": FieldSheet.of(role, kind) if fields is None else fields,
        "rulable": rulable(kind),
        "rules": [(draft, lines(draft, n, kind, found)) for n, draft in enumerate(shown)],
        "offered": offered,
        "rule_actions": [action for action in Action if action in actions_for(kind)],
        "words": TIME_WORDS,
        "panel_problem": found.get(()) or (error.message if error and not found else None),
        "panel_cure": error.cure if error else None,
        "panel_saved": saved,
        "rules_off": ROW_RULES_FEATURE in actor.features_off,
        "note": summary(role, kind.name),
    }
