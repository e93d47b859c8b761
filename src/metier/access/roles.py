"""Roles: what their holders may do."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack
from uuid import UUID

from metier.access.checks import clean_name
from metier.access.desk import Desk, check_within, lock_roles, roles_of
from metier.access.forms import RoleForm, changed
from metier.access.standard import ADMIN
from metier.actor import ROW_RULES_FEATURE, Actor, Holder, Role, check_any_flag, check_feature, check_flag
from metier.audit import note
from metier.definitions import Renames
from metier.errors import AlreadyExists, Conflict, Invalid, Problem
from metier.registry import fold_name
from metier.store import Json, Transaction, UniqueViolation

SEEN_WITH = ("ROLES", "API_KEYS_AND_WEBHOOKS", "WORKSPACE_MEMBERS")  # whose holders give roles

_PLAIN = {"label", "description", "icon", "can_be_assigned_to"}  # no object is named in these
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,48}")


class Roles(Desk):
    """Makes and changes roles. Nobody makes one that may do more than they may."""

    async def roles(self, actor: Actor) -> list[Role]:
        """Give the workspace's roles, oldest first; they name objects, so not everybody sees them.

        Raises:
            MissingPermission: The actor holds none of `SEEN_WITH`.
        """
        check_any_flag(actor, *SEEN_WITH)
        return list(await roles_of(self._db, actor.workspace_id))

    async def role(self, actor: Actor, name: str) -> Role:
        """Give one role.

        Raises:
            MissingPermission: The actor holds none of `SEEN_WITH`.
            NotFound: There is no such role; suggests the nearest.
        """
        check_any_flag(actor, *SEEN_WITH)
        return (await roles_of(self._db, actor.workspace_id)).get(name)

    async def role_holders(self, actor: Actor) -> Mapping[str, tuple[int, int]]:
        """Count who holds each role, by its name: members and keys, without those that were deactivated or revoked.

        Raises:
            MissingPermission: The actor holds none of `SEEN_WITH`.
        """
        check_any_flag(actor, *SEEN_WITH)
        rows = await self._db.rows(
            """
            select r.name,
                (select count(*) from core.member m where m.workspace_id = r.workspace_id and m.role_id = r.id
                    and m.deleted_at is null and m.deactivated_at is null) as members,
                (select count(*) from core.api_key k where k.workspace_id = r.workspace_id and k.role_id = r.id
                    and k.revoked_at is null) as keys
            from core.role r where r.workspace_id = %s
            """,
            [actor.workspace_id],
        )
        return {row["name"]: (row["members"], row["keys"]) for row in rows}

    async def create_role(self, actor: Actor, *, name: str, **form: Unpack[RoleForm]) -> Role:
        """Make a role; what the form does not say it does not allow, and the label is made of the name. See `RoleForm`.

        Raises:
            MissingPermission: The actor does not hold ROLES, or the role would exceed the actor's own.
            Invalid: The name or a place of the form is wrong.
            FeatureOff: It has rules for rows, and those are off in the workspace.
            AlreadyExists: A role has the name; `sales_rep` and `sales-rep` are one.
        """
        check_flag(actor, "ROLES")
        if not _NAME.fullmatch(name):
            problem = f"{name!r} must begin with a to z, then a to z, 0 to 9, _ and -, at most 49"
            raise Invalid.of([Problem("name", problem, example="sales-rep")])
        label = name.replace("-", " ").replace("_", " ").capitalize()
        role = await self._read(actor, Role(self._clock.new_id(), fold_name(name), label), form)
        check_within(actor, role, "make")
        try:
            async with self._change(actor, "role.created", role.name, role.id, body=role.body()) as transaction:
                await transaction.execute(
                    """
                    insert into core.role (workspace_id, id, name, label, body, created_at, updated_at)
                    values (%(workspace)s, %(id)s, %(name)s, %(label)s, %(body)s, %(now)s, %(now)s)
                    """,
                    _columns(role) | {"workspace": actor.workspace_id, "now": self._clock.now()},
                )
        except UniqueViolation:
            raise AlreadyExists("role", name) from None
        return role

    async def update_role(self, actor: Actor, name: str, **form: Unpack[RoleForm]) -> Role:
        """Change a role, for all who hold it, at once; what the form does not say stays.

        Raises:
            MissingPermission: The actor does not hold ROLES, or the role exceeds the actor's own, before or after.
            Conflict: The role cannot be changed: `admin` always may do everything. Or somebody holds it who could not
                be given it as it would be.
            NotFound: There is no such role; suggests the nearest.
            Invalid: A place of the form is wrong.
            FeatureOff: Its rules for rows change, and those are off in the workspace; the rules there are hold on.
        """
        check_flag(actor, "ROLES")
        async with self._db.transaction() as transaction:
            await lock_roles(transaction, actor.workspace_id)
            before = (await roles_of(transaction, actor.workspace_id)).get(name)
            _check_editable(before)
            after = await self._read(actor, before, form)
            for role in (before, after):
                check_within(actor, role, "change")
            await _check_holders(transaction, actor.workspace_id, after)
            await transaction.execute(
                """
                update core.role set label = %(label)s, body = %(body)s, updated_at = %(now)s
                where workspace_id = %(workspace)s and id = %(id)s
                """,
                _columns(after) | {"workspace": actor.workspace_id, "now": self._clock.now()},
            )
            told = {"before": before.body(), "after": after.body()}
            await note(
                transaction, self._clock, actor, "role.changed", target=after.name, target_id=after.id, details=told
            )
        return after

    async def delete_role(self, actor: Actor, name: str) -> None:
        """Delete a role that nobody holds.

        Raises:
            MissingPermission: The actor does not hold ROLES, or the role exceeds the actor's own.
            Conflict: It cannot be changed, or a member or key holds it.
            NotFound: There is no such role; suggests the nearest.
        """
        check_flag(actor, "ROLES")
        async with self._db.transaction() as transaction:
            await lock_roles(transaction, actor.workspace_id)
            role = (await roles_of(transaction, actor.workspace_id)).get(name)
            _check_editable(role)
            check_within(actor, role, "delete")
            held = await _held(transaction, actor.workspace_id, role)
            if holders := [f"{count} {what}" for what, count in held.items() if count]:
                cure = "Give them another role first."
                raise Conflict(f"The role {role.name!r} is held: {' and '.join(holders)}.", cure=cure)
            await transaction.execute(
                "delete from core.role where workspace_id = %s and id = %s", [actor.workspace_id, role.id]
            )
            await note(transaction, self._clock, actor, "role.deleted", target=role.name, target_id=role.id)

    async def follow(self, transaction: Transaction, actor: Actor, renames: Renames) -> None:
        """Let all roles follow new names of objects and fields, in the transaction that gives them.

        Who renames need not hold ROLES: what a role allows stays as it was.
        """
        if self._objects is None or renames.kind != "object":
            return
        for before in await roles_of(transaction, actor.workspace_id):
            body = before.body()
            followed = self._objects.follow(body, renames)
            if followed == body:
                continue
            await transaction.execute(
                "update core.role set body = %s, updated_at = %s where workspace_id = %s and id = %s",
                [Json(followed), self._clock.now(), actor.workspace_id, before.id],
            )
            told = {"before": body, "after": followed}
            await note(
                transaction, self._clock, actor, "role.changed", target=before.name, target_id=before.id, details=told
            )

    async def _read(self, actor: Actor, role: Role, form: Mapping[str, Any]) -> Role:
        found = changed(role, form)
        if self._objects is not None and form.keys() - _PLAIN:
            found = await self._objects.own_names(actor, found)
        if found.rows != role.rows:
            check_feature(actor, ROW_RULES_FEATURE)
        return replace(found, label=clean_name(found.label, "label"))


def _columns(role: Role) -> dict[str, Any]:
    return {"id": role.id, "name": role.name, "label": role.label, "body": Json(role.body())}


def _check_editable(role: Role) -> None:
    if role.name == ADMIN:
        raise Conflict("The role 'admin' always may do everything.", cure="Make another role.")
    if not role.is_editable:
        raise Conflict(f"The role {role.name!r} cannot be changed.", cure="Make another role.")


async def _check_holders(transaction: Transaction, workspace_id: UUID, role: Role) -> None:
    """Let a role pass whose holders are all of a kind it can be given to."""
    held = await _held(transaction, workspace_id, role)
    for holder, what in ((Holder.USERS, "members"), (Holder.API_KEYS, "keys")):
        if holder not in role.can_be_assigned_to and held[what]:
            raise Conflict(f"{held[what]} {what} hold the role {role.name!r}.", cure="Give them another role first.")


async def _held(transaction: Transaction, workspace_id: UUID, role: Role) -> Mapping[str, int]:
    """Count who holds a role: members and keys, those that were removed and revoked too."""
    row = await transaction.row(
        """
        select (select count(*) from core.member where workspace_id = %(w)s and role_id = %(id)s) as members,
            (select count(*) from core.api_key where workspace_id = %(w)s and role_id = %(id)s) as keys
        """,
        {"w": workspace_id, "id": role.id},
    )
    return row or {}
