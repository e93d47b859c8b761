"""What applying an app would do: planned in the open transaction of a change, conflict by conflict, step by step."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from metier.actor import Actor
from metier.definitions import rows
from metier.definitions.apps.bundle import Added, Bundle, Part
from metier.definitions.apps.kind import APP, added_by
from metier.definitions.bodies import Body, canonical
from metier.definitions.change import FOLLOWS, Change, Planned
from metier.definitions.diff import Difference, compare
from metier.definitions.kind import Kind
from metier.definitions.rows import Stored
from metier.definitions.source import Source, telling
from metier.definitions.values import NewsKind
from metier.errors import BadManifest, Conflict, Invalid, Problem, nearest

What = Literal["create", "change", "restore", "archive", "adopt"]


@dataclass(frozen=True)
class Step:
    """What happens to one definition.

    Attributes:
        differences: Place by place; empty if only the way it is written differs.
    """

    kind: str
    name: str
    what: What
    differences: Sequence[Difference] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the step as clients get it."""
        told = [one.to_json() for one in self.differences]
        return {"kind": self.kind, "name": self.name, "what": self.what, "differences": told}


@dataclass(frozen=True)
class Plan:
    """What applying an app does, or did.

    Attributes:
        before: The version that is applied now; None for an app that is not there.
    """

    app: str
    version: str
    before: str | None
    steps: Sequence[Step]

    def to_json(self) -> dict[str, Any]:
        """Give the plan as clients get it."""
        steps = [step.to_json() for step in self.steps]
        return {"app": self.app, "version": self.version, "before": self.before, "changes": bool(steps), "steps": steps}


@dataclass
class Planner:
    """Plans one app. Use once.

    Args:
        accept: What the operator has agreed to: `adopt:KIND/NAME`, `overwrite:KIND/NAME`, and words of kinds.
    """

    actor: Actor
    change: Change
    bundle: Bundle
    kinds: Sequence[Kind]
    accept: Collection[str]
    _conflicts: list[Problem] = field(default_factory=list[Problem])
    _steps: list[Step] = field(default_factory=list[Step])

    async def run(self) -> Plan:
        """Plan everything and check it against the workspace as it will be.

        Raises:
            Conflict: Names all that belongs to others, or was changed by somebody, and how to go on.
            Invalid: Something does not fit the workspace; names file and line.
        """
        app = await self.change.find(APP, self.bundle.body)
        stored = [await self.change.find(part.kind, part.body) for part in self.bundle.parts]
        for part, one in zip(self.bundle.parts, stored, strict=True):
            await self._check_owner(part, one)
        if not self._conflicts:
            await self._revive(app, stored)
        added = await self._adding(app)
        if self._conflicts:
            raise _conflict(self.bundle.name, self._conflicts)
        await self._publish(stored, added)
        await self.change.check()
        self._steps += [_step(one) for one in self.change.planned()]
        before = app.body["version"] if app and app.body and not app.archived_at else None
        return Plan(self.bundle.name, self.bundle.body["version"], before, self._steps)

    # --- whose it is -------------------------------------------------------------------------------------------------

    async def _check_owner(self, part: Part, stored: Stored | None) -> None:
        if stored is None:
            return
        key = f"{part.kind}/{stored.name}"
        if stored.app != self.bundle.name:
            self._check_adopted(part, stored, key)
        elif not stored.archived_at and f"overwrite:{key}" not in self.accept:
            await self._check_untouched(part, stored, key)

    def _check_adopted(self, part: Part, stored: Stored, key: str) -> None:
        if stored.app is not None:
            cure = f"rename yours, or remove that app: metier app remove {stored.app}"
            self._refuse(part.source, f"{key} belongs to the app {stored.app!r}; {cure}")
        elif stored.archived_at:
            self._refuse(part.source, f"{key} is archived and of no app; restore it, then adopt it, or rename yours")
        elif f"adopt:{key}" not in self.accept:
            self._refuse(
                part.source, f"{key} is there already, and of no app; rename yours, or take it over: --adopt {key}"
            )

    async def _check_untouched(self, part: Part, stored: Stored, key: str) -> None:
        """Refuse to overwrite what somebody has changed since the app was applied."""
        newest = await rows.version(self.change.tx, self.actor.workspace_id, stored.id, stored.version or 0)
        if newest is None or newest.origin == FOLLOWS or newest.origin.startswith(f"app {self.bundle.name} "):
            return
        if canonical(newest.body) != canonical(part.body):
            who = (newest.author or {}).get("label", "somebody")
            told = f"{key} was changed by {who} in version {newest.version}; take that into the app, or go over it"
            self._refuse(part.source, f"{told}: --overwrite {key}")

    def _refuse(self, source: Source, problem: str) -> None:
        place = source.file if source.line is None else f"{source.file}:{source.line}"
        self._conflicts.append(Problem(place, problem))

    # --- what is planned ---------------------------------------------------------------------------------------------

    async def _revive(self, app: Stored | None, stored: Sequence[Stored | None]) -> None:
        """Bring back what of the app is archived, so that it can be changed."""
        for one in (app, *stored):
            if one is not None and one.archived_at:
                await self.change.restore(one.kind, one.name)
        await self.change.check()
        self._steps += [_step(one) for one in self.change.planned()]
        await self.change.finish()

    async def _publish(self, stored: Sequence[Stored | None], added: Mapping[str, Any]) -> None:
        source = self.bundle.source if not added else Source.of(self.bundle.body | {"added": added})
        app = await self.change.publish(APP, source)
        kept: set[UUID] = set()
        for part, one in zip(self.bundle.parts, stored, strict=True):
            kept.add(await self.change.publish(part.kind, part.source, accept=self.accept, app=app))
            if one is not None and one.app is None:
                await rows.set_app(self.change.tx, self.actor.workspace_id, one.id, app)
                self._steps.append(Step(one.kind, one.name, "adopt"))
        for left in await rows.of_app(self.change.tx, self.actor.workspace_id, app):
            if left.id not in kept and not left.archived_at:
                await self.change.archive(left.kind, left.name)

    # --- parts of others ---------------------------------------------------------------------------------------------

    async def _adding(self, app: Stored | None) -> dict[str, Any]:
        """Plan the parts added to definitions of others, and give what is to be known of them."""
        found: dict[str, Any] = {}
        for kind in self.kinds:
            if kind.parts:
                was = added_by(app.body if app else None, kind.name)
                wanted = [one for one in self.bundle.added if one.kind == kind.name]
                for name in dict.fromkeys([*was, *(one.name for one in wanted)]):
                    parts = await self._add(kind, name, [one for one in wanted if one.name == name], was.get(name, []))
                    if parts:
                        found.setdefault(kind.name, {})[name] = parts
        return found

    async def _add(self, kind: Kind, name: str, wanted: Sequence[Added], was: Sequence[Body]) -> list[Body]:
        if any(part.kind == kind.name and part.body["name"] == name for part in self.bundle.parts):
            self._refuse(wanted[0].source, f"{kind.name}/{name} is brought by this app; put the {kind.parts} there")
            return []
        if wanted:
            self._check_there(wanted[0].source, await self._names(kind), kind, name)
        body = await self.change.body(kind.name, name)
        now: dict[str, Body] = {part["name"]: part for part in body[kind.parts]}
        ours = {part["name"]: part for part in was}
        for one in wanted:
            self._check_part(kind, one, now.get(one.body["name"]), ours.get(one.body["name"]))
        new = {one.body["name"]: one.body for one in wanted}
        parts = [new.get(part, now[part]) for part in now if part in new or part not in ours]
        parts += [part for part_name, part in new.items() if part_name not in now]
        whole = _formed(kind, body | {kind.parts: parts}, wanted)
        source = Source(Source.of(whole).data, file=wanted[0].source.file, line=1) if wanted else Source.of(whole)
        await self.change.publish(kind.name, source, name=name, accept=self.accept)
        return [part for part in whole[kind.parts] if part["name"] in new]

    async def _names(self, kind: Kind) -> list[str]:
        stored = await rows.listed(self.change.tx, self.actor.workspace_id, kind.name)
        return [one.name for one in stored if not one.archived_at and one.version]

    def _check_there(self, source: Source, known: Sequence[str], kind: Kind, name: str) -> None:
        if name not in known:
            problem = f"there is no {kind.label} {name!r}"
            near = nearest(name, known)
            raise BadManifest(source.file, problem + (f"; did you mean {near!r}?" if near else ""), line=source.line)

    def _check_part(self, kind: Kind, one: Added, now: Body | None, ours: Body | None) -> None:
        key = f"{kind.parts}/{one.name}.{one.body['name']}"
        if now is None:
            return
        if ours is None and f"adopt:{key}" not in self.accept:
            self._refuse(one.source, f"{key} is there already; rename yours, or take it over: --adopt {key}")
        elif ours is not None and canonical(now) != canonical(ours) and f"overwrite:{key}" not in self.accept:
            self._refuse(one.source, f"{key} was changed by somebody; take that into the app, or --overwrite {key}")


def _formed(kind: Kind, body: Body, wanted: Sequence[Added]) -> Body:
    """Check a body with what is added to it; what is wrong is told where the part stands in its file."""
    try:
        return kind.form(body)
    except Invalid as error:
        for one in wanted:
            place = next(i for i, part in enumerate(body[kind.parts]) if part["name"] == one.body["name"])
            own = [other.body["name"] for other in wanted if other.source is one.source].index(one.body["name"])
            path = f"{kind.parts}.{place}."
            told = [replace(p, path=f"{kind.parts}.{own}.{p.path.removeprefix(path)}") for p in error.problems
                    if p.path.startswith(path)]  # fmt: skip
            if told:
                with telling(one.source):
                    raise Invalid.of(told, what=f"The {kind.label} {one.name!r}") from None
        raise


async def removal(actor: Actor, change: Change, app: Stored, kinds: Sequence[Kind]) -> Plan:
    """Plan to archive an app with all it brought, and to hide what it added to others.

    Raises:
        Conflict: Something of it is needed; says what.
    """
    for one in await rows.of_app(change.tx, actor.workspace_id, app.id):
        if not one.archived_at:
            await change.archive(one.kind, one.name)
    body = app.body or {}
    for kind in kinds:
        for name, parts in added_by(body, kind.name).items():
            gone = {part["name"] for part in parts}
            now = await change.body(kind.name, name)
            left = [part for part in now[kind.parts] if part["name"] not in gone]
            await change.publish(kind.name, Source.of(now | {kind.parts: left}), name=name)
    await change.archive(APP, app.name)
    await change.check()
    steps = [_step(one) for one in change.planned()]
    return Plan(app.name, body.get("version", ""), body.get("version"), steps)


def _conflict(app: str, problems: Sequence[Problem]) -> Conflict:
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    error = Conflict(f"The app {app!r} cannot be applied: {problems[0].path}: {problems[0].problem}{more}")
    error.problems = tuple(problems)
    return error


def _step(one: Planned) -> Step:
    edit = one.edit
    what: What = "change"
    if one.what is NewsKind.PUBLISHED and one.is_new:
        what = "create"
    elif one.what is NewsKind.RESTORED:
        what = "restore"
    elif one.what is NewsKind.ARCHIVED:
        what = "archive"
    return Step(edit.kind, edit.name, what, compare(edit.before, edit.after) if what == "change" else ())
