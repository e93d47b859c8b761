"""Settings, Data model: one field renamed, changed and converted, after a look at what that would do; or purged."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import Conflict, Invalid, MetierError, NotFound, Problem
from metier.records.convert import Preview
from metier.records.kind import OBJECT
from metier.records.shape import FieldType
from metier.web.forms import Inputs, read_form, read_inputs, wrong
from metier.web.pages import page
from metier.web.routes.data_model import URL, object_page

TEXTS = ("name", "label", "description", "type", "target", "decimals", "unit", "options")

#: What belongs to one type only, and goes with it.
OF_TYPE: Mapping[str, FieldType] = {
    "options": FieldType.SELECT,
    "terminal": FieldType.SELECT,
    "target": FieldType.RELATION,
    "decimals": FieldType.NUMBER,
    "unit": FieldType.NUMBER,
}


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("/{name}/fields/{field}", show_field)
    routes.add_api_route("/{name}/fields/{field}", change_field, methods=["POST"])
    routes.add_api_route("/{name}/fields/{field}/purge", purge_field, methods=["POST"])
    return routes


async def show_field(request: Request, house: House, actor: Asker, name: str, field: str) -> Response:
    """Show a field's form."""
    return await _field_page(request, house, actor, name, field)


async def change_field(request: Request, house: House, actor: Asker, name: str, field: str) -> Response:
    """Change a field (`do=save`), say first what would become of its values (`do=look`), or convert them too."""
    own = await _field(house, actor, name, field)
    sent = await read_inputs(request)
    given = {key: sent.first(key).strip() for key in TEXTS} | {"unique": sent.first("unique")}
    found: Preview | None = None
    try:
        values = _changed(own, sent)
        if sent.first("do") != "look":
            convert = sent.first("do") == "convert"
            await house.data_model.change_field(actor, name, field, values, convert=convert)
            return RedirectResponse(f"{URL}/{quote(name, safe='')}?saved=field", status_code=303)
        found = await house.data_model.preview(actor, name, field, values)
    except Conflict as error:
        found = await _converts(house, actor, name, field, own, sent)
        return await _field_page(request, house, actor, name, field, given=given, found=found, error=error)
    except MetierError as error:
        return await _field_page(request, house, actor, name, field, given=given, error=error)
    return await _field_page(request, house, actor, name, field, given=given, found=found, looked=True)


async def purge_field(request: Request, house: House, actor: Asker, name: str, field: str) -> Response:
    """Remove a hidden field for ever, if its name is typed once more."""
    given = await read_form(request, "confirm")
    try:
        await house.data_model.purge_field(actor, name, field, confirm=given["confirm"])
    except MetierError as error:
        return await object_page(request, house, actor, name, error=error)
    return RedirectResponse(f"{URL}/{quote(name, safe='')}?saved=purged", status_code=303)


async def _converts(
    house: Metier, actor: Actor, name: str, field: str, own: Mapping[str, Any], sent: Inputs
) -> Preview | None:
    """Give what a change that was refused would do to the values, if that is why."""
    try:
        return await house.data_model.preview(actor, name, field, _changed(own, sent))
    except MetierError:
        return None


async def _field(house: Metier, actor: Actor, name: str, field: str) -> dict[str, Any]:
    found = await house.definitions.get(actor, OBJECT, name)
    fields = {own["name"]: own for own in (found.body or {}).get("fields", ())}
    if field not in fields:
        raise NotFound(f"field of {found.name!r}", field[:100], fields)
    return dict(fields[field])


async def _field_page(
    request: Request,
    house: Metier,
    actor: Actor,
    name: str,
    field: str,
    *,
    given: Mapping[str, str] | None = None,
    found: Preview | None = None,
    looked: bool = False,
    error: MetierError | None = None,
) -> Response:
    own = await _field(house, actor, name, field)
    objects = await house.definitions.listed(actor, OBJECT)
    shown = {key: str(own.get(key, "")) for key in TEXTS} | {
        "options": "\n".join(_line(option) for option in own.get("options", ())),
        "unique": "yes" if own.get("unique") else "",
    }
    return await page(
        request,
        "settings/data_field.html",
        actor=actor,
        status=error.status if error else 200,
        object=await house.definitions.get(actor, OBJECT, name),
        field=own,
        given=shown | dict(given or {}),
        types=[kind.value for kind in FieldType],
        targets=["member", *(one.name for one in objects)],
        found=found,
        looked=looked,
        cure=error.cure if error else None,
        **wrong(error, *TEXTS, "unique"),
    )


def _changed(own: Mapping[str, Any], sent: Inputs) -> dict[str, Any]:
    """Give what the form changes of a field; None takes away what its new type does not have."""
    kind = sent.first("type")
    wanted: dict[str, Any] = {key: sent.first(key).strip() or None for key in ("name", "label", "description", "unit")}
    wanted |= {"type": kind, "target": sent.first("target") or None, "unique": sent.first("unique") == "yes"}
    wanted["decimals"] = _decimals(sent.first("decimals").strip())
    wanted["options"] = _options(sent.first("options"), own.get("options", ()))
    for key, only in OF_TYPE.items():
        if kind != only.value:
            wanted[key] = None
    return {key: value for key, value in wanted.items() if (value or None) != (own.get(key) or None)}


def _decimals(text: str) -> int | None:
    if text and not text.isdecimal():
        raise Invalid.of([Problem("decimals", "must be a whole number, 0 to 15", example=2)], what="The field")
    return int(text[:9]) if text else None


def _options(text: str, before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Read options, one a line: `won | Customer | ok`; what else is known of a value stays."""
    known = {option["value"]: option for option in before}
    found: list[dict[str, Any]] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        value, label, color = (*(part.strip() for part in line.split("|", 2)), "", "")[:3]
        option = dict(known.get(value, {})) | {"value": value}
        found.append(option | ({"label": label} if label else {}) | ({"color": color} if color else {}))
    return found


def _line(option: Mapping[str, Any]) -> str:
    return " | ".join(str(option[key]) for key in ("value", "label", "color") if option.get(key))
