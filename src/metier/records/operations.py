"""What is asked to be written, read and checked before anything is touched.

`Operation("update", id=…, values={"stage": "won"})` → the columns to set, the records that relations must find.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from metier.actor import Action, Actor, check
from metier.errors import BadFilter, Invalid, MissingPermission, NoSuchRecord, Problem, ReadOnlyObject
from metier.filters import Comparable, Here, Kind, snake
from metier.filters.operands import read_value
from metier.records import columns as cols
from metier.records.catalog import View
from metier.records.changes import Image
from metier.records.policy import settable_fields
from metier.records.shape import Field, ObjectType
from metier.records.values import Columns, ValueReader, Values

MOST_OPERATIONS = 1_000  # of one call

Verb = Literal["create", "update", "delete", "restore", "destroy", "upsert"]

#: What the actor must be allowed for each.
NEEDS: Mapping[Verb, tuple[Action, ...]] = {
    "create": (Action.CREATE,),
    "update": (Action.UPDATE,),
    "delete": (Action.DELETE,),
    "restore": (Action.DELETE,),
    "destroy": (Action.DESTROY,),
    "upsert": (Action.CREATE, Action.UPDATE),
}


@dataclass(frozen=True)
class Operation:
    """One thing to be done to one record.

    Attributes:
        id: Which record; None for `create` and `upsert`.
        values: JSON by field name, for `create`, `update` and `upsert`; what is not named stays.
        if_updated_at: Refuse if the record was changed since this version of it.
        expected: Refuse if one of these fields has another value by now.
        by: For `upsert`: the unique field that says which record is meant; None for any that has a value.
        path: Where the values stand in the input; `id_path` where the id does. For errors.
    """

    verb: Verb
    id: UUID | str | None = None
    values: Values = field(default_factory=dict[str, Any])
    if_updated_at: datetime | str | None = None
    expected: Image | None = None
    by: str | None = None
    path: str = ""
    id_path: str = "id"

    def to_json(self) -> list[Any]:
        """Give what makes two operations the same."""
        since = None if self.if_updated_at is None else str(self.if_updated_at)
        return [self.verb, None if self.id is None else str(self.id), dict(self.values), since, self.by]


@dataclass(frozen=True)
class Draft:
    """An operation that was read.

    Attributes:
        id: None until an upsert has found its record.
        since: The version that must still be there.
        keys: For an upsert: the unique fields that say which record is meant, and their values.
    """

    operation: Operation
    id: UUID | None
    columns: Columns = field(default_factory=dict[str, Any])
    since: datetime | None = None
    keys: tuple[tuple[Field, Any], ...] = ()


@dataclass(frozen=True)
class Plan:
    """All of a call. `reader` holds the records that relations are to point to."""

    drafts: Sequence[Draft]
    reader: ValueReader


def check_allowed(actor: Actor, object_type: ObjectType, operations: Sequence[Operation]) -> None:
    """Let pass whoever may do all of these on the object.

    Raises:
        ReadOnlyObject: Nobody writes it here.
        MissingPermission: The actor may not do one of them.
    """
    if object_type.read_only:
        raise ReadOnlyObject(object_type.label_plural)
    verbs: dict[Verb, None] = dict.fromkeys(operation.verb for operation in operations)
    for action in dict.fromkeys(action for verb in verbs for action in NEEDS[verb]):
        check(actor, action, object_type.name)


def read_operations(
    operations: Sequence[Operation],
    actor: Actor,
    view: View,
    object_type: ObjectType,
    here: Here,
    new_id: Callable[[], UUID],
) -> Plan:
    """Check what is asked.

    Args:
        object_type: As the actor sees it.
        new_id: Makes the ids of new records.

    Raises:
        Invalid: Names every place that is wrong, e.g. `operations.3.values.amount.currency_code`.
        MissingPermission: The actor may not set one of the fields.
        NoSuchRecord: What is given as an id is none.
    """
    if len(operations) > MOST_OPERATIONS:
        problem = f"at most {MOST_OPERATIONS} records can be written at once, not {len(operations)}"
        raise Invalid.of([Problem("", problem)], what="The input")
    reading = _Reading(ValueReader(object_type, settable_fields(object_type, actor), view.objects, here), new_id)
    drafts = [reading.draft(operation) for operation in operations]
    reading.reader.check(f"The {object_type.name}")
    for path, name in reading.reader.refused.items():
        error = MissingPermission(actor.label, "set", f"{object_type.name}.{name}")
        error.problems = (Problem(path, error.message),)
        raise error
    return Plan(drafts, reading.reader)


def no_such_records(object_type: ObjectType, operations: Sequence[Operation]) -> NoSuchRecord:
    """Make the error for records that are not there, one problem for each."""
    error = NoSuchRecord(object_type.name, str(operations[0].id)[:100])
    error.problems = tuple(
        Problem(one.id_path, NoSuchRecord(object_type.name, str(one.id)[:100]).message) for one in operations
    )
    return error


@dataclass
class _Reading:
    reader: ValueReader
    new_id: Callable[[], UUID]

    def draft(self, operation: Operation) -> Draft:
        match operation.verb:
            case "create":
                return self._created(operation)
            case "upsert":
                return self._upserted(operation)
            case "update":
                columns = self.reader.read(operation.values, operation.path, creating=False)
                return Draft(operation, self._id(operation), columns, self._since(operation))
            case _:
                return Draft(operation, self._id(operation), since=self._since(operation))

    def _created(self, operation: Operation) -> Draft:
        """Complete the values of a new record with its id and its times."""
        columns = self.reader.read(operation.values, operation.path, creating=True)
        return Draft(operation, self.new_id(), self._dated(columns))

    def _dated(self, columns: Columns) -> Columns:
        columns.setdefault("created_at", self.reader.here.now.isoformat())
        columns.setdefault("updated_at", columns["created_at"])
        return columns

    def _upserted(self, operation: Operation) -> Draft:
        columns = self.reader.read(operation.values, operation.path, creating=False)
        return Draft(operation, None, columns, keys=self._keys(operation, columns))

    def _keys(self, operation: Operation, columns: Columns) -> tuple[tuple[Field, Any], ...]:
        """Give the unique fields by which an upsert finds its record."""
        kind = self.reader.object_type
        unique = [f for f in kind.fields if f.unique]
        named = [f for f in unique if operation.by is None or f.name == snake(operation.by)]
        keys = tuple(
            (f, columns[column]) for f in named if columns.get(column := next(iter(cols.columns(f)))) is not None
        )
        if not keys:
            allowed = tuple(f.name for f in unique)
            problem = "needs the value of a unique field that says which record is meant"
            if not unique:
                problem = f"cannot be: {kind.name!r} has no unique field that says which record is meant"
            self.reader.problems.append(Problem(operation.path, problem, allowed))
        return keys

    def _id(self, operation: Operation) -> UUID:
        try:
            return operation.id if isinstance(operation.id, UUID) else UUID(operation.id)
        except (ValueError, AttributeError, TypeError):
            raise no_such_records(self.reader.object_type, [operation]) from None

    def _since(self, operation: Operation) -> datetime | None:
        if operation.if_updated_at is None:
            return None
        place = operation.id_path.removesuffix("id") + "if_updated_at"
        try:
            found = read_value(operation.if_updated_at, Comparable(Kind.DATE_TIME), self.reader.here, place)
        except BadFilter as error:
            self.reader.problems += error.problems
            return None
        if isinstance(found, datetime):
            return found
        self.reader.problems.append(Problem(place, "expected the record's `updated_at`, not a day"))
        return None


def as_new(draft: Draft, moment: datetime, id: UUID) -> Draft:
    """Turn an upsert that found nothing into the creation of a record."""
    times = {"created_at": moment.isoformat(), "updated_at": moment.isoformat()}
    return replace(draft, id=id, columns=times | draft.columns)
