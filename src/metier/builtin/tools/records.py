"""Tools that read records: `find_<plural>`, `find_one_<singular>` per readable object, and `search_records`.

They are made from the object types the actor may see, so a hidden object has no tool and a hidden field no name.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from metier.actor import Action, Actor
from metier.context import Context
from metier.records.shape import Field, FieldType, ObjectType
from metier.tools import Output, Tool

CATEGORY = "DATABASE_CRUD"
LIMIT = 20  # rows when the model names no limit
MAX_LIMIT = 100
_KEEP = 64  # sets of tools; one per (workspace, what may be seen)

GUIDE = """\
Record tools take `where`: {field: {operator: value}}; several fields mean AND; combine with {"and": [...]}, \
{"or": [...]}, {"not": {...}}; reach a related record with {"company": {"city": {"eq": "Berlin"}}}.
Operators: text eq neq in contains starts_with ends_with like is; number and date eq neq gt gte lt lte in between is; \
date also within (today, this_week, last_7_days, next_month, previous_quarter); select and id eq neq in not_in is; \
`is` takes "null" or "not_null"; ids of members take "me". Currency amounts are compared in whole units.
`sort` is a field name, with "-" for descending. `limit` 0 only counts. `total` is the number of all matches."""


class RecordTools:
    """Makes the reading tools for an actor; the same list object as long as what the actor may see is the same."""

    name = "records"
    guide = GUIDE

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[Any, ...], tuple[list[ObjectType], list[Tool]]] = OrderedDict()

    async def tools(self, ctx: Context) -> Sequence[Tool]:
        """Give the actor's tools, ordered as the objects are."""
        objects = await ctx.records.objects(ctx.actor)
        key = _key(ctx.actor)
        known = self._made.get(key)
        if known is not None and known[0] is objects:
            return known[1]
        restorable = {kind.name for kind in objects if not kind.read_only and ctx.actor.may(Action.DELETE, kind.name)}
        made = make_tools(objects, restorable=restorable)
        self._made[key] = (objects, made)
        self._made.move_to_end(key)
        while len(self._made) > _KEEP:
            self._made.popitem(last=False)
        return made


def toolsets() -> list[RecordTools]:
    """Give the shelf's toolsets of this file."""
    return [RecordTools()]


def make_tools(objects: Sequence[ObjectType], *, restorable: Collection[str] = ()) -> list[Tool]:
    """Make the tools for these object types.

    Args:
        restorable: Names of those whose deleted records may be found.
    """
    by_name = {kind.name: kind for kind in objects}
    tools: list[Tool] = []
    for kind in objects:
        tools += [_find_tool(kind, by_name, restores=kind.name in restorable), _find_one_tool(kind, by_name)]
    return [*tools, _search_tool()] if tools else []


def _key(actor: Actor) -> tuple[Any, ...]:
    return (actor.workspace_id, actor.policy_key())


def _find_tool(kind: ObjectType, objects: Mapping[str, ObjectType], *, restores: bool) -> Tool:
    deleted = {"deleted": {"type": "boolean", "description": "Find deleted ones instead"}}
    return Tool(
        name=f"find_{kind.plural}",
        description=f"Find {kind.label_plural.lower()} by filter. {_describe(kind)}",
        parameters={
            "type": "object",
            "properties": {
                "where": {"type": "object", "description": "Filter; {} matches all."},
                "sort": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                "limit": {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT},
                "cursor": {"type": "string", "description": "next_cursor of the page before"},
                "select": {"type": "array", "items": {"type": "string"}, "description": "Fields to return"},
                **(deleted if restores else {}),
            },
            "additionalProperties": False,
        },
        run=partial(_find, kind.name),
        category=CATEGORY,
        reads=("records",),
        annotations={"kind": "find", "object": kind.to_json(), "objects": _targets(kind, objects)},
    )


def _find_one_tool(kind: ObjectType, objects: Mapping[str, ObjectType]) -> Tool:
    return Tool(
        name=f"find_one_{kind.name}",
        description=f"Get one {kind.label.lower()} by its id, with all fields.",
        parameters={
            "type": "object",
            "properties": {"id": {"type": "string"}},
            "required": ["id"],
            "additionalProperties": False,
        },
        run=partial(_find_one, kind.name),
        category=CATEGORY,
        reads=("records",),
        annotations={"kind": "find_one", "object": kind.to_json(), "objects": _targets(kind, objects)},
    )


def _search_tool() -> Tool:
    return Tool(
        name="search_records",
        description="Find records of any object by words of their title, when you have a name but not the id.",
        parameters={
            "type": "object",
            "properties": {
                "text": {"type": "string", "minLength": 1, "maxLength": 200},
                "limit": {"type": "integer", "minimum": 1, "maximum": 50},
            },
            "required": ["text"],
            "additionalProperties": False,
        },
        run=_search,
        category=CATEGORY,
        reads=("records",),
        annotations={"kind": "search"},
    )


def _targets(kind: ObjectType, objects: Mapping[str, ObjectType]) -> dict[str, Any]:
    names = {field.target for field in kind.fields if field.target}
    return {name: objects[name].to_json() for name in sorted(names) if name in objects}


def _describe(kind: ObjectType) -> str:
    return "Fields: " + "; ".join(_describe_field(field) for field in kind.fields if field.name != "id") + "."


def _describe_field(field: Field) -> str:
    match field.type:
        case FieldType.SELECT:
            return f"{field.name} select({'|'.join(option.value for option in field.options)})"
        case FieldType.RELATION:
            return f"{field.name} → {field.target}"
        case _:
            unit = f" in {field.unit}" if field.unit else ""
            return f"{field.name} {field.type.value}{unit}"


async def _find(object_name: str, ctx: Context, arguments: Mapping[str, Any]) -> Output:
    where = arguments.get("where", {})
    limit = arguments.get("limit", LIMIT)
    page = await ctx.records.find(
        ctx.actor,
        object_name,
        where=where,
        sort=arguments.get("sort", ()),
        limit=limit,
        cursor=arguments.get("cursor"),
        select=arguments.get("select"),
        count="capped" if limit else "exact",
        deleted=arguments.get("deleted", False),
    )
    filter_text = await ctx.records.describe(ctx.actor, object_name, where)
    kind = await ctx.records.object(ctx.actor, object_name)
    return Output(
        _count_message(kind, page.total or 0, capped=page.total_capped, shown=len(page.records)),
        {
            "object": object_name,
            "records": page.records,
            "total": page.total,
            "total_capped": page.total_capped,
            "next_cursor": page.next_cursor,
            "filter": filter_text,
        },
    )


def _count_message(kind: ObjectType, total: int, *, capped: bool, shown: int) -> str:
    noun = (kind.label if total == 1 else kind.label_plural).lower()
    cut = f", {shown} of them returned" if 0 < shown < total else ""
    return f"{'More than ' if capped else ''}{total:,} {noun}{cut}."


async def _find_one(object_name: str, ctx: Context, arguments: Mapping[str, Any]) -> Output:
    record = await ctx.records.get(ctx.actor, object_name, arguments["id"])
    return Output("Found.", {"object": object_name, "record": record})


async def _search(ctx: Context, arguments: Mapping[str, Any]) -> Output:
    hits = await ctx.records.search(ctx.actor, arguments["text"], limit=arguments.get("limit", 10))
    found = [{"object": hit.object, "id": str(hit.id), "label": hit.label} for hit in hits]
    return Output("1 record matches." if len(found) == 1 else f"{len(found)} records match.", {"hits": found})
