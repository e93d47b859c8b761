"""The one door to apps. Who applies one must hold what each part of it asks for, beside APPLICATIONS."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from metier.actor import Actor, check_flag
from metier.definitions import rows
from metier.definitions.apps.bundle import Bundle
from metier.definitions.apps.kind import APP, AppKind
from metier.definitions.apps.plan import Plan, Planner, removal
from metier.definitions.door import Definitions
from metier.definitions.kind import Kind
from metier.definitions.values import Definition
from metier.errors import Conflict, NotFound
from metier.store import Database


@dataclass(frozen=True)
class AppView:
    """An app as it is applied.

    Attributes:
        parts: What belongs to it: kind, name, label, and whether it is archived.
    """

    definition: Definition
    parts: Sequence[tuple[str, str, str, bool]]

    def to_json(self) -> dict[str, Any]:
        """Give the app as clients get it."""
        body = self.definition.body or {}
        keys = ("name", "label", "version", "description", "author", "role", "added")
        parts = [dict(zip(("kind", "name", "label", "archived"), part, strict=True)) for part in self.parts]
        archived = self.definition.archived_at
        return {key: body.get(key) for key in keys} | {"archived_at": archived and archived.isoformat(), "parts": parts}


class _Undone(Exception):
    """Ends a transaction whose work was only to be looked at."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan


class Apps:
    """Applies apps to workspaces."""

    def __init__(self, db: Database, definitions: Definitions) -> None:
        self._db = db
        self._definitions = definitions

    @property
    def kinds(self) -> Sequence[Kind]:
        """The kinds of which apps bring something."""
        return [kind for kind in self._definitions.kinds() if kind.folder]

    async def plan(self, actor: Actor, bundle: Bundle, *, accept: Collection[str] = ()) -> Plan:
        """Say what applying an app would do, and change nothing.

        Raises:
            MissingPermission: The actor lacks APPLICATIONS or a flag that a part needs, or would give what they lack.
            Conflict: Something belongs to others; names each, with a cure.
            Invalid: Something does not fit the workspace; names file and line.
        """
        try:
            async with self._definitions.change(actor, applies=True) as change:
                check_flag(actor, AppKind.flag)
                raise _Undone(await Planner(actor, change, bundle, self.kinds, accept).run())
        except _Undone as done:
            return done.plan

    async def apply(self, actor: Actor, bundle: Bundle, *, accept: Collection[str] = (), note: str = "") -> Plan:
        """Apply an app: all of it, or nothing. What is so already stays as it is.

        Raises:
            MissingPermission, Conflict, Invalid: As `plan`; and a kind may refuse, e.g. to convert values.
        """
        origin = f"app {bundle.name} {bundle.body['version']}"
        async with self._definitions.change(actor, note=note, origin=origin, applies=True) as change:
            check_flag(actor, AppKind.flag)
            return await Planner(actor, change, bundle, self.kinds, accept).run()

    async def remove(self, actor: Actor, name: str, *, note: str = "") -> Plan:
        """Archive an app with all it brought, and hide the fields it added; nothing is purged, no record is lost.

        Raises:
            MissingPermission, NotFound: As `get`.
            Conflict: Something of it is needed, such as a role that members hold; or it is archived already.
        """
        check_flag(actor, AppKind.flag)
        async with self._definitions.change(actor, note=note, origin=f"app {name} removed", applies=True) as change:
            stored = await rows.find(change.tx, actor.workspace_id, APP, name)
            if stored is None:
                raise NotFound("app", name[:100], [one.name for one in await self._listed(actor)])
            if stored.archived_at:
                raise Conflict(f"The app {stored.name!r} is removed already.", cure="Apply it to bring it back.")
            return await removal(actor, change, stored, self.kinds)

    async def listed(self, actor: Actor, *, archived: bool = False) -> list[Definition]:
        """Give the apps that are applied, or those that were removed.

        Raises:
            MissingPermission: The actor does not hold APPLICATIONS.
        """
        return await self._definitions.listed(actor, APP, archived=archived)

    async def get(self, actor: Actor, name: str) -> AppView:
        """Give an app with what belongs to it.

        Raises:
            MissingPermission: The actor does not hold APPLICATIONS.
            NotFound: There is no such app; suggests the nearest.
        """
        found = await self._definitions.get(actor, APP, name)
        parts = await rows.of_app(self._db, actor.workspace_id, found.id)
        told = [(p.kind, p.name, str((p.body or {}).get("label", p.name)), p.archived_at is not None) for p in parts]
        return AppView(found, told)

    async def _listed(self, actor: Actor) -> Sequence[rows.Stored]:
        return await rows.listed(self._db, actor.workspace_id, APP)
