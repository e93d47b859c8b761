"""The history of records: read as the actor may see it, and taken back by the same rules as any other write."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from metier.actor import Action, Actor
from metier.errors import Conflict, Invalid, NoSuchRecord, NotFound, Problem
from metier.records import changes
from metier.records.changes import Cause, Change, Kind, Origin, Told
from metier.records.operations import Operation
from metier.records.scoped import Place, Places, Scoped, Texts
from metier.records.shape import ObjectType
from metier.records.write import Writer, Written
from metier.store import Database


@dataclass(frozen=True)
class History:
    """Some changes of a record, the newest first.

    Attributes:
        next_cursor: What to ask for those before; None if there are no more.
    """

    changes: list[Told]
    next_cursor: str | None


class ChangeLog:
    """Reads the log of changes, and takes changes back."""

    def __init__(self, db: Database, places: Places, texts: Texts, writer: Writer) -> None:
        self._db = db
        self._places = places
        self._texts = texts
        self._writer = writer

    async def of_record(self, place: Place, record_id: UUID, *, limit: int, cursor: str | None) -> History:
        """Give a record's changes, the newest first.

        Raises:
            NoSuchRecord: It is not there for the actor, not even deleted.
            Invalid: The cursor is none.
        """
        before = None if cursor is None else _cursor(cursor)
        async with self._db.transaction() as tx:
            scoped = Scoped(tx, place, self._texts)
            if not await _there(scoped, [record_id]):
                raise NoSuchRecord(place.seen.name, str(record_id))
            workspace, name = place.actor.workspace_id, place.seen.name
            found = await changes.of_record(tx, workspace, name, record_id, limit=limit + 1, before=before)
            told = await self._told(scoped, found[:limit])
        return History(told, str(found[limit - 1].id) if len(found) > limit else None)

    async def of_write(self, actor: Actor, change_id: UUID) -> list[Told]:
        """Give a change, or all changes of a write, cut down to what the actor may read.

        Raises:
            NotFound: No such change that the actor could see.
        """
        async with self._db.transaction() as tx:
            found = await changes.of_write(tx, actor.workspace_id, change_id)
            if not found:
                raise NotFound("change", str(change_id))
            try:
                place = await self._places.of(actor, found[0].object)
            except NotFound:
                raise NotFound("change", str(change_id)) from None
            scoped = Scoped(tx, place, self._texts)
            there = await _there(scoped, [change.record_id for change in found])
            told = await self._told(scoped, [change for change in found if change.record_id in there])
        if not told:
            raise NotFound("change", str(change_id))
        return told

    async def undo(self, actor: Actor, change_id: UUID, cause: Cause) -> Written:
        """Take back a change, or all changes of the write of this id.

        Raises:
            NotFound: No such change that the actor could see.
            RecordChanged: What it changed was changed since; names the fields.
            Conflict: It cannot be taken back: the record was destroyed, or what a relation pointed to is gone.
        """
        async with self._db.transaction() as tx:
            found = await changes.of_write(tx, actor.workspace_id, change_id)
        unknown = NotFound("change", str(change_id))
        if not found:
            raise unknown
        try:
            place = await self._places.of(actor, found[0].object)
            operations = reversal(found, place.seen)
            if not operations:
                raise unknown
            back = replace(cause, origin=Origin.UNDO, undoes=change_id)
            return await self._writer.write(place, operations, back)
        except NotFound:  # of the object or of a record: the change is as unknown as they are
            raise unknown from None
        except Invalid as error:
            raise Conflict(f"This cannot be undone any more. {error.message}") from None

    async def _told(self, scoped: Scoped, found: Sequence[Change]) -> list[Told]:
        """Cut changes down to what the actor may read; updates of which that is nothing are left out."""
        labels = await scoped.labels(image for change in found for image in (change.before, change.after))
        told = [changes.tell(change, scoped.place.seen, labels) for change in found]
        return [one for one in told if one.values or one.change.kind is not Kind.UPDATED]


async def _there(scoped: Scoped, ids: Sequence[UUID]) -> set[UUID]:
    """Give those of the records that the actor may see; deleted ones are seen by whoever may restore them."""
    there = await scoped.visible(ids)
    if scoped.place.actor.may(Action.DELETE, scoped.place.seen.name):
        there |= await scoped.visible(ids, deleted=True)
    return there


def reversal(found: Sequence[Change], seen: ObjectType) -> list[Operation]:
    """Give what takes changes back, the last one first; nothing for what cannot be seen of them.

    Args:
        seen: The changes' object, cut down to what the actor may see.

    Raises:
        Conflict: A record was destroyed: nothing of it is kept.
    """
    return [operation for change in reversed(found) for operation in _back(change, seen)]


def _back(change: Change, seen: ObjectType) -> Iterator[Operation]:
    own = [field.name for field in seen.fields if not field.system]
    before, after = change.before or {}, change.after or {}
    match change.kind:
        case Kind.DESTROYED:
            raise Conflict("What was destroyed is gone and cannot be brought back.")
        case Kind.DELETED:
            yield Operation("restore", change.record_id)
        case Kind.CREATED | Kind.RESTORED:
            yield Operation("delete", change.record_id, expected={name: after.get(name) for name in own})
        case Kind.UPDATED:
            values = {name: before.get(name) for name in change.fields if name in own}
            if values:
                expected = {name: after.get(name) for name in values}
                yield Operation("update", change.record_id, values=values, expected=expected)


def _cursor(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        problem = Problem("cursor", "is no cursor of this list; leave it out to begin again")
        raise Invalid.of([problem], what="The cursor") from None
