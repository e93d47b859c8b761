"""One change of any number of definitions: planned one by one, then checked and written together, or not at all.

`publish`, `archive`, `restore`, `purge` plan → `finish`: names, `validate` of each kind, rows, hooks, listeners.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from metier.actor import Actor, check_flag
from metier.audit import note as write_down
from metier.clock import Clock
from metier.definitions import rows
from metier.definitions.bodies import Body, canonical
from metier.definitions.kind import Edit, Future, Kind, Renames
from metier.definitions.rows import Stored
from metier.definitions.source import Source, telling
from metier.definitions.values import News, NewsKind
from metier.errors import AlreadyExists, Conflict, Invalid, NotFound, Problem, VersionConflict
from metier.registry import Registry, fold_name
from metier.store import LockTimeout, Transaction

LOCK_WAIT_MS = 5_000  # for what others are at, before everybody else waits behind the change
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,48}")
FOLLOWS = "new names"  # the origin of versions that nobody wrote
NEW = 0  # the revision of what is not there yet

Listener = Callable[[Transaction, News], Awaitable[None]]


@dataclass(frozen=True)
class _Plan:
    """What is to happen to one definition. `source` is that of the new version, None if there is none."""

    edit: Edit
    what: NewsKind
    stored: Stored | None
    source: Source | None
    note: str
    from_draft: bool = False
    app: UUID | None = None

    @property
    def is_live(self) -> bool:
        """Whether anything that is live changes: not for a draft alone, nor for a name within what is archived."""
        if self.what is NewsKind.PUBLISHED:
            return self.stored is None or self.stored.archived_at is None
        return self.edit.before is not None or self.edit.after is not None


@dataclass(frozen=True)
class Planned:
    """What a change will do to one definition."""

    edit: Edit
    what: NewsKind
    is_new: bool


class Change:
    """A change under way, in an open transaction; made by `Definitions.change`."""

    def __init__(
        self,
        tx: Transaction,
        actor: Actor,
        kinds: Registry[Kind],
        clock: Clock,
        *,
        listeners: Sequence[Listener] = (),
        note: str = "",
        origin: str = "",
        applies: bool = False,
    ) -> None:
        self.tx = tx
        self._actor = actor
        self._kinds = kinds
        self._clock = clock
        self._listeners = listeners
        self._note = note
        self._origin = origin
        self._applies = applies
        self._plans: dict[UUID, _Plan] = {}
        self._told = False

    async def begin(self) -> None:
        """Let changes of one workspace happen one after the other.

        Raises:
            NotFound: There is no such workspace.
            Conflict: Another change takes long.
        """
        await self.tx.execute(f"set local lock_timeout = {LOCK_WAIT_MS}")
        try:
            found = await self.tx.value(_LOCK, {"workspace": self._actor.workspace_id})
        except LockTimeout:
            raise Conflict("Another change of definitions is under way.", cure="Try again in a moment.") from None
        if found is None:
            raise NotFound("workspace", str(self._actor.workspace_id))

    async def publish(
        self,
        kind: str,
        source: Source,
        *,
        name: str | None = None,
        create: bool = False,
        expected: int | None = None,
        accept: Collection[str] = (),
        note: str = "",
        app: UUID | None = None,
    ) -> UUID:
        """Plan a new version, or a new definition.

        Args:
            name: The definition meant; else the one of the source's universal identifier, or of its name.
            create: Let `name` be one that is not there yet.
            expected: The revision the author saw; `NEW` for what must not be there yet.
            accept: See `Edit.accept`.
            app: The app that it belongs to from now on; as before if left out.

        Returns:
            The definition's id.

        Raises:
            MissingPermission: The actor does not hold the kind's flag.
            Invalid: The source does not have the form of its kind; names every place.
            NotFound: There is no definition `name`.
            VersionConflict: Somebody changed it meanwhile.
            AlreadyExists: It is there, and was expected not to be.
            Conflict: It is archived.
        """
        owner = self._owner(kind)
        body = owner.load(source)
        stored = await self._target(owner, body, name, create=create)
        _check_revision(owner, body["name"], stored, expected)
        if stored and stored.archived_at:
            cure = f"Restore {stored.name!r} first, or purge it for ever."
            raise Conflict(f"The {owner.label} {stored.name!r} is archived.", cure=cure)
        before = self._before(stored)
        edit = Edit(
            actor=self._actor,
            id=stored.id if stored else self._clock.new_id(),
            kind=owner.name,
            name=body["name"],
            name_before=stored.name if stored and stored.body is not None else None,
            before=before,
            after=body,
            accept=frozenset(accept),
            applies=self._applies,
        )
        if stored is None or not _is_same(stored, body, source):
            self._plans[edit.id] = _Plan(edit, NewsKind.PUBLISHED, stored, source, note or self._note, app=app)
        return edit.id

    async def find(self, kind: str, body: Body) -> Stored | None:
        """Give what a body would be the next version of, also if it is archived.

        Args:
            body: In canonical form.

        Raises:
            MissingPermission: The actor does not hold the kind's flag.
            AlreadyExists: Its name belongs to one with another universal identifier.
        """
        return await self._target(self._owner(kind), body, None, create=True)

    def planned(self) -> list[Planned]:
        """Give what will happen, in the order in which it was planned."""
        return [Planned(plan.edit, plan.what, is_new=plan.stored is None) for plan in self._plans.values()]

    async def body(self, kind: str, name: str) -> Body:
        """Give the newest version's body of a definition, to be changed.

        Raises:
            MissingPermission, NotFound: As `publish`; it was never published.
        """
        owner = self._owner(kind)
        stored = await self._existing(owner, name)
        if stored.body is None:
            raise NotFound(owner.label, name[:100])
        return stored.body

    async def publish_draft(
        self, kind: str, name: str, *, expected: int | None = None, accept: Collection[str] = ()
    ) -> UUID:
        """Plan to make a draft the live version; it is gone then.

        Raises:
            Conflict: There is no draft.
            MissingPermission, NotFound, Invalid, VersionConflict, Conflict: As `publish`.
        """
        owner = self._owner(kind)
        stored = await self._existing(owner, name)
        if stored.draft is None:
            raise Conflict(f"The {owner.label} {stored.name!r} has no draft.", cure="Save one first.")
        await self.publish(kind, stored.draft, name=name, expected=expected, accept=accept)
        if plan := self._plans.get(stored.id):
            self._plans[stored.id] = replace(plan, from_draft=True)
        else:  # it says what is live already
            await self._keep_draft(stored.id, None)
        return stored.id

    async def save_draft(self, kind: str, source: Source, *, name: str, expected: int | None = None) -> UUID:
        """Keep a draft at once, right or wrong; makes a definition without a version if there is none.

        Raises:
            MissingPermission: The actor does not hold the kind's flag.
            Invalid: `name` can be the name of nothing.
            VersionConflict, AlreadyExists: As `publish`.
        """
        owner = self._owner(kind)
        stored = await rows.find(self.tx, self._actor.workspace_id, owner.name, name)
        _check_revision(owner, name, stored, expected)
        if stored is None:
            check_name(name)
            target, now = self._clock.new_id(), self._clock.now()
            await rows.insert(self.tx, self._actor.workspace_id, target, owner.name, name, None, now)
        else:
            target = stored.id
        await self._keep_draft(target, source)
        called = stored.name if stored else name
        await self.tell(NewsKind.DRAFTED, owner.name, target, called, stored.version if stored else None)
        return target

    async def discard_draft(self, kind: str, name: str, *, expected: int | None = None) -> UUID | None:
        """Throw a draft away at once; gives None if that leaves nothing, for there never was a version.

        Raises:
            MissingPermission, NotFound, VersionConflict: As `publish`.
        """
        owner = self._owner(kind)
        stored = await self._existing(owner, name)
        _check_revision(owner, name, stored, expected)
        action, target = "definition.draft_discarded", f"{owner.name} {stored.name}"
        await write_down(self.tx, self._clock, self._actor, action, target=target, target_id=stored.id)
        if stored.version is None:
            await rows.delete(self.tx, self._actor.workspace_id, stored.id)
            return None
        if stored.draft is not None:
            await self._keep_draft(stored.id, None)
        return stored.id

    async def archive(self, kind: str, name: str, *, expected: int | None = None) -> UUID:
        """Plan to take a definition out of sight; nothing happens if it already is.

        Raises:
            MissingPermission, NotFound, VersionConflict: As `publish`.
        """
        owner = self._owner(kind)
        stored = await self._existing(owner, name)
        _check_revision(owner, name, stored, expected)
        if stored.archived_at is None:
            edit = self._edit(stored, before=stored.body, after=None)
            self._plans[stored.id] = _Plan(edit, NewsKind.ARCHIVED, stored, None, self._note)
        return stored.id

    async def restore(self, kind: str, name: str, *, expected: int | None = None) -> UUID:
        """Plan to bring an archived definition back, with the version it had; nothing happens if it is in sight.

        Raises:
            MissingPermission, NotFound, VersionConflict: As `publish`.
        """
        owner = self._owner(kind)
        stored = await self._existing(owner, name)
        _check_revision(owner, name, stored, expected)
        if stored.archived_at is not None:
            edit = self._edit(stored, before=None, after=stored.body)
            self._plans[stored.id] = _Plan(edit, NewsKind.RESTORED, stored, None, self._note)
        return stored.id

    async def purge(self, kind: str, name: str, *, confirm: str) -> UUID:
        """Plan to remove an archived definition for ever, with its versions and what it left behind.

        Args:
            confirm: The definition's name, typed by whoever means it.

        Raises:
            MissingPermission: The actor does not hold the kind's flag and its purge flag.
            NotFound: There is no such definition.
            Conflict: It is not archived.
            Invalid: `confirm` is not its name.
        """
        owner = self._owner(kind)
        check_flag(self._actor, owner.purge_flag)
        stored = await self._existing(owner, name)
        if stored.archived_at is None:
            raise Conflict(f"The {owner.label} {stored.name!r} is in use.", cure="Archive it first.")
        check_typed(confirm, stored.name)
        edit = self._edit(stored, before=stored.body, after=None, purged=True)
        self._plans[stored.id] = _Plan(edit, NewsKind.PURGED, stored, None, self._note)
        return stored.id

    async def finish(self) -> bool:
        """Check everything against the workspace as it will be, then write it; say whether anything changed.

        Raises:
            Invalid, Conflict: What cannot be; nothing is written then, for the transaction is given up.
        """
        await self.check()
        for plan in self._plans.values():
            await self._write(plan)
        self._plans.clear()
        return self._told

    async def check(self) -> None:
        """Check everything that is planned against the workspace as it will be, and write nothing.

        Raises:
            Invalid, Conflict: What cannot be.
        """
        await self._follow_renames()
        await self._settle()
        await self._check_names(list(self._plans.values()))
        future = self._future()
        for plan in self._plans.values():
            if plan.is_live:
                with telling(plan.source):
                    await self._kinds.get(plan.edit.kind).validate(self.tx, plan.edit, future)
                    await self._check_referring(plan.edit, future)

    # planning

    def _owner(self, kind: str) -> Kind:
        owner = self._kinds.get(kind)
        check_flag(self._actor, owner.flag)
        return owner

    async def _target(self, owner: Kind, body: Body, name: str | None, *, create: bool) -> Stored | None:
        """Find what a body is the next version of."""
        workspace_id = self._actor.workspace_id
        if name is not None:
            stored = await rows.find(self.tx, workspace_id, owner.name, name)
            if stored or not create:
                return stored or await self._existing(owner, name)
            _check_same_name(owner, name, body)
        identifier = identifier_of(body)
        known = identifier and await rows.find_identifier(self.tx, workspace_id, owner.name, identifier)
        if known:
            return known
        found = await rows.find(self.tx, workspace_id, owner.name, body["name"])
        if found and identifier and found.universal_identifier not in (None, identifier):
            raise AlreadyExists(f"{owner.label} with another universal_identifier", found.name)
        return found

    async def _existing(self, owner: Kind, name: str) -> Stored:
        stored = await rows.find(self.tx, self._actor.workspace_id, owner.name, name)
        if stored is None:
            known = [row.name for row in await rows.listed(self.tx, self._actor.workspace_id, owner.name)]
            raise owner.unknown(name, known)
        return stored

    def _before(self, stored: Stored | None) -> Body | None:
        return stored.body if stored and stored.archived_at is None else None

    def _edit(self, stored: Stored, *, before: Body | None, after: Body | None, purged: bool = False) -> Edit:
        edit = Edit(self._actor, stored.id, stored.kind, stored.name, stored.name, before, after, purged=purged)
        return replace(edit, applies=self._applies)

    # what follows from it

    def _future(self) -> Future:
        return Future(self.tx, self._actor.workspace_id, (p.edit for p in self._plans.values() if p.is_live))

    async def _settle(self) -> None:
        """Let each kind put in the own names of what its bodies refer to; what says nothing new then is left out."""
        future = self._future()
        for key, plan in list(self._plans.items()):
            if plan.source is None:
                continue
            with telling(plan.source):
                body = await self._kinds.get(plan.edit.kind).settled(plan.edit, future)
            source = Source.of(body) if plan.source.is_rendered else plan.source
            self._plans[key] = replace(plan, edit=replace(plan.edit, after=body), source=source)
            if plan.stored and not plan.from_draft and _is_same(plan.stored, body, source):
                del self._plans[key]

    async def _check_referring(self, edit: Edit, future: Future) -> None:
        for owner in self._kinds:
            if edit.kind in owner.refers_to and edit.kind != owner.name:
                await owner.check_referred(edit, future)

    async def _follow_renames(self) -> None:
        """Give other definitions the new names of those they refer to."""
        for kind in self._kinds:
            renames = await self._renames(kind)
            if renames.names or renames.parts:
                for owner in self._kinds:
                    if kind.name in owner.refers_to:
                        await self._rename_in(owner, renames)

    async def _renames(self, kind: Kind) -> Renames:
        edits = [plan.edit for plan in self._plans.values() if plan.edit.kind == kind.name]
        both = [edit for edit in edits if edit.before is not None and edit.after is not None]
        names = {edit.name_before: edit.name for edit in both if edit.name_before not in (None, edit.name)}
        parts = {edit.name_before or edit.name: found for edit in both if (found := kind.parts_renamed(edit))}
        before: Mapping[str, Body] = {}
        if names or parts:
            before = await Future(self.tx, self._actor.workspace_id, ()).live(kind.name)
        return Renames(kind.name, names, parts, before)

    async def _rename_in(self, owner: Kind, renames: Renames) -> None:
        for stored in await rows.published(self.tx, self._actor.workspace_id, owner.name):
            planned = self._plans.get(stored.id)
            body = planned.edit.after if planned else stored.body
            renamed = owner.renamed(body, renames) if body else None
            if body is None or renamed is None or canonical(renamed) == canonical(body):
                continue
            if planned:
                plan = replace(planned, edit=replace(planned.edit, after=renamed), source=Source.of(renamed))
            else:
                edit = self._edit(stored, before=self._before(stored), after=renamed)
                plan = _Plan(replace(edit, follows=True), NewsKind.PUBLISHED, stored, Source.of(renamed), renames.says)
            self._plans[stored.id] = plan

    async def _check_names(self, plans: Sequence[_Plan]) -> None:
        for owner in self._kinds:
            edits = {plan.edit.id: plan for plan in plans if plan.edit.kind == owner.name}
            if edits:
                others = await rows.taken(self.tx, self._actor.workspace_id, owner.name)
                _check_unique(owner, list(_names(edits, others)))

    # writing

    async def _write(self, plan: _Plan) -> None:
        edit, tx, now = plan.edit, self.tx, self._clock.now()
        owner, workspace_id = self._kinds.get(edit.kind), self._actor.workspace_id
        version = plan.stored.version if plan.stored else None
        match plan.what:
            case NewsKind.PUBLISHED:
                version = await self._add_version(plan)
            case NewsKind.ARCHIVED | NewsKind.RESTORED:
                at = now if plan.what is NewsKind.ARCHIVED else None
                await rows.set_archived(tx, workspace_id, edit.id, at, now)
            case _:
                await rows.delete(tx, workspace_id, edit.id)
        if plan.app is not None:
            await rows.set_app(tx, workspace_id, edit.id, plan.app)
        if plan.from_draft:
            await self._keep_draft(edit.id, None)
        if plan.is_live:
            await _call_hook(owner, tx, edit)
        before = edit.name_before if edit.name_before != edit.name else None
        await self.tell(plan.what, edit.kind, edit.id, edit.name, version, before=before, note=plan.note)

    async def tell(
        self,
        what: NewsKind,
        kind: str,
        id: UUID,
        name: str,
        version: int | None,
        *,
        before: str | None = None,
        note: str = "",
    ) -> None:
        """Tell the listeners, inside the change; what one of them raises undoes it."""
        self._told = True
        news = News(what, self._actor, kind, id, name, before, version, note)
        for listener in self._listeners:
            await listener(self.tx, news)
        action, target, told = f"definition.{what}", f"{kind} {name}", {"version": version, "note": note}
        await write_down(self.tx, self._clock, self._actor, action, target=target, target_id=id, details=told)

    async def _keep_draft(self, id: UUID, source: Source | None) -> None:
        now = self._clock.now()
        await rows.save_draft(self.tx, self._actor.workspace_id, id, source, self._actor.to_json(), now)

    async def _add_version(self, plan: _Plan) -> int:
        edit, now = plan.edit, self._clock.now()
        body = edit.after or {}
        identifier = identifier_of(body)
        if plan.stored is None:
            await rows.insert(self.tx, self._actor.workspace_id, edit.id, edit.kind, edit.name, identifier, now)
        return await rows.add_version(
            self.tx,
            self._actor.workspace_id,
            edit.id,
            name=edit.name,
            identifier=identifier,
            body=body,
            source=plan.source or Source.of(body),
            author=self._actor.to_json(),
            note=plan.note,
            origin=FOLLOWS if edit.follows else self._origin,
            now=now,
        )


def identifier_of(body: Mapping[str, object]) -> UUID | None:
    """Give a body's universal identifier; the kind has checked its form."""
    found = body.get("universal_identifier")
    return UUID(str(found)) if found else None


def check_name(name: str) -> None:
    """Let pass what can be the name of a definition; a kind may be stricter.

    Raises:
        Invalid: It cannot.
    """
    if not _NAME.fullmatch(name):
        problem = f"{name[:100]!r} must begin with a to z, then a to z, 0 to 9, _ and -, at most 49"
        raise Invalid.of([Problem("name", problem, example="ship")], what="The definition")


def check_typed(confirm: str, name: str) -> None:
    """Let pass what was typed right.

    Raises:
        Invalid: It is not the name.
    """
    if confirm != name:
        problem = f"type {name!r} to remove it for ever; this cannot be undone"
        raise Invalid.of([Problem("confirm", problem, example=name)], what="The confirmation")


def _check_same_name(owner: Kind, name: str, body: Body) -> None:
    if fold_name(name) != fold_name(body["name"]):
        problem = f"{body['name']!r} is not {name[:100]!r}, and there is no {owner.label} of that name to rename"
        raise Invalid.of([Problem("name", problem)], what=f"The {owner.label}")


async def _call_hook(owner: Kind, tx: Transaction, edit: Edit) -> None:
    if edit.purged:
        await owner.on_purge(tx, edit)
    elif edit.after is None:
        await owner.on_archive(tx, edit)
    elif edit.before is None or canonical(edit.before) != canonical(edit.after):
        await owner.on_publish(tx, edit)


def _is_same(stored: Stored, body: Body, source: Source) -> bool:
    """Say whether a version would be the live one again: bytes that the house wrote say nothing besides the body."""
    if stored.body is None or stored.source is None or canonical(stored.body) != canonical(body):
        return False
    return source.data == stored.source.data or source.is_rendered


def _check_revision(owner: Kind, name: str, stored: Stored | None, expected: int | None) -> None:
    if expected is None:
        return
    if expected == NEW:
        if stored is not None:
            raise AlreadyExists(f"archived {owner.label}" if stored.archived_at else owner.label, stored.name)
    elif stored is None or stored.revision != expected:
        raise VersionConflict(
            owner.label, stored.name if stored else name, expected, stored.revision if stored else NEW
        )


@dataclass(frozen=True)
class _Name:
    """A name in use, by what is changed or by another."""

    name: str
    identifier: UUID | None
    changed: bool
    archived: bool


def _names(plans: Mapping[UUID, _Plan], others: Sequence[Mapping[str, object]]) -> Iterator[_Name]:
    for row in others:
        if row["id"] not in plans:
            identifier = row["universal_identifier"]
            assert identifier is None or isinstance(identifier, UUID)
            yield _Name(str(row["name"]), identifier, changed=False, archived=row["archived_at"] is not None)
    for plan in plans.values():
        if not plan.edit.purged:
            identifier = identifier_of(plan.edit.after or {}) or (
                plan.stored.universal_identifier if plan.stored else None
            )
            yield _Name(plan.edit.name, identifier, changed=True, archived=plan.edit.after is None)


def _check_unique(owner: Kind, names: Sequence[_Name]) -> None:
    """Let pass names that are different even when they are folded, and identifiers of one thing each."""
    first: dict[object, _Name] = {}
    for one in names:
        for key in (fold_name(one.name), one.identifier):
            other = first.setdefault(key, one) if key is not None else one
            if other is not one and one.changed:
                raise _taken(owner, one, other)


def _taken(owner: Kind, one: _Name, other: _Name) -> AlreadyExists:
    if fold_name(one.name) != fold_name(other.name):
        return AlreadyExists(f"{owner.label} with the universal_identifier of {one.name!r}:", other.name)
    state = "archived " if other.archived else ""
    return AlreadyExists(f"{state}{owner.label}", other.name)


_LOCK = "select true from core.workspace where id = %(workspace)s and deleted_at is null for update"
