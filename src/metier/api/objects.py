"""REST: object types and their fields. What a version is, and how to go back to one, is in `definitions`."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from metier.api.auth import Asker, House, Looker
from metier.api.errors import error_answers
from metier.records.form import COLORS
from metier.records.shape import FieldType

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 2000}
_WORDS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_OPTION: dict[str, Any] = {
    "type": "object",
    "required": ["value"],
    "properties": {"value": _TEXT, "label": _TEXT, "color": {"enum": list(COLORS)}, "aliases": _WORDS},
}
_FIELD: dict[str, Any] = {"type": "object", "required": ["name", "type"], "properties": {"name": _TEXT, "type": _TEXT}}


def _said(schema: dict[str, Any], example: Any) -> Any:
    """Describe a value that the room itself reads and checks; left out, it is not said at all."""
    return Field(default=None, json_schema_extra=schema | {"examples": [example]})


def _needed(schema: dict[str, Any], example: Any, *, alias: str | None = None) -> Any:
    """Describe a value that must be sent."""
    return Field(alias=alias, json_schema_extra=schema | {"examples": [example]})


class _Said(BaseModel):
    """A form of which only what was sent counts; null takes a value away."""

    model_config = ConfigDict(extra="allow")  # what is unknown is refused, with the nearest name, by the room itself

    def values(self) -> dict[str, Any]:
        """Give what was said of the thing itself."""
        return self.model_dump(exclude_unset=True, exclude={"note", "revision", "convert"})


class ChangedObject(_Said):
    """What to change of an object type; what is left out stays."""

    name: Any = _said(_TEXT, "ship")
    plural: Any = _said(_TEXT, "ships")
    label: Any = _said(_TEXT, "Ship")
    label_plural: Any = _said(_TEXT, "Ships")
    title: Any = _said(_TEXT, "name")
    icon: Any = _said(_TEXT, "box")
    description: Any = _said(_TEXT, "What we sail with.")
    aliases: Any = _said(_WORDS, ["vessel"])
    universal_identifier: Any = _said(_TEXT, "b3c4d5e6-f7a8-4012-8cde-f34567890123")
    note: str = Field(default="", max_length=500)
    revision: int | None = Field(default=None, ge=1)


class NewObject(_Said):
    """An object type to make."""

    name: Any = _needed(_TEXT, "ship")
    fields_: Any = _needed({"type": "array", "items": _FIELD}, [{"name": "name", "type": "text"}], alias="fields")
    plural: Any = _said(_TEXT, "ships")
    label: Any = _said(_TEXT, "Ship")
    label_plural: Any = _said(_TEXT, "Ships")
    title: Any = _said(_TEXT, "name")
    icon: Any = _said(_TEXT, "box")
    description: Any = _said(_TEXT, "What we sail with.")
    aliases: Any = _said(_WORDS, ["vessel"])
    universal_identifier: Any = _said(_TEXT, "b3c4d5e6-f7a8-4012-8cde-f34567890123")
    note: str = Field(default="", max_length=500)

    def values(self) -> dict[str, Any]:
        """Give what was said of the object type."""
        return self.model_dump(exclude_unset=True, exclude={"note"}, by_alias=True)


class _FieldForm(_Said):
    label: Any = _said(_TEXT, "Built")
    description: Any = _said(_TEXT, "When the ship was built.")
    options: Any = _said({"type": "array", "items": _OPTION}, [{"value": "afloat", "label": "Afloat"}])
    target: Any = _said(_TEXT, "company")
    decimals: Any = _said({"type": "integer", "minimum": 0, "maximum": 15}, 2)
    unit: Any = _said(_TEXT, "m")
    terminal: Any = _said(_WORDS, ["sunk"])
    aliases: Any = _said(_WORDS, ["year"])
    unique: Any = _said({"type": "boolean"}, False)
    universal_identifier: Any = _said(_TEXT, "b3c4d5e6-f7a8-4012-8cde-f34567890123")
    note: str = Field(default="", max_length=500)
    revision: int | None = Field(default=None, ge=1)


_TYPE: dict[str, Any] = {"enum": [kind.value for kind in FieldType]}


class NewField(_FieldForm):
    """A field to add."""

    name: Any = _needed(_TEXT, "built")
    type: Any = _needed(_TYPE, "date")


class ChangedField(_FieldForm):
    """What to change of a field; what is left out stays."""

    name: Any = _said(_TEXT, "built")
    type: Any = _said(_TYPE, "date")
    convert: bool = False


class FieldPreview(_FieldForm):
    """What would be changed of a field."""

    name: Any = _said(_TEXT, "built")
    type: Any = _said(_TYPE, "date")


class Said(BaseModel):
    """Why something is done, and what its author saw."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=500)
    revision: int | None = Field(default=None, ge=1)


class Confirmed(BaseModel):
    """The name of what is to be removed for ever, typed once more."""

    model_config = ConfigDict(extra="forbid")

    confirm: str = Field(max_length=200, examples=["ship"])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1/objects", tags=["data model"], responses=error_answers(401, 403, 404, 409, 422))
    _add_objects(routes)
    _add_fields(routes)
    _add_hidden(routes)
    return routes


def _add_objects(routes: APIRouter) -> None:
    @routes.get("")
    async def list_objects(house: House, actor: Asker) -> dict[str, Any]:
        """List the object types you may read, with the fields you may see."""
        return {"data": [kind.to_json() for kind in await house.records.objects(actor)]}

    @routes.get("/{name}")
    async def get_object(house: House, actor: Asker, name: str) -> dict[str, Any]:
        """Get one object type."""
        return (await house.records.object(actor, name)).to_json()

    @routes.post("", status_code=201)
    async def create_object(house: House, actor: Asker, body: NewObject) -> dict[str, Any]:
        """Make an object type with its table; it is there at once, in lists, tools and permissions."""
        return (await house.data_model.create(actor, body.values(), note=body.note)).to_json()

    @routes.patch("/{name}")
    async def change_object(house: House, actor: Asker, name: str, body: ChangedObject) -> dict[str, Any]:
        """Change what an object type is called, its title, icon or description."""
        changed = await house.data_model.change(actor, name, body.values(), expected=body.revision, note=body.note)
        return changed.to_json()


def _add_fields(routes: APIRouter) -> None:
    @routes.post("/{name}/fields", status_code=201)
    async def add_field(house: House, actor: Asker, name: str, body: NewField) -> dict[str, Any]:
        """Add a field."""
        changed = await house.data_model.add_field(actor, name, body.values(), expected=body.revision, note=body.note)
        return changed.to_json()

    @routes.patch("/{name}/fields/{field}")
    async def change_field(house: House, actor: Asker, name: str, field: str, body: ChangedField) -> dict[str, Any]:
        """Change a field; its values follow it, through a converter if its type changes."""
        changed = await house.data_model.change_field(
            actor, name, field, body.values(), convert=body.convert, expected=body.revision, note=body.note
        )
        return changed.to_json()

    @routes.post("/{name}/fields/{field}/preview")
    async def preview_field(house: House, actor: Looker, name: str, field: str, body: FieldPreview) -> dict[str, Any]:
        """Say what changing a field would do to its values, and change nothing."""
        found = await house.data_model.preview(actor, name, field, body.values())
        return {"converts": found is not None} | (found.to_json() if found else {})

    @routes.post("/{name}/fields/{field}/hide")
    async def hide_field(house: House, actor: Asker, name: str, field: str, body: Said) -> dict[str, Any]:
        """Take a field out of all records; its values are kept."""
        changed = await house.data_model.hide_field(actor, name, field, expected=body.revision, note=body.note)
        return changed.to_json()


def _add_hidden(routes: APIRouter) -> None:
    @routes.get("/{name}/hidden-fields")
    async def list_hidden_fields(house: House, actor: Asker, name: str) -> dict[str, Any]:
        """List the fields that are hidden, the last hidden first."""
        return {"data": [hidden.to_json() for hidden in await house.data_model.hidden_fields(actor, name)]}

    @routes.post("/{name}/fields/{field}/restore")
    async def restore_field(house: House, actor: Asker, name: str, field: str, body: Said) -> dict[str, Any]:
        """Bring a hidden field back with its values."""
        changed = await house.data_model.restore_field(actor, name, field, expected=body.revision, note=body.note)
        return changed.to_json()

    @routes.post("/{name}/fields/{field}/purge")
    async def purge_field(house: House, actor: Asker, name: str, field: str, body: Confirmed) -> dict[str, Any]:
        """Remove a hidden field for ever, with all its values."""
        await house.data_model.purge_field(actor, name, field, confirm=body.confirm)
        return {"purged": body.confirm}
