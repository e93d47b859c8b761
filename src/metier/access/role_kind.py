"""Roles as definitions: what is right in a workspace, and the live row in which authority is looked up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID

from metier.access.checks import clean_name
from metier.access.desk import Objects, check_within
from metier.access.forms import RoleForm, changed
from metier.access.standard import ADMIN
from metier.actor import ROW_RULES_FEATURE, Holder, Role, check_feature
from metier.audit import note
from metier.clock import Clock
from metier.definitions import Body, Edit, Future, Kind, Renames
from metier.errors import Conflict, Invalid, Problem
from metier.registry import fold_name
from metier.store import Json, Transaction

ROLE = "role"
OBJECT = "object"  # the kind whose names roles hold

ROLE_KEYS = ("name", *RoleForm.__annotations__, "universal_identifier")

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,48}")
_NOBODY = UUID(int=0)  # the id of a role that is not stored yet


@dataclass(frozen=True)
class ApplicationRole:
    """What the agents of an app may do at most; see `define_application_role`."""

    name: str
    body: Body
    limits_app: ClassVar[bool] = True


def define_application_role(
    *,
    name: str,
    label: str | None = None,
    description: str | None = None,
    all_objects: Sequence[str] = (),
    objects: Mapping[str, Sequence[str]] | None = None,
    fields: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    flags: Sequence[str] = ("AI",),
) -> ApplicationRole:
    """Define what the agents of an app may do at most, whoever asks: a role for agents alone.

    Raises:
        Invalid: Names every place that is wrong.

    Source: the keys are those of docs/reference/roles.md.
    """
    said: dict[str, Any] = {
        "name": name,
        "label": label,
        "description": description,
        "all_objects": list(all_objects),
        "objects": objects,
        "fields": fields,
        "rows": rows,
        "flags": list(flags),
        "can_be_assigned_to": [Holder.AGENTS.value],
    }
    body = read_role({key: value for key, value in said.items() if value is not None})
    return ApplicationRole(body["name"], body)


class RoleKind(Kind):
    """Roles. A definition has the id of its row in `core.role`, which members, keys and budgets point to.

    Args:
        objects: Knows the objects; without it, the names in roles are taken as they are.
    """

    name = ROLE
    label = "role"
    flag = "ROLES"
    purge_flag = "ROLES"
    refers_to = frozenset({OBJECT})
    folder = "roles"
    code_types = (ApplicationRole,)

    def __init__(self, clock: Clock, objects: Objects | None = None) -> None:
        self._clock = clock
        self._objects = objects

    def form(self, raw: Body) -> Body:
        """Give a role in canonical form: with all it allows, in our spelling, under a folded name."""
        return read_role(raw)

    def of_code(self, thing: object) -> Body | None:
        """Give the body of an application role that an app's code has defined."""
        return dict(thing.body) if isinstance(thing, ApplicationRole) else None

    async def settled(self, edit: Edit, future: Future) -> Body:
        """Let rules name objects and fields by their own names, as who writes the role sees them.

        What it says of an object as before is not looked at again: it holds even for what is hidden or archived now.
        """
        assert edit.after is not None
        kept = _kept(edit.after, edit.before or {})
        fresh = _without(edit.after, kept)
        if edit.follows or self._objects is None or not any(fresh[part] for part in _PARTS):
            return edit.after
        types = list((await future.live(OBJECT)).values())
        own = await self._objects.own_names(edit.actor, role_of(fresh, edit.id), types)
        return _together(edit.after, own.body(), kept)

    async def validate(self, tx: Transaction, edit: Edit, future: Future) -> None:
        """Check that nobody gives what they do not have, and that holders are left with a role they can have.

        Raises:
            MissingPermission: The role exceeds the actor's own, before or after.
            FeatureOff: Its rules for rows change, and those are off in the workspace.
            Conflict: It cannot be changed, or somebody holds it who could not be given it as it would be.
            Invalid: It would get another name.
        """
        if edit.follows:
            return
        before, after = (role_of(body, edit.id) if body else None for body in (edit.before, edit.after))
        check_editable(before or after)
        _check_name(edit)
        for role in filter(None, (before, after)):
            check_within(edit.actor, role, _verb(edit))
        if after is None:
            await _check_unheld(tx, edit)
            return
        if after.rows != (before.rows if before else {}):
            check_feature(edit.actor, ROW_RULES_FEATURE)
        await _check_holders(tx, edit.workspace_id, after)

    async def on_publish(self, tx: Transaction, edit: Edit) -> None:
        """Write the live row, for all who hold the role."""
        assert edit.after is not None
        role = role_of(edit.after, edit.id)
        values = {"id": role.id, "name": role.name, "label": role.label, "body": Json(role.body())}
        values |= {"workspace": edit.workspace_id, "now": self._clock.now()}
        if not await tx.execute(_UPDATE, values):
            await tx.execute(_INSERT, values)
        if edit.before is None:
            await self._note(tx, edit, "role.created", body=role.body())
        else:
            before = role_of(edit.before, edit.id)
            await self._note(tx, edit, "role.changed", before=before.body(), after=role.body())

    async def on_archive(self, tx: Transaction, edit: Edit) -> None:
        """Remove the live row; nobody holds it."""
        await tx.execute("delete from core.role where workspace_id = %s and id = %s", [edit.workspace_id, edit.id])
        await self._note(tx, edit, "role.deleted")

    def renamed(self, body: Body, renames: Renames) -> Body:
        """Let a role keep what it says of objects and fields under their new names."""
        return body if self._objects is None else self._objects.follow(body, renames)

    async def _note(self, tx: Transaction, edit: Edit, action: str, **told: Any) -> None:
        await note(tx, self._clock, edit.actor, action, target=edit.name, target_id=edit.id, details=told)


def read_role(raw: Mapping[str, Any]) -> Body:
    """Read a role as people write it, and give its canonical body.

    Raises:
        Invalid: Names every place that is wrong; of a name alone if that is.
    """
    name = raw.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problem = f"{str(name)[:100]!r} must begin with a to z, then a to z, 0 to 9, _ and -, at most 49"
        raise Invalid.of([Problem("name", problem, example="sales-rep")], what="The role")
    said = {key: value for key, value in raw.items() if key not in ("name", "universal_identifier")}
    label = name.replace("-", " ").replace("_", " ").capitalize()
    role = changed(Role(_NOBODY, fold_name(name), label), said)
    return body_of(replace(role, label=clean_name(role.label, "label"))) | _identifier(raw)


def body_of(role: Role) -> Body:
    """Give a role's body as a definition has it."""
    own = {key: value for key, value in role.body().items() if key != "is_editable"}
    return {"name": role.name, "label": role.label} | own


def role_of(body: Mapping[str, Any], id: UUID) -> Role:
    """Give the role that a definition says."""
    return Role.from_body(id, body["name"], body["label"], body)


def check_editable(role: Role | None) -> None:
    """Let pass a role that can be changed.

    Raises:
        Conflict: It cannot.
    """
    if role is not None and role.name == ADMIN:
        raise Conflict("The role 'admin' always may do everything.", cure="Make another role.")


# --- names -----------------------------------------------------------------------------------------------------------

_PARTS = ("objects", "inherits", "fields", "rows")  # of a body, by object


def _kept(body: Body, before: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give what a body says of objects as before, part by part."""
    was = {part: before.get(part, {}) for part in _PARTS}
    return {part: {n: said for n, said in body.get(part, {}).items() if was[part].get(n) == said} for part in _PARTS}


def _without(body: Body, kept: Mapping[str, Mapping[str, Any]]) -> Body:
    return body | {part: {n: said for n, said in body.get(part, {}).items() if n not in kept[part]} for part in _PARTS}


def _together(body: Body, own: Mapping[str, Any], kept: Mapping[str, Mapping[str, Any]]) -> Body:
    """Put own names into a body, beside what is kept.

    Raises:
        Invalid: It names an object twice, in two spellings.
    """
    twice = [f"{part}.{name}" for part in _PARTS for name in own.get(part, {}).keys() & kept[part].keys()]
    if twice:
        raise Invalid.of([Problem(path, "is named twice, in two spellings") for path in twice], what="The role")
    parts = {part: dict(sorted({**own.get(part, {}), **kept[part]}.items())) for part in _PARTS}
    return body | {part: said for part, said in parts.items() if said or part in body}


def _check_name(edit: Edit) -> None:
    if edit.after is not None and fold_name(edit.name_before or edit.name) != edit.name:
        problem = f"a role keeps its name, here {edit.name_before!r}; its label can change"
        raise Invalid.of([Problem("name", problem, example=edit.name_before)], what="The role")


def _identifier(raw: Mapping[str, Any]) -> Body:
    given = raw.get("universal_identifier")
    if given is None:
        return {}
    try:
        return {"universal_identifier": str(UUID(given))}
    except (ValueError, AttributeError, TypeError):
        problem = Problem("universal_identifier", "must be a UUID", example="b3c4d5e6-f7a8-4012-8cde-f34567890123")
        raise Invalid.of([problem], what="The role") from None


def _verb(edit: Edit) -> str:
    if edit.after is None:
        return "delete"
    return "make" if edit.before is None else "change"


# --- holders ---------------------------------------------------------------------------------------------------------


async def _check_unheld(tx: Transaction, edit: Edit) -> None:
    held = await _held(tx, edit.workspace_id, edit.id)
    if holders := [f"{count} {what}" for what, count in held.items() if count]:
        cure = "Give them another role first."
        raise Conflict(f"The role {edit.name!r} is held: {' and '.join(holders)}.", cure=cure)


async def _check_holders(tx: Transaction, workspace_id: UUID, role: Role) -> None:
    """Let a role pass whose holders are all of a kind it can be given to."""
    held = await _held(tx, workspace_id, role.id)
    for holder, what in ((Holder.USERS, "members"), (Holder.API_KEYS, "keys")):
        if holder not in role.can_be_assigned_to and held[what]:
            raise Conflict(f"{held[what]} {what} hold the role {role.name!r}.", cure="Give them another role first.")


async def _held(tx: Transaction, workspace_id: UUID, role_id: UUID) -> Mapping[str, int]:
    """Count who holds a role: members and keys, those that were removed and revoked too."""
    row = await tx.row(
        """
        select (select count(*) from core.member where workspace_id = %(w)s and role_id = %(id)s) as members,
            (select count(*) from core.api_key where workspace_id = %(w)s and role_id = %(id)s) as keys
        """,
        {"w": workspace_id, "id": role_id},
    )
    return row or {}


_UPDATE = """
update core.role set name = %(name)s, label = %(label)s, body = %(body)s, updated_at = %(now)s
where workspace_id = %(workspace)s and id = %(id)s
"""

_INSERT = """
insert into core.role (workspace_id, id, name, label, body, created_at, updated_at)
select workspace_id, id, %(name)s, %(label)s, %(body)s, created_at, %(now)s
from core.definition where workspace_id = %(workspace)s and id = %(id)s
"""
