"""The one door to definitions of every kind. Who asks comes first; each kind says which flag that one must hold."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from metier.actor import Actor, check_acts, check_flag
from metier.clock import Clock
from metier.definitions import rows
from metier.definitions.bodies import Body, check_json
from metier.definitions.change import Change, Listener
from metier.definitions.diff import Diff, Side, compare, compare_text, text_of
from metier.definitions.kind import Edit, Future, Kind
from metier.definitions.rows import Stored
from metier.definitions.source import Source
from metier.definitions.values import Definition, Draft, Version
from metier.errors import MetierError, NotFound, Problem
from metier.registry import Registry
from metier.store import Database

CHANNEL = "metier_definitions"  # told when a live definition of any workspace changed

Given = Source | Mapping[str, Any]  # Any: JSON, checked by the kind


class Definitions:
    """Keeps definitions: their live version, their draft, and every version there ever was.

    Args:
        kinds: What can be kept, one for each kind.
    """

    def __init__(self, db: Database, clock: Clock, kinds: Sequence[Kind]) -> None:
        self._db = db
        self._clock = clock
        self._kinds: Registry[Kind] = Registry("kind of definition")
        self._listeners: list[Listener] = []
        self._callbacks: list[Callable[[], None]] = []
        for kind in kinds:
            self._kinds.add(kind.name, kind)

    # news

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every change, inside the transaction that makes it; what it raises undoes the change."""
        self._listeners.append(listener)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` after any live definition changed: at once here, by notification on other processes.

        It is told that there may be news, no more; it must be quick and not raise.
        """
        self._callbacks.append(callback)
        self._db.on_notify(CHANNEL, callback)

    # reading

    def kinds(self) -> list[Kind]:
        """Give the kinds that there are."""
        return list(self._kinds)

    async def listed(self, actor: Actor, kind: str, *, archived: bool = False) -> list[Definition]:
        """Give the definitions of a kind, oldest first; those in sight, or the archived ones.

        Raises:
            NotFound: There is no such kind.
            MissingPermission: The actor does not hold its flag.
        """
        owner = self._owner(actor, kind)
        found = await rows.listed(self._db, actor.workspace_id, owner.name)
        return [_definition(owner, row) for row in found if (row.archived_at is not None) is archived]

    async def get(self, actor: Actor, kind: str, name: str) -> Definition:
        """Give one definition; its draft says what is wrong with it in this workspace, now.

        Raises:
            NotFound: There is no such kind, or no such definition; suggests the nearest.
            MissingPermission: The actor does not hold the kind's flag.
        """
        owner = self._owner(actor, kind)
        stored = await self._stored(actor, owner, name)
        return await self._with_draft(actor, owner, stored)

    async def live(self, workspace_id: UUID, kind: str) -> Mapping[str, Body]:
        """Give the live bodies of a kind by name; for the room that owns it, which answers for who may see them."""
        found = await rows.published(self._db, workspace_id, kind)
        return {row.name: row.body for row in found if row.body is not None and row.archived_at is None}

    async def history(self, actor: Actor, kind: str, name: str) -> list[Version]:
        """Give the versions of a definition, newest first.

        Raises:
            NotFound, MissingPermission: As `get`.
        """
        owner = self._owner(actor, kind)
        stored = await self._stored(actor, owner, name)
        return await rows.versions(self._db, actor.workspace_id, stored.id)

    async def version(self, actor: Actor, kind: str, name: str, number: int) -> Version:
        """Give one version.

        Raises:
            NotFound, MissingPermission: As `get`.
        """
        owner = self._owner(actor, kind)
        return await self._version(actor, await self._stored(actor, owner, name), number)

    async def export(self, actor: Actor, kind: str, name: str, version: int | None = None) -> Source:
        """Give the bytes of a version as they were stored; of the live one, if none is named.

        Raises:
            NotFound, MissingPermission: As `get`; also if it was never published.
        """
        owner = self._owner(actor, kind)
        stored = await self._stored(actor, owner, name)
        number = stored.version if version is None else version
        return (await self._version(actor, stored, number or 0)).source

    async def diff(
        self, actor: Actor, kind: str, name: str, before: int | None = None, after: int | None = None
    ) -> Diff:
        """Say what differs between two versions.

        Args:
            before: A version; 0 is nothing. If left out, the one before `after`, or the live one for the draft.
            after: A version. If left out, the draft, or the live one if there is no draft.

        Raises:
            NotFound, MissingPermission: As `get`.
            Invalid: The draft cannot be read.
        """
        owner = self._owner(actor, kind)
        stored = await self._stored(actor, owner, name)
        new = await self._side(actor, owner, stored, after)
        if before is None:
            before = (stored.version or 0) if new.name == "draft" else int(new.name) - 1
        return _diff(await self._side(actor, owner, stored, before), new)

    # drafts

    async def save_draft(
        self, actor: Actor, kind: str, given: Given, *, name: str | None = None, expected: int | None = None
    ) -> Definition:
        """Keep a draft, right or wrong; what is live stays as it is.

        Args:
            name: The definition meant; a new one is made if there is none. If left out, the draft says it.
            expected: The revision the author saw; 0 for what must not be there yet.

        Raises:
            Invalid: The draft has no name that can be read, and `name` is left out.
            MissingPermission: The actor does not hold the kind's flag.
            VersionConflict: Somebody changed the definition meanwhile.
        """
        owner, source = self._owner(actor, kind), _source(given)
        called = name if name is not None else str(owner.load(source)["name"])
        async with self._transaction(actor) as change:
            target = await change.save_draft(kind, source, name=called, expected=expected)
        return await self._by_id(actor, owner, target)

    async def discard_draft(self, actor: Actor, kind: str, name: str, *, expected: int | None = None) -> bool:
        """Throw a draft away; says whether a version is left.

        Raises:
            NotFound, MissingPermission: As `get`.
            VersionConflict: Somebody changed the definition meanwhile.
        """
        async with self._transaction(actor) as change:
            return await change.discard_draft(kind, name, expected=expected) is not None

    async def publish_draft(
        self,
        actor: Actor,
        kind: str,
        name: str,
        *,
        expected: int | None = None,
        accept: Collection[str] = (),
        note: str = "",
    ) -> Definition:
        """Make the draft the live version. An invalid one changes nothing: the live version and the draft stay.

        Raises:
            NotFound, MissingPermission: As `get`.
            Conflict: There is no draft.
            Invalid, VersionConflict: As `publish`.
        """
        async with self.change(actor, note=note) as change:
            target = await change.publish_draft(kind, name, expected=expected, accept=accept)
        return await self._by_id(actor, self._owner(actor, kind), target)

    # changes

    @asynccontextmanager
    async def change(
        self, actor: Actor, *, note: str = "", origin: str = "", applies: bool = False
    ) -> AsyncGenerator[Change]:
        """Change several definitions together: what is planned in the block is checked and written at its end.

        Args:
            applies: An app is applied or removed as a whole.

        Raises:
            Invalid, Conflict: Something cannot be; then nothing was changed.
        """
        async with self._transaction(actor, note, origin, applies=applies) as change:
            yield change
            changed = await change.finish()
            if changed:
                await change.tx.notify(CHANNEL)
        if changed:
            for callback in self._callbacks:
                callback()

    async def publish(
        self,
        actor: Actor,
        kind: str,
        given: Given,
        *,
        name: str | None = None,
        create: bool = False,
        expected: int | None = None,
        accept: Collection[str] = (),
        note: str = "",
        origin: str = "",
    ) -> Definition:
        """Make a new version live, or a new definition; nothing happens if nothing is new.

        Args: As `Change.publish`.

        Raises:
            MissingPermission, Invalid, NotFound, VersionConflict, AlreadyExists, Conflict: As `Change.publish`, and
                what the kind says.
        """
        async with self.change(actor, note=note, origin=origin) as change:
            target = await change.publish(
                kind, _source(given), name=name, create=create, expected=expected, accept=accept
            )
        return await self._by_id(actor, self._owner(actor, kind), target)

    async def amend(
        self,
        actor: Actor,
        kind: str,
        name: str,
        values: Mapping[str, Any],
        *,
        expected: int | None = None,
        note: str = "",
    ) -> Definition:
        """Publish the live version with some values changed; what is left out stays.

        Args:
            values: By key of the body; None takes one away.

        Raises:
            NotFound, Invalid, Conflict, MissingPermission, VersionConflict: As `publish`.
        """
        async with self.change(actor, note=note) as change:
            body = {**await change.body(kind, name), **values}
            kept = {key: value for key, value in body.items() if value is not None}
            target = await change.publish(kind, Source.of(check_json(kept)), name=name, expected=expected)
        return await self._by_id(actor, self._owner(actor, kind), target)

    async def rollback(
        self,
        actor: Actor,
        kind: str,
        name: str,
        version: int,
        *,
        expected: int | None = None,
        accept: Collection[str] = (),
        note: str = "",
    ) -> Definition:
        """Publish an old version anew, with its name of then.

        Raises:
            NotFound: There is no such definition or version.
            Invalid, Conflict, MissingPermission, VersionConflict: As `publish`.
        """
        old = await self.version(actor, kind, name, version)
        async with self.change(actor, note=note or f"Version {version} again.") as change:
            target = await change.publish(kind, old.source, name=name, expected=expected, accept=accept)
        return await self._by_id(actor, self._owner(actor, kind), target)

    async def archive(
        self, actor: Actor, kind: str, name: str, *, expected: int | None = None, note: str = ""
    ) -> Definition:
        """Take a definition out of sight; `restore` brings it back.

        Raises:
            NotFound, MissingPermission, VersionConflict: As `publish`.
            Conflict: Something needs it; says what.
        """
        async with self.change(actor, note=note) as change:
            target = await change.archive(kind, name, expected=expected)
        return await self._by_id(actor, self._owner(actor, kind), target)

    async def restore(
        self, actor: Actor, kind: str, name: str, *, expected: int | None = None, note: str = ""
    ) -> Definition:
        """Bring an archived definition back as it was.

        Raises:
            NotFound, MissingPermission, VersionConflict: As `publish`.
            Invalid, Conflict: It does not fit the workspace any more.
        """
        async with self.change(actor, note=note) as change:
            target = await change.restore(kind, name, expected=expected)
        return await self._by_id(actor, self._owner(actor, kind), target)

    async def purge(self, actor: Actor, kind: str, name: str, *, confirm: str) -> None:
        """Remove an archived definition for ever; see `Change.purge`."""
        async with self.change(actor) as change:
            await change.purge(kind, name, confirm=confirm)

    # inside

    @asynccontextmanager
    async def _transaction(
        self, actor: Actor, note: str = "", origin: str = "", *, applies: bool = False
    ) -> AsyncGenerator[Change]:
        check_acts(actor)
        async with self._db.transaction() as tx:
            change = Change(
                tx,
                actor,
                self._kinds,
                self._clock,
                listeners=self._listeners,
                note=note,
                origin=origin,
                applies=applies,
            )
            await change.begin()
            yield change

    def _owner(self, actor: Actor, kind: str) -> Kind:
        owner = self._kinds.get(kind)
        check_flag(actor, owner.flag)
        return owner

    async def _stored(self, actor: Actor, owner: Kind, name: str) -> Stored:
        stored = await rows.find(self._db, actor.workspace_id, owner.name, name)
        if stored is None:
            known = [row.name for row in await rows.listed(self._db, actor.workspace_id, owner.name)]
            raise owner.unknown(name, known)
        return stored

    async def _by_id(self, actor: Actor, owner: Kind, target: UUID) -> Definition:
        stored = await rows.find_id(self._db, actor.workspace_id, owner.name, target)
        assert stored is not None
        return _definition(owner, stored)

    async def _version(self, actor: Actor, stored: Stored, number: int) -> Version:
        found = await rows.version(self._db, actor.workspace_id, stored.id, number)
        if found is None:
            raise NotFound(f"version of {stored.name!r}", str(number))
        return found

    async def _side(self, actor: Actor, owner: Kind, stored: Stored, version: int | None) -> Side:
        """Give one side of a comparison: a version, or the draft if none is named and there is one."""
        if version == 0:
            return Side("nothing", None, None)
        if version is None and stored.draft is not None:
            return Side("draft", owner.load(stored.draft), stored.draft)
        found = await self._version(actor, stored, (stored.version or 0) if version is None else version)
        return Side(str(found.version), found.body, found.source)

    async def _with_draft(self, actor: Actor, owner: Kind, stored: Stored) -> Definition:
        """Give a definition with what is wrong with its draft in this workspace, now."""
        found = _definition(owner, stored)
        if found.draft is None or found.draft.body is None:
            return found
        body = found.draft.body
        edit = Edit(actor, stored.id, owner.name, body["name"], stored.name, stored.body, body)
        try:
            async with self._db.transaction() as tx:
                future = Future(tx, actor.workspace_id, [edit])
                edit = replace(edit, after=await owner.settled(edit, future))
                await owner.validate(tx, edit, future)
        except MetierError as error:
            return replace(found, draft=replace(found.draft, problems=_problems_of(error)))
        return found


def _source(given: Given) -> Source:
    return given if isinstance(given, Source) else Source.of(check_json(given))


def _definition(owner: Kind, stored: Stored) -> Definition:
    draft = _draft(owner, stored)
    body = stored.body or (draft.body if draft else None) or {}
    return Definition(
        id=stored.id,
        kind=stored.kind,
        name=stored.name,
        label=str(body.get("label") or stored.name),
        universal_identifier=stored.universal_identifier,
        version=stored.version,
        revision=stored.revision,
        body=stored.body,
        draft=draft,
        archived_at=stored.archived_at,
        app=stored.app,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )


def _draft(owner: Kind, stored: Stored) -> Draft | None:
    if stored.draft is None or stored.drafted_at is None:
        return None
    body, problems = _try_to_load(owner, stored.draft)
    return Draft(stored.draft, body, problems, stored.draft_author or {}, stored.drafted_at)


def _try_to_load(owner: Kind, source: Source) -> tuple[Body | None, Sequence[Problem]]:
    try:
        return owner.load(source), ()
    except MetierError as error:
        return None, _problems_of(error)


def _problems_of(error: MetierError) -> Sequence[Problem]:
    return error.problems or (Problem("", error.message),)


def _diff(before: Side, after: Side) -> Diff:
    texts = (text_of(before, after), text_of(after, before))
    return Diff(
        before.name, after.name, compare(before.body, after.body), compare_text(*texts, (before.name, after.name))
    )
