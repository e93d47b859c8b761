"""Tools that write records: `create_<singular>`, `update_…`, `delete_…`, `restore_…`, for what the actor may do.

A call is one write: done whole or not at all, once for its effect key, and taken back by its `change_id`.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from metier.actor import Action, Actor
from metier.context import Context
from metier.errors import Invalid, Problem
from metier.events import EventType
from metier.filters.operands import is_object
from metier.records import Cause, Done, Operation, Origin, Written, settable_fields
from metier.records.changes import Kind
from metier.records.columns import UNTITLED
from metier.records.policy import MEMBER
from metier.records.shape import Field, FieldType, ObjectType
from metier.runs.requests.preview import Deed
from metier.tools import Change, FieldChange, Output, Preview, Tool

CATEGORY = "DATABASE_CRUD"
MOST = 100  # records of one call
SHOWN = 20  # records told one by one
_KEEP = 64  # sets of tools; one per (workspace, what may be done)

GUIDE = """\
Writing tools take fields by their names, as the find tools list them: a relation as the id of its record, money as \
{"amount": 5000, "currency_code": "EUR"}, a person's name as {"first_name": "…", "last_name": "…"}, days as \
2026-03-01; null empties a field. Find a record first to have its id; `id` may be a list, to do the same to several. \
Write only what you were asked to."""


class RecordWrites:
    """Makes the writing tools for an actor; the same list object as long as what the actor may do is the same."""

    name = "record_writes"
    guide = GUIDE

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[Any, ...], tuple[list[ObjectType], list[Tool]]] = OrderedDict()

    async def tools(self, ctx: Context) -> Sequence[Tool]:
        """Give the actor's tools, ordered as the objects are."""
        objects = await ctx.records.objects(ctx.actor)
        key = (ctx.actor.workspace_id, ctx.actor.policy_key())
        known = self._made.get(key)
        if known is not None and known[0] is objects:
            return known[1]
        made = make_tools(objects, ctx.actor)
        self._made[key] = (objects, made)
        self._made.move_to_end(key)
        while len(self._made) > _KEEP:
            self._made.popitem(last=False)
        return made


def toolsets() -> list[RecordWrites]:
    """Give the shelf's toolsets of this file."""
    return [RecordWrites()]


def make_tools(objects: Sequence[ObjectType], actor: Actor) -> list[Tool]:
    """Make the tools for what the actor may do with these object types."""
    return [tool for kind in objects if not kind.read_only for tool in _tools_of(kind, actor)]


def _tools_of(kind: ObjectType, actor: Actor) -> list[Tool]:
    settable = settable_fields(kind, actor)
    fields = [field for field in kind.fields if field.name in settable]
    made: list[Tool] = []
    if actor.may(Action.CREATE, kind.name) and fields:
        made += [_create_tool(kind, fields), _create_many_tool(kind, fields)]
    if actor.may(Action.UPDATE, kind.name) and fields:
        made.append(_update_tool(kind, fields))
    if actor.may(Action.DELETE, kind.name):
        made += [_delete_tool(kind), _restore_tool(kind)]
    return made


# --- the tools -------------------------------------------------------------------------------------------------------

_IDS = {"type": ["string", "array"], "items": {"type": "string"}}


def _create_tool(kind: ObjectType, fields: Sequence[Field]) -> Tool:
    names = [field.name for field in fields]
    schema = _schema(fields, required=[kind.title] if kind.title in names else [])
    return _tool(f"create_{kind.name}", f"Create a {kind.label.lower()}.", schema, kind, "create")


def _create_many_tool(kind: ObjectType, fields: Sequence[Field]) -> Tool:
    rows = {"type": "array", "items": _schema(fields), "minItems": 1, "maxItems": MOST}
    schema = {"type": "object", "properties": {"records": rows}, "required": ["records"], "additionalProperties": False}
    name = f"create_many_{kind.plural}"
    return _tool(name, f"Create several {kind.label_plural.lower()}.", schema, kind, "create_many", hidden=True)


def _update_tool(kind: ObjectType, fields: Sequence[Field]) -> Tool:
    schema = _schema(fields, required=["id"], first={"id": _IDS}, empties=True)
    return _tool(f"update_{kind.name}", f"Change fields of a {kind.label.lower()}.", schema, kind, "update")


def _delete_tool(kind: ObjectType) -> Tool:
    schema = {"type": "object", "properties": {"id": _IDS}, "required": ["id"], "additionalProperties": False}
    description = f"Delete a {kind.label.lower()}; restore_{kind.name} brings it back."
    note = {"restored_by": f"restore_{kind.name}"}
    return _tool(f"delete_{kind.name}", description, schema, kind, "delete", note=note)


def _restore_tool(kind: ObjectType) -> Tool:
    schema = {"type": "object", "properties": {"id": _IDS}, "required": ["id"], "additionalProperties": False}
    description = f"Bring a deleted {kind.label.lower()} back."
    return _tool(f"restore_{kind.name}", description, schema, kind, "restore", hidden=True)


def _tool(
    name: str,
    description: str,
    schema: Mapping[str, Any],
    kind: ObjectType,
    verb: str,
    *,
    hidden: bool = False,
    note: Mapping[str, Any] | None = None,
) -> Tool:
    fields = [name for name in schema["properties"] if name != "id"]
    return Tool(
        name=name,
        description=description,
        parameters=schema,
        run=partial(_write, kind, verb),
        preview=partial(_preview, kind, verb),
        category=CATEGORY,
        effect="write",
        reads=("records",),
        hidden=hidden,
        aliases=() if hidden else (f"{verb}_one_{kind.name}",),  # Twenty's name (v2.19, DATABASE_CRUD)
        annotations={"kind": verb, "object": kind.name, "fields": fields, **(note or {})},
    )


def _schema(
    fields: Sequence[Field],
    *,
    required: Sequence[str] = (),
    first: Mapping[str, Any] | None = None,
    empties: bool = False,
) -> dict[str, Any]:
    """Give the schema of values. What exactly a field takes is judged by the records, whose errors say more."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {**(first or {}), **{field.name: _property(field, empties=empties) for field in fields}},
        "additionalProperties": False,
    }
    return schema | ({"required": list(required)} if required else {})


_TYPES: Mapping[FieldType, tuple[str, ...]] = {
    FieldType.NUMBER: ("number",),
    FieldType.BOOLEAN: ("boolean",),
    FieldType.CURRENCY: ("object",),
    FieldType.FULL_NAME: ("object",),
}


def _property(field: Field, *, empties: bool) -> dict[str, Any]:
    types = [*_TYPES.get(field.type, ("string",)), *(("null",) if empties else ())]
    return {"type": types if len(types) > 1 else types[0]}


# --- a call ----------------------------------------------------------------------------------------------------------


async def _write(kind: ObjectType, verb: str, ctx: Context, arguments: Mapping[str, Any]) -> Output:
    key = ctx.effect_key or None
    cause = Cause(Origin.TOOL, run_id=ctx.run_id, root_id=ctx.root_id, effect_key=key)
    written = await ctx.records.batch(ctx.actor, kind.name, _operations(verb, arguments), cause=cause)
    changes = _changes(kind, written)
    for done, change in zip(written.done, changes, strict=True):
        if done.kind is not None:
            ctx.emit(EventType.RECORD_CHANGED, _event(written, done, change))
    result: dict[str, Any] = {"object": kind.name, "changes": [change.to_json() for change in changes[:SHOWN]]}
    result["change_id"] = None if written.id is None else str(written.id)
    return Output(_said(kind, written, changes), result)


async def _preview(kind: ObjectType, verb: str, ctx: Context, arguments: Mapping[str, Any]) -> Preview:
    written = await ctx.records.rehearse(ctx.actor, kind.name, _operations(verb, arguments))
    # The id of what would be made is another each time, and so would be the hash that a yes is bound to.
    changes = [replace(one, id=None) if one.deed == "create" else one for one in _changes(kind, written)]
    return Preview(
        title=_title(kind, changes),
        changes=changes[:SHOWN],
        more=max(len(changes) - SHOWN, 0),
        own=all(_is_own(kind, done, ctx.actor) for done in written.done),
        pinned=" ".join(f"{done.id}@{done.was['updated_at']}" for done in written.done if done.was),
    )


def _operations(verb: str, arguments: Mapping[str, Any]) -> list[Operation]:
    """Read a call's arguments.

    Raises:
        Invalid: `id` names none, too many, or one twice.
    """
    if verb == "create":
        return [Operation("create", values=arguments)]
    if verb == "create_many":
        rows: Sequence[Mapping[str, Any]] = arguments["records"]
        return [Operation("create", values=row, path=f"records.{i}") for i, row in enumerate(rows)]
    given: str | list[str] = arguments["id"]
    ids = [given] if isinstance(given, str) else given
    if not 0 < len(ids) <= MOST or len(set(ids)) < len(ids):
        raise Invalid.of([Problem("id", f"must name 1 to {MOST} records, each once")], what="The call")
    places = ["id"] if isinstance(given, str) else [f"id.{i}" for i in range(len(ids))]
    if verb == "delete" or verb == "restore":
        return [Operation(verb, one, id_path=place) for one, place in zip(ids, places, strict=True)]
    values = {name: value for name, value in arguments.items() if name != "id"}
    return [Operation("update", one, values, id_path=place) for one, place in zip(ids, places, strict=True)]


# --- what is told ----------------------------------------------------------------------------------------------------

_DEEDS: Mapping[Kind | None, Deed] = {
    Kind.CREATED: "create",
    Kind.UPDATED: "update",
    Kind.DELETED: "delete",
    Kind.RESTORED: "restore",
    None: "update",  # with no field that differs
}
_PAST: Mapping[Deed, str] = {"create": "Created", "update": "Updated", "delete": "Deleted", "restore": "Restored"}


def _changes(kind: ObjectType, written: Written) -> list[Change]:
    """Tell what became of each record."""
    return [
        Change(_DEEDS[done.kind], kind.name, _label(kind, done), str(done.id), _fields(kind, done))
        for done in written.done
    ]


def _fields(kind: ObjectType, done: Done) -> list[FieldChange]:
    values = done.values.items()
    return [FieldChange(name, kind.by_name[name].label, before, after) for name, (before, after) in values]


def _label(kind: ObjectType, done: Done) -> str:
    """Give what people call a record that was written."""
    title = (done.record or done.was or {}).get(kind.title)
    if is_object(title):
        title = " ".join(str(part) for part in title.values() if part)
    return str(title) if title else UNTITLED


def _is_own(kind: ObjectType, done: Done, actor: Actor) -> bool:
    """Say whether a record belongs to who is acted for, before and after: its first relation to a member says so."""
    owner = next((field.name for field in kind.fields if field.target == MEMBER.name), None)
    if owner is None:
        return False
    mine = str(actor.principal.id)
    owners: list[Mapping[str, Any] | None] = [record[owner] for record in (done.was, done.record) if record]
    return all(one is not None and one["id"] == mine for one in owners)


def _title(kind: ObjectType, changes: Sequence[Change]) -> str:
    """Say in few words what a call would do: `Update Acme`, `Delete 3 companies`."""
    deed = changes[0].deed
    if len(changes) > 1:
        return f"{deed.capitalize()} {len(changes)} {kind.label_plural.lower()}"
    noun = f"{kind.label.lower()} " if deed == "create" else ""
    return f"{deed.capitalize()} {noun}{changes[0].label}"


def _said(kind: ObjectType, written: Written, changes: Sequence[Change]) -> str:
    """Say what a call did."""
    if written.id is None:
        return "Everything was so already; nothing was changed."
    if len(changes) > 1:
        done = sum(one.kind is not None for one in written.done)
        return f"{_PAST[changes[0].deed]} {done} of {len(changes)} {kind.label_plural.lower()}."
    return f"{_PAST[changes[0].deed]} {kind.label.lower()} {changes[0].label}."


def _event(written: Written, done: Done, change: Change) -> dict[str, Any]:
    return {
        "object": written.object,
        "id": str(done.id),
        "label": change.label,
        "kind": str(done.kind),
        "change_id": str(done.change_id),
        "write_id": str(written.id),
        "fields": list(done.values),
    }
