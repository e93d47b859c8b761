"""The log of changes: what was written, by whom and why. History is read from it, and undo is made from it.

One row per record that was written, in the transaction of the write. `before` and `after` are whole records,
`{field: JSON value}` with a relation's bare id, hidden fields too; readers get them cut down (`tell`). Rows written
by one call share a `write_id`; that of a call which wrote one record is the change's own id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.records.shape import FieldType, ObjectType
from metier.store import Json, Transaction

Image = Mapping[str, Any]  # Any: JSON values by field name
Labels = Mapping[tuple[str, UUID], str]  # what the records that relations point to are called, by object and id


class Origin(StrEnum):
    """Through which door a write came."""

    UI = "ui"
    API = "api"
    CLI = "cli"
    TOOL = "tool"
    IMPORT = "import"
    UNDO = "undo"
    APP = "app"
    SYSTEM = "system"


class Kind(StrEnum):
    """What happened to a record."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    RESTORED = "restored"
    DESTROYED = "destroyed"


@dataclass(frozen=True)
class Cause:
    """Where a write comes from; who writes is the Actor.

    Attributes:
        run_id, root_id: The run it happens in, if any.
        effect_key: The same on every attempt of one write (S-37); a second one gets the first result.
        key_lasts_s: Seconds after which the key may be used anew; None for ever.
        depth: Number of changes that led to this one through triggers; 0 for a person's own.
        undoes: The change or write that this one takes back.
    """

    origin: Origin = Origin.API
    run_id: UUID | None = None
    root_id: UUID | None = None
    effect_key: str | None = None
    key_lasts_s: float | None = None
    depth: int = 0
    undoes: UUID | None = None


@dataclass(frozen=True)
class Change:
    """What one write did to one record.

    Attributes:
        fields: Names of the fields that have another value now; of a new record those that have one.
        actor: Who, as ids and labels: `{"kind", "id", "label", "chain"}`.
        undone: A later write took it back.
    """

    id: UUID
    write_id: UUID
    object: str
    record_id: UUID
    kind: Kind
    before: Image | None
    after: Image | None
    fields: tuple[str, ...]
    actor: Mapping[str, Any]
    at: datetime
    origin: Origin = Origin.API
    run_id: UUID | None = None
    root_id: UUID | None = None
    depth: int = 0
    undoes: UUID | None = None
    undone: bool = False


@dataclass(frozen=True)
class Told:
    """A change as somebody may read it.

    Attributes:
        values: Per changed field the value before and after, relations as `{"id", "label"}`; empty for a record that
            was destroyed: nothing of it is kept.
    """

    change: Change
    values: Mapping[str, tuple[Any, Any]]

    def to_json(self) -> dict[str, Any]:
        """Give the change as data."""
        change = self.change
        return {
            "id": str(change.id),
            "write_id": str(change.write_id),
            "object": change.object,
            "record_id": str(change.record_id),
            "kind": change.kind.value,
            "at": change.at.isoformat(),
            "actor": dict(change.actor),
            "origin": change.origin.value,
            "run_id": None if change.run_id is None else str(change.run_id),
            "fields": {name: {"before": before, "after": after} for name, (before, after) in self.values.items()},
            "undoes": None if change.undoes is None else str(change.undoes),
            "undone": change.undone,
        }


def difference(before: Image | None, after: Image | None) -> tuple[str, ...]:
    """Give the names of the fields that differ, the record's id and times left out."""
    old, new = before or {}, after or {}
    names = dict.fromkeys([*old, *new])
    return tuple(name for name in names if name not in _KEPT and old.get(name) != new.get(name))


async def store(tx: Transaction, actor: Actor, cause: Cause, changes: Sequence[Change]) -> None:
    """Write the changes of one write, all of one object, to the log.

    Of records that were destroyed all values are forgotten, earlier ones too.
    """
    common = {
        "workspace": actor.workspace_id,
        "actor": Json(actor.to_json()),
        "principal": actor.principal.id,
        "origin": cause.origin.value,
        "run": cause.run_id,
        "root": cause.root_id,
        "key": cause.effect_key,
        "depth": cause.depth,
        "undoes": cause.undoes,
    }
    await tx.execute(_STORE, common | {"rows": Json([_row(change, place) for place, change in enumerate(changes)])})
    if gone := [change for change in changes if change.kind is Kind.DESTROYED]:
        ids = [change.record_id for change in gone]
        await tx.execute(_FORGET, {"workspace": actor.workspace_id, "object": gone[0].object, "ids": ids})


async def of_record(
    tx: Transaction, workspace_id: UUID, object_name: str, record_id: UUID, *, limit: int, before: UUID | None
) -> list[Change]:
    """Give a record's changes, the newest first.

    Args:
        limit: Most changes.
        before: Only those before this one.
    """
    wanted = {"workspace": workspace_id, "object": object_name, "record": record_id, "limit": limit, "before": before}
    return [_change(row) for row in await tx.rows(_OF_RECORD, wanted)]


async def of_write(tx: Transaction, workspace_id: UUID, change_id: UUID) -> list[Change]:
    """Give the change of this id, or all changes of the write of this id, in the order in which they were made."""
    return [_change(row) for row in await tx.rows(_OF_WRITE, {"workspace": workspace_id, "id": change_id})]


async def follow(tx: Transaction, workspace_id: UUID, before: str, after: str, fields: Mapping[str, str]) -> None:
    """Let the log follow an object's new name, and those of its fields (by the old): it stays the records' history."""
    scope = {"workspace": workspace_id, "object": after}
    if before != after:
        await tx.execute(_RENAME_OBJECT, scope | {"before": before})
    beside = {f"+{i}": pair for i, pair in enumerate(fields.items())}  # two fields may exchange their names
    for name, (old, _) in beside.items():
        await tx.execute(_RENAME_FIELD, scope | {"old": old, "new": name})
    for name, (_, new) in beside.items():
        await tx.execute(_RENAME_FIELD, scope | {"old": name, "new": new})


async def forget_field(tx: Transaction, workspace_id: UUID, object_name: str, field: str) -> None:
    """Remove all values of a field from the log."""
    await tx.execute(_FORGET_FIELD, {"workspace": workspace_id, "object": object_name, "field": field})


async def forget_object(tx: Transaction, workspace_id: UUID, object_name: str) -> None:
    """Remove an object's records from the log."""
    await tx.execute("delete from core.change where workspace_id = %s and object = %s", [workspace_id, object_name])


def cut(image: Image | None, object_type: ObjectType, labels: Labels) -> dict[str, Any] | None:
    """Give a record as `find` gives it: the fields that may be seen, the id first, relations with their labels."""
    if image is None:
        return None
    names = dict.fromkeys(["id", *object_type.by_name])
    return {name: value_of(image, name, object_type, labels) for name in names}


def tell(change: Change, object_type: ObjectType, labels: Labels) -> Told:
    """Cut a change down to what may be seen of it; its values are empty if that is nothing."""
    values = {
        name: (value_of(change.before, name, object_type, labels), value_of(change.after, name, object_type, labels))
        for name in change.fields
        if name in object_type.by_name
    }
    return Told(change, {name: pair for name, pair in values.items() if pair[0] != pair[1]})


def value_of(image: Image | None, name: str, object_type: ObjectType, labels: Labels) -> Any:
    """Give one value of a record; a relation to a record that cannot be seen is empty."""
    raw = (image or {}).get(name)
    field = object_type.by_name[name]
    if raw is None or field.type is not FieldType.RELATION:
        return raw
    label = labels.get((field.target or "", UUID(raw)))
    return None if label is None else {"id": raw, "label": label}


def targets(images: Iterable[Image | None], object_type: ObjectType) -> dict[str, set[UUID]]:
    """Give the ids of the records that relations point to, per object."""
    relations = [field for field in object_type.fields if field.type is FieldType.RELATION]
    found: dict[str, set[UUID]] = {}
    for image in images:
        for field in relations:
            if raw := (image or {}).get(field.name):
                found.setdefault(field.target or "", set()).add(UUID(raw))
    return found


_KEPT = frozenset({"id", "created_at", "updated_at"})


def _row(change: Change, place: int) -> dict[str, Any]:
    return {
        "id": str(change.id),
        "write_id": str(change.write_id),
        "place": place,
        "object": change.object,
        "record_id": str(change.record_id),
        "kind": change.kind.value,
        "before": change.before,
        "after": change.after,
        "fields": change.fields,
        "at": change.at.isoformat(),
    }


def _change(row: Mapping[str, Any]) -> Change:
    found = Change(**{name: row[name] for name in _READ})
    return replace(found, kind=Kind(found.kind), origin=Origin(found.origin), fields=tuple(found.fields))


_READ = tuple(Change.__dataclass_fields__)
_STORE = """
insert into core.change (
    workspace_id, actor, principal_id, origin, run_id, root_id, effect_key, depth, undoes,
    id, write_id, place, object, record_id, kind, before, after, fields, at
)
select
    %(workspace)s, %(actor)s, %(principal)s, %(origin)s, %(run)s, %(root)s, %(key)s, %(depth)s, %(undoes)s, x.*
from jsonb_to_recordset(%(rows)s) as x(
    id uuid, write_id uuid, place int, object text, record_id uuid, kind text, before jsonb, after jsonb,
    fields text[], at timestamptz
)
"""
_FORGET = """
update core.change set before = null, after = null
where workspace_id = %(workspace)s and object = %(object)s and record_id = any(%(ids)s)
"""
_RENAME_OBJECT = """
update core.change set object = %(object)s where workspace_id = %(workspace)s and object = %(before)s
"""
_RENAME_FIELD = """
update core.change
set before = case when before ? %(old)s
        then before - %(old)s::text || jsonb_build_object(%(new)s::text, before -> %(old)s) else before end,
    after = case when after ? %(old)s
        then after - %(old)s::text || jsonb_build_object(%(new)s::text, after -> %(old)s) else after end,
    fields = array_replace(fields, %(old)s, %(new)s)
where workspace_id = %(workspace)s and object = %(object)s
    and (before ? %(old)s or after ? %(old)s or %(old)s = any(fields))
"""
_FORGET_FIELD = """
update core.change
set before = before - %(field)s::text, after = after - %(field)s::text, fields = array_remove(fields, %(field)s)
where workspace_id = %(workspace)s and object = %(object)s
"""
_FIND = """
select c.*, exists (
    select from core.change u where u.workspace_id = c.workspace_id and u.undoes in (c.id, c.write_id)
) as undone
from core.change c
where c.workspace_id = %(workspace)s
"""
_OF_RECORD = f"""
{_FIND} and c.object = %(object)s and c.record_id = %(record)s and (%(before)s::uuid is null or c.id < %(before)s)
order by c.id desc limit %(limit)s
"""
_OF_WRITE = f"{_FIND} and (c.id = %(id)s or c.write_id = %(id)s) order by c.place"
