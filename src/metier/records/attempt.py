"""One transaction's work: operation after operation, those of one kind that follow each other together.

rows locked → seen by the actor, as they were when asked → written → still seen by the actor
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson

from metier.actor import Action
from metier.errors import (
    Conflict,
    Invalid,
    MissingPermission,
    OutOfReach,
    Problem,
    RecordChanged,
    ValueTaken,
)
from metier.records import changes
from metier.records.changes import Image, Kind
from metier.records.operations import Draft, Plan, Verb, as_new, no_such_records
from metier.records.scoped import Scoped
from metier.records.values import Wanted
from metier.store import Json


class Again(Exception):
    """Another write came between; the whole has to be tried once more."""


@dataclass(frozen=True)
class Effect:
    """What was done to one record; `kind` is None if it was so already."""

    kind: Kind | None
    id: UUID
    before: Image | None
    after: Image | None


@dataclass(frozen=True)
class Attempt(Scoped):
    """Does a plan. Use once.

    Args:
        new_id: Makes the ids of records that an upsert creates.
    """

    plan: Plan
    new_id: Callable[[], UUID]

    async def run(self) -> list[Effect]:
        """Do all of it, in order.

        Raises:
            Again: Try once more.
            MetierError: As `Writer.write` says.
        """
        await self._find_wanted(self.plan.reader.wanted)
        await self._check_targets()
        groups = list(_groups(self.plan.drafts))
        if len(groups) > 1:  # all rows at once in the order of their ids, so that no two calls wait for each other
            ids = [draft.id for draft in self.plan.drafts if draft.id is not None]
            await self.tx.rows(self.texts.lock(*self._table), {"ids": ids})
        found: list[Effect] = []
        for verb, drafts in groups:
            found += await self._doing(verb)(drafts)
        return found

    def _doing(self, verb: Verb) -> Callable[[Sequence[Draft]], Awaitable[list[Effect]]]:
        return {
            "create": self._create,
            "update": self._update,
            "upsert": self._upsert,
            "delete": self._delete,
            "restore": self._restore,
            "destroy": self._destroy,
        }[verb]

    # --- what relations point to -------------------------------------------------------------------------------------

    async def _find_wanted(self, wanted: Sequence[Wanted]) -> None:
        """Put in the ids of the records that were named by a unique field."""
        view = self.place.view
        for one in wanted:
            target = view.objects[one.target]
            found = (await self.matching(target, target.by_name[one.field], [one.value])).get(0)
            if found is None or not await self.visible([found], one.target):
                raise Invalid.of([Problem(one.path, f"there is no {one.target} with this {one.field!r}")])
            one.columns[one.column] = str(found)

    async def _check_targets(self) -> None:
        """Refuse relations to what is no record the actor may see."""
        paths = self.plan.reader.targets
        problems: list[Problem] = []
        for name in dict.fromkeys(name for name, _ in paths):
            ids = [one for other, one in paths if other == name]
            there = await self.visible(ids, name)
            problems += [Problem(paths[name, i], f"there is no {name} {str(i)!r}") for i in ids if i not in there]
        if problems:
            raise Invalid.of(problems, what=f"The {self.place.seen.name}")

    # --- one kind of operation ---------------------------------------------------------------------------------------

    async def _create(self, drafts: Sequence[Draft]) -> list[Effect]:
        rows = [{"id": str(draft.id), **draft.columns} for draft in drafts]
        images = await self._images(self.texts.insert(*self._table), {"rows": Json(rows)})
        await self._check_reach(drafts, images, Action.CREATE)
        return [Effect(Kind.CREATED, _id(draft), None, images[_id(draft)]) for draft in drafts]

    async def _update(self, drafts: Sequence[Draft]) -> list[Effect]:
        before = await self._locked(drafts, Action.UPDATE)
        images: dict[UUID, Image] = {}
        for names, some in groupby(sorted(drafts, key=_column_names), key=_column_names):
            if names:
                rows = [{"id": str(draft.id), **draft.columns} for draft in some]
                text = self.texts.update(*self._table, names)
                images |= await self._images(text, {"rows": Json(rows), "now": self.place.here.now})
        await self._check_reach(drafts, images, Action.UPDATE)
        return [_updated(_id(draft), before, images) for draft in drafts]

    async def _upsert(self, drafts: Sequence[Draft]) -> list[Effect]:
        found = await self._meant(drafts)
        old = [replace(draft, id=found[place]) for place, draft in enumerate(drafts) if place in found]
        new = [as_new(d, self.place.here.now, self.new_id()) for place, d in enumerate(drafts) if place not in found]
        done = {effect.id: effect for effect in await self._update(old)} if old else {}
        fresh = iter(await self._create(new)) if new else iter(())
        return [done[found[place]] if place in found else next(fresh) for place in range(len(drafts))]

    async def _delete(self, drafts: Sequence[Draft]) -> list[Effect]:
        before = await self._locked(drafts, Action.DELETE)
        return await self._marked(Kind.DELETED, drafts, before)

    async def _restore(self, drafts: Sequence[Draft]) -> list[Effect]:
        """Bring deleted records back; those that are there stay."""
        there = await self.visible([_id(draft) for draft in drafts])
        gone = [draft for draft in drafts if draft.id not in there]
        before = await self._locked(gone, Action.DELETE, deleted=True)
        done = {effect.id: effect for effect in await self._marked(Kind.RESTORED, gone, before)}
        await self._check_reach(gone, {one: effect.after or {} for one, effect in done.items()}, Action.DELETE)
        kept = await self._locked([draft for draft in drafts if draft.id in there], Action.READ)
        return [done.get(_id(d)) or Effect(None, _id(d), kept[_id(d)], kept[_id(d)]) for d in drafts]

    async def _destroy(self, drafts: Sequence[Draft]) -> list[Effect]:
        """Remove records for good, whether they are deleted or not."""
        there = await self.visible([_id(draft) for draft in drafts])
        live = await self._locked([draft for draft in drafts if draft.id in there], Action.DESTROY)
        gone = await self._locked([draft for draft in drafts if draft.id not in there], Action.DESTROY, deleted=True)
        return await self._marked(Kind.DESTROYED, drafts, live | gone)

    async def _marked(self, kind: Kind, drafts: Sequence[Draft], before: Mapping[UUID, Image]) -> list[Effect]:
        wanted = {"ids": [_id(draft) for draft in drafts], "now": self.place.here.now}
        images = await self._images(self.texts.marks[kind](*self._table), wanted)
        destroyed = kind is Kind.DESTROYED
        return [Effect(kind, _id(d), before[_id(d)], None if destroyed else images[_id(d)]) for d in drafts]

    # --- rows --------------------------------------------------------------------------------------------------------

    @property
    def _table(self) -> tuple[str, Any]:
        return self.place.view.schema, self.place.whole

    async def _images(self, text: str, parameters: Mapping[str, Any]) -> dict[UUID, Image]:
        return {row["id"]: orjson.loads(row["image"]) for row in await self.tx.rows(text, parameters)}

    async def _locked(self, drafts: Sequence[Draft], action: Action, *, deleted: bool = False) -> dict[UUID, Image]:
        """Keep others from writing these records until the end, and give them as they are.

        They are looked at after the lock was had: what another write did meanwhile counts.

        Raises:
            NoSuchRecord: One of them is not there for the actor.
            MissingPermission: The actor sees it, and may not do this with it.
            RecordChanged: One was changed since the caller read it.
        """
        if not drafts:
            return {}
        ids = [_id(draft) for draft in drafts]
        images = await self._images(self.texts.lock(*self._table), {"ids": ids})
        there = await self.visible(ids, deleted=deleted)
        if missing := [draft.operation for draft in drafts if draft.id not in there]:
            raise no_such_records(self.place.seen, missing)
        if self.place.view.narrows(self.place.seen.name, action):
            self._check_action(drafts, action, await self.visible(ids, action=action, deleted=deleted))
        for draft in drafts:
            await self._check_version(draft, images[_id(draft)])
        return images

    def _check_action(self, drafts: Sequence[Draft], action: Action, possible: set[UUID]) -> None:
        """Refuse what the row rules for the action do not let through."""
        for draft in drafts:
            if draft.id not in possible:
                place, seen = self.place, self.place.seen
                error = MissingPermission(place.actor.label, action.value, f"this {seen.name}")
                error.problems = (Problem(draft.operation.path, error.message),)
                raise error

    async def _check_version(self, draft: Draft, image: Image) -> None:
        operation, seen = draft.operation, self.place.seen
        others = [n for n, v in (operation.expected or {}).items() if n in seen.by_name and image.get(n) != v]
        stale = draft.since is not None and _time(image) != draft.since
        if others or stale:
            current = changes.cut(image, seen, await self.labels([image])) or {}
            raise RecordChanged(seen.name, others, current, path=operation.path)

    async def _check_reach(self, drafts: Sequence[Draft], images: Mapping[UUID, Image], action: Action) -> None:
        """Refuse to leave records where the actor may not do this with them (S-09)."""
        if not images:
            return
        lost = set(images) - await self.visible(images, action=action)
        for draft in drafts:
            if draft.id in lost:
                raise OutOfReach(self.place.actor.label, self.place.seen.name, path=draft.operation.path)

    # --- which record an upsert means --------------------------------------------------------------------------------

    async def _meant(self, drafts: Sequence[Draft]) -> dict[int, UUID]:
        """Give the records that upserts mean, by the drafts' place; nothing for those that are new.

        Raises:
            Conflict: Two unique values of one draft belong to two records.
            ValueTaken: To one that the actor may not see.
        """
        found: dict[int, UUID] = {}
        keys = {key.name: key for draft in drafts for key, _ in draft.keys}
        for key in keys.values():
            asked = [(place, v) for place, draft in enumerate(drafts) for k, v in draft.keys if k.name == key.name]
            matched = await self.matching(self.place.whole, key, [value for _, value in asked])
            for at, record_id in matched.items():
                place = asked[at][0]
                if found.setdefault(place, record_id) != record_id:
                    raise _ambiguous(drafts[place], self.place.seen.name)
        await self._check_seen(drafts, found)
        return found

    async def _check_seen(self, drafts: Sequence[Draft], found: Mapping[int, UUID]) -> None:
        if not found:
            return
        rows = await self.tx.rows(self.texts.lock(*self._table), {"ids": list(found.values())})
        if {row["id"] for row in rows if not row["gone"]} != set(found.values()):
            raise Again
        hidden = set(found.values()) - await self.visible(found.values())
        for place, record_id in found.items():
            if record_id in hidden:
                draft = drafts[place]
                raise ValueTaken(self.place.seen.name, draft.keys[0][0].name, path=draft.operation.path)


def _groups(drafts: Sequence[Draft]) -> Iterator[tuple[Verb, list[Draft]]]:
    """Give runs of drafts that can be done together: of one kind, no record twice."""
    group: list[Draft] = []
    marks: set[Any] = set()
    for draft in drafts:
        own = _marks(draft)
        if group and (draft.operation.verb != group[0].operation.verb or marks & own):
            yield group[0].operation.verb, group
            group, marks = [], set()
        group.append(draft)
        marks |= own
    if group:
        yield group[0].operation.verb, group


def _marks(draft: Draft) -> set[Any]:
    if draft.operation.verb == "upsert":
        return {(key.name, value.lower() if isinstance(value, str) else value) for key, value in draft.keys}
    return set() if draft.operation.verb == "create" else {draft.id}


def _ambiguous(draft: Draft, object_name: str) -> Conflict:
    names = ", ".join(repr(key.name) for key, _ in draft.keys)
    sentence = f"The values of {names} belong to different records, so it is not clear which {object_name} is meant."
    error = Conflict(sentence, cure="Say with 'by' which field counts.")
    error.problems = (Problem(draft.operation.path, sentence),)
    return error


def _id(draft: Draft) -> UUID:
    assert draft.id is not None  # an upsert has got one before it is done
    return draft.id


def _time(image: Image) -> datetime:
    return datetime.fromisoformat(image["updated_at"])


def _updated(id: UUID, before: Mapping[UUID, Image], images: Mapping[UUID, Image]) -> Effect:
    after = images.get(id)
    return Effect(None, id, before[id], before[id]) if after is None else Effect(Kind.UPDATED, id, before[id], after)


def _column_names(draft: Draft) -> tuple[str, ...]:
    return tuple(sorted(draft.columns))
