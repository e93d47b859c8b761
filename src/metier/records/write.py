"""Writing records: everything one call asks for, in one transaction, told as the actor may see it.

operations → read and checked → effect key taken → done (`attempt`) → logged (`changes`) → commit → result

A refusal anywhere changes nothing (S-09). What a call writes lies all in one object.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import psycopg

from metier.audit import Entry, keep
from metier.errors import Conflict, MetierError, ValueTaken
from metier.records import changes, ddl, effects
from metier.records import columns as cols
from metier.records.attempt import Again, Attempt, Effect
from metier.records.changes import Cause, Change, Image, Kind
from metier.records.operations import Draft, Operation, Plan, check_allowed, read_operations
from metier.records.scoped import Place, Scoped, Texts
from metier.store import Database, UniqueViolation

ATTEMPTS = 4  # at a write that meets others

_MET = (Again, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


@dataclass(frozen=True)
class Done:
    """What became of one operation.

    Attributes:
        kind: None if everything was so already.
        change_id: Of the change in the log.
        record: As the actor sees it afterwards; a deleted one as it was last, None for a destroyed one.
        values: Per changed field the value before and after.
        was: The record before, as the actor sees it; None for a new one.
    """

    kind: Kind | None
    id: UUID
    change_id: UUID | None
    record: Mapping[str, Any] | None
    values: Mapping[str, tuple[Any, Any]]
    was: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the result as data."""
        return {
            "data": self.record,
            "kind": self.kind.value if self.kind else "unchanged",
            "change_id": None if self.change_id is None else str(self.change_id),
            "fields": {name: {"before": before, "after": after} for name, (before, after) in self.values.items()},
        }


@dataclass(frozen=True)
class Written:
    """What became of a call.

    Attributes:
        id: Of the write: undoing it takes back all of it. None if nothing changed.
        done: In the order of the operations.
        repeated: It was done before under the same effect key; this is the first result.
    """

    object: str
    id: UUID | None
    done: tuple[Done, ...]
    repeated: bool = False

    @property
    def one(self) -> Done:
        """The result of a call that asked for one thing."""
        return self.done[0]

    def to_json(self) -> dict[str, Any]:
        """Give the results as data."""
        write_id = None if self.id is None else str(self.id)
        return {"data": [done.to_json() for done in self.done], "change_id": write_id}


class _Rehearsed(Exception):  # takes a transaction back with the result in hand; never leaves this module
    def __init__(self, written: Written) -> None:
        self.written = written


class Writer:
    """Writes records.

    Args:
        new_id: Makes the ids of records and changes.
    """

    def __init__(self, db: Database, texts: Texts, new_id: Callable[[], UUID]) -> None:
        self._db = db
        self._texts = texts
        self._new_id = new_id

    async def write(self, place: Place, operations: Sequence[Operation], cause: Cause) -> Written:
        """Do all of it or nothing.

        Raises:
            ReadOnlyObject, MissingPermission: The actor may not.
            Invalid: Names every value that does not fit, and where.
            NoSuchRecord: No such record, or one that the actor may not see.
            RecordChanged: It was changed since.
            ValueTaken: A unique value that another record has.
            OutOfReach: It would lie outside of what the actor may see.
            KeyReused: The effect key stands for another write.
        """
        check_allowed(place.actor, place.seen, operations)
        plan = read_operations(operations, place.actor, place.view, place.seen, place.here, self._new_id)
        upserts = any(operation.verb == "upsert" for operation in operations)
        for left in reversed(range(ATTEMPTS)):
            try:
                async with self._db.transaction() as tx:
                    return await _Write(tx, place, self._texts, plan, cause, self._new_id).run()
            except UniqueViolation as violation:
                if not (upserts and left):
                    raise _taken(place, plan.drafts, violation) from None
            except _MET:
                if not left:
                    raise Conflict("Others are writing the same records.", cure="Try again in a moment.") from None
        raise AssertionError  # the last attempt returned or raised

    async def rehearse(self, place: Place, operations: Sequence[Operation]) -> Written:
        """Say what writing would do, or raise what it would raise; nothing is changed."""
        check_allowed(place.actor, place.seen, operations)
        plan = read_operations(operations, place.actor, place.view, place.seen, place.here, self._new_id)
        try:
            async with self._db.transaction() as tx:
                raise _Rehearsed(await _Write(tx, place, self._texts, plan, Cause(), self._new_id).run())
        except _Rehearsed as rehearsed:
            return rehearsed.written
        except UniqueViolation as violation:
            raise _taken(place, plan.drafts, violation) from None
        except _MET:
            raise Conflict("Others are writing the same records.", cure="Try again in a moment.") from None


@dataclass(frozen=True)
class _Write(Scoped):
    """One attempt, from the effect key to the log."""

    plan: Plan
    cause: Cause
    new_id: Callable[[], UUID]

    async def run(self) -> Written:
        actor, cause = self.place.actor, self.cause
        if cause.effect_key is not None:
            asked = [self.place.seen.name, *(draft.operation.to_json() for draft in self.plan.drafts)]
            first = await effects.claim(self.tx, actor, cause, asked, self.place.here.now)
            if first is not None:
                return await self._first_result(first)
        found = await Attempt(self.tx, self.place, self.texts, self.plan, self.new_id).run()
        log = self._logged(found)
        if log:
            await changes.store(self.tx, actor, cause, list(log.values()))
            await keep(self.tx, self._noted(list(log.values())))
        if cause.effect_key is not None:
            await effects.settle(self.tx, actor, cause, _kept(found, log))
        return await self._told([(effect, log.get(place)) for place, effect in enumerate(found)])

    def _logged(self, found: Sequence[Effect]) -> dict[int, Change]:
        """Make the log's rows of what was done, by the effects' place."""
        real = [(place, effect) for place, effect in enumerate(found) if effect.kind is not None]
        ids = [self.new_id() for _ in real]
        write_id = ids[0] if len(ids) == 1 else self.new_id()
        return {
            place: self._change(effect, effect.kind or Kind.UPDATED, change_id, write_id)
            for change_id, (place, effect) in zip(ids, real, strict=True)
        }

    def _noted(self, log: Sequence[Change]) -> Mapping[str, Any]:
        """Make the audit log's row: what was done, to how many; the change log has the values."""
        actor, kinds = self.place.actor, Counter(change.kind.value for change in log)
        entry = Entry(
            "record.written",
            target=self.place.seen.name,
            target_id=str(log[0].record_id) if len(log) == 1 else "",
            rows=len(log),
            run_id=self.cause.run_id,
            details={"write": str(log[0].write_id), "origin": self.cause.origin, **kinds},
        )
        facts: dict[str, Any] = {"id": self.new_id(), "now": self.place.here.now, "principal_id": actor.principal.id}
        return entry.row(actor.workspace_id, actor.to_json(), **facts)

    def _change(self, effect: Effect, kind: Kind, id: UUID, write_id: UUID) -> Change:
        return Change(
            id=id,
            write_id=write_id,
            object=self.place.whole.name,
            record_id=effect.id,
            kind=kind,
            before=effect.before,
            after=effect.after,
            fields=changes.difference(effect.before, effect.after) if kind in _OF_VALUES else (),
            actor=self.place.actor.to_json(),
            at=self.place.here.now,
        )

    async def _told(self, found: Sequence[tuple[Effect, Change | None]], *, repeated: bool = False) -> Written:
        """Tell what was done, cut down to what the actor may see."""
        seen = self.place.seen
        labels = await self.labels(image for effect, _ in found for image in (effect.before, effect.after))
        done = tuple(
            Done(
                kind=effect.kind,
                id=effect.id,
                change_id=change.id if change else None,
                record=changes.cut(effect.after, seen, labels),
                was=changes.cut(effect.before, seen, labels),
                values=changes.tell(change, seen, labels).values if change else {},
            )
            for effect, change in found
        )
        write_id = next((change.write_id for _, change in found if change), None)
        return Written(seen.name, write_id, done, repeated)

    # --- a repetition ------------------------------------------------------------------------------------------------

    async def _first_result(self, first: Mapping[str, Any]) -> Written:
        """Tell again what the first attempt did, as the actor may see it by now."""
        log: dict[UUID, Change] = {}
        if first["write_id"]:
            found = await changes.of_write(self.tx, self.place.actor.workspace_id, UUID(first["write_id"]))
            log = {change.id: change for change in found}
        told = [await self._again(UUID(own), log.get(UUID(change or own))) for own, change in first["done"]]
        return await self._told(told, repeated=True)

    async def _again(self, record_id: UUID, change: Change | None) -> tuple[Effect, Change | None]:
        if change is not None:
            return Effect(change.kind, record_id, change.before, change.after), change
        image = await self._image(record_id)
        return Effect(None, record_id, image, image), None

    async def _image(self, record_id: UUID) -> Image | None:
        """Give a record as it is now, if the actor sees it."""
        rows = await self.tx.rows(self.texts.lock(self.place.view.schema, self.place.whole), {"ids": [record_id]})
        return orjson.loads(rows[0]["image"]) if await self.visible([record_id]) else None


_OF_VALUES = (Kind.CREATED, Kind.UPDATED)  # changes whose fields are worth naming


def _kept(found: Sequence[Effect], log: Mapping[int, Change]) -> dict[str, Any]:
    """Give what is kept under an effect key: ids only, for the values are in the log."""
    rows = [[str(e.id), str(log[place].id) if place in log else None] for place, e in enumerate(found)]
    return {"write_id": next((str(change.write_id) for change in log.values()), None), "done": rows}


def _taken(place: Place, drafts: Iterable[Draft], violation: UniqueViolation) -> MetierError:
    """Say which value is taken, and where it stood."""
    field = ddl.unique_field(place.view.schema, place.whole, violation.diag.constraint_name)
    if field is None or field.name not in place.seen.by_name:
        return Conflict("Another record has a value that only one may have.")
    told = re.search(r"=\((.*)\)", violation.diag.message_detail or "", re.DOTALL)
    value = told[1] if told else ""
    column = next(iter(cols.columns(field)))
    given = [d for d in drafts if column in d.columns]
    found = [d for d in given if str(d.columns[column]).lower() == value] or given
    path = found[0].operation.path if found else ""
    return ValueTaken(place.seen.name, field.name, path=f"{path}.{field.name}" if path else field.name)
