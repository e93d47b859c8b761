"""What lies beneath every query on business data: the visible columns of the visible rows, and nothing else (S-08).

    table → rows that are there and that every row rule lets through → visible columns: `scope`
    scope → joined with the scopes of the relations that a query names: `Source`

A row rule sees what its writer saw: all fields, and the records its relations point to, whatever the actor may see.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from metier.actor import Action
from metier.filters import Comparable
from metier.records import columns as cols
from metier.records.catalog import View
from metier.records.columns import Expression
from metier.records.conditions import Condition, matches
from metier.records.policy import WORKSPACE
from metier.records.shape import Field, FieldType, ObjectType


def scope(
    view: View, object_name: str, name: str, *, action: Action = Action.READ, deleted: bool = False
) -> sa.Subquery:
    """Give the visible columns of the rows with which the actor may do something.

    A plain subquery is flattened by the planner; a materialised one, a barrier view or row-level security is not.

    Args:
        name: The subquery's alias.
        action: What is to be done; what may not be read is out of reach for every action.
        deleted: Give the rows that are deleted instead of those that are there.
    """
    return _scope(view, object_name, view.objects[object_name].fields, name, action=action, deleted=deleted)


def label_scope(view: View, object_name: str, name: str) -> sa.Subquery:
    """Give the visible rows with what names them: the id and the title."""
    kind = view.objects[object_name]
    return _scope(view, object_name, [kind.by_name[named] for named in dict.fromkeys(("id", kind.title))], name)


def _scope(
    view: View,
    object_name: str,
    fields: Sequence[Field],
    name: str,
    *,
    action: Action = Action.READ,
    deleted: bool = False,
) -> sa.Subquery:
    whole = _Whole(view, object_name, deleted=deleted)
    guards = view.guards_of(object_name, action)
    rules = [matches(guard.tree, whole, guard.slots) for guard in guards]
    shown = [column for field in fields for column in cols.columns(field)]
    return (
        sa.select(*(whole.root.c[column] for column in shown))
        .select_from(whole.tables)
        .where(*whole.there, *rules)
        .subquery(name)
    )


class _Whole:
    """A table with all its columns, and the tables of the relations that row rules name; for rules only."""

    def __init__(self, view: View, object_name: str, *, deleted: bool) -> None:
        self._view = view
        kind = view.whole[object_name]
        self.root = _table(view, kind, "x")
        self.there = _there(kind, self.root, deleted=deleted)
        self.tables: sa.FromClause = self.root
        self._joined: dict[tuple[str, ...], tuple[ObjectType, sa.FromClause]] = {(): (kind, self.root)}

    def value(self, path: tuple[str, ...], thing: Comparable) -> Expression:
        """Give what is compared. A relation compares by the id that is stored."""
        kind, table = self._at(path[:-1])
        return cols.value(kind.by_name[path[-1]], thing.part, table.c)

    def _at(self, hops: tuple[str, ...]) -> tuple[ObjectType, sa.FromClause]:
        if hops not in self._joined:
            near, table = self._at(hops[:-1])
            far = self._view.whole[near.by_name[hops[-1]].target or ""]
            target = _table(self._view, far, f"x{len(self._joined)}")
            same = table.c[f"{hops[-1]}_id"] == target.c["id"]
            self.tables = self.tables.outerjoin(target, sa.and_(same, *_there(far, target, deleted=False)))
            self._joined[hops] = (far, target)
        return self._joined[hops]


def _table(view: View, kind: ObjectType, name: str) -> sa.FromClause:
    types = {column: type_ for field in kind.fields for column, type_ in cols.columns(field).items()}
    kept = {"deleted_at": sa.TIMESTAMP(timezone=True)} | ({"workspace_id": sa.Uuid()} if kind.read_only else {})
    home, place = ("core", "member") if kind.read_only else (view.schema, kind.name)
    return sa.table(place, *(sa.column(c, type_) for c, type_ in (types | kept).items()), schema=home).alias(name)


def _there(kind: ObjectType, table: sa.FromClause, *, deleted: bool) -> list[Condition]:
    """Give what holds for every row that is there, or that is deleted."""
    gone = table.c.deleted_at
    conditions: list[Condition] = [gone.is_not(None) if deleted else gone.is_(None)]
    if kind.read_only:
        conditions.append(table.c.workspace_id == sa.bindparam(WORKSPACE, type_=sa.Uuid()))
    return conditions


class Source:
    """An object's scope, and the scopes of the relations that a query names, joined as they are named."""

    def __init__(self, view: View, object_name: str, *, deleted: bool = False) -> None:
        self._view = view
        self.root = scope(view, object_name, "s", deleted=deleted)
        self.tables: sa.FromClause = self.root
        self._joined: dict[tuple[str, ...], tuple[ObjectType, sa.FromClause]] = {
            (): (view.objects[object_name], self.root)
        }

    def at(self, hops: tuple[str, ...]) -> tuple[ObjectType, sa.FromClause]:
        """Give the object that lies at the end of these relations, and where to read it."""
        if hops not in self._joined:
            near, table = self.at(hops[:-1])
            far = self._view.objects[near.by_name[hops[-1]].target or ""]
            target = scope(self._view, far.name, f"s{len(self._joined)}")
            self.tables = self.tables.outerjoin(target, table.c[f"{hops[-1]}_id"] == target.c["id"])
            self._joined[hops] = (far, target)
        return self._joined[hops]

    def field(self, path: tuple[str, ...]) -> tuple[Field, sa.FromClause]:
        """Give the field at the end of a path, and where to read it."""
        object_type, table = self.at(path[:-1])
        return object_type.by_name[path[-1]], table

    def value(self, path: tuple[str, ...], thing: Comparable) -> Expression:
        """Give what is compared. A relation's id is that of a record the actor may see, else null."""
        field, table = self.field(path)
        if field.type is FieldType.RELATION:
            return self.at(path)[1].c["id"]
        return cols.value(field, thing.part, table.c)
