"""Roles: what their holders may do, and who holds them."""

import re
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from metier.access.checks import clean_name
from metier.access.desk import ADMIN, Desk, check_within, role_body, role_from, roles_of
from metier.actor import Action, Actor, Role, check_any_flag, check_flag
from metier.errors import AlreadyExists, Conflict, Invalid, NotFound, Problem
from metier.registry import fold_name
from metier.store import Json, Transaction, UniqueViolation

SEEN_WITH = ("ROLES", "API_KEYS_AND_WEBHOOKS", "WORKSPACE_MEMBERS")  # whose holders give roles

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,48}")


class Roles(Desk):
    """Makes and gives roles. Nobody makes or gives one that may do more than they may."""

    async def roles(self, actor: Actor) -> list[Role]:
        """Give the workspace's roles, oldest first; they name objects, so not everybody sees them.

        Raises:
            MissingPermission: The actor holds none of `SEEN_WITH`.
        """
        check_any_flag(actor, *SEEN_WITH)
        return list(await roles_of(self._db, actor.workspace_id))

    async def create_role(
        self,
        actor: Actor,
        *,
        name: str,
        label: str,
        all_objects: Collection[Action] = (),
        objects: Mapping[str, Collection[Action]] | None = None,
        flags: Collection[str] = (),
    ) -> Role:
        """Make a role; arguments as in `Role`.

        Raises:
            MissingPermission: The actor does not hold ROLES, or the role would exceed the actor's own.
            Invalid: The name, an action or a flag does not have its form.
            AlreadyExists: A role has the name; `sales_rep` and `sales-rep` are one.
        """
        check_flag(actor, "ROLES")
        if not _NAME.fullmatch(name):
            problem = f"{name!r} must begin with a to z, then a to z, 0 to 9, _ and -, at most 49"
            raise Invalid.of([Problem("name", problem, example="sales-rep")])
        body = role_body(all_objects, objects or {}, flags)
        values = {"id": self._clock.new_id(), "name": fold_name(name), "label": clean_name(label, "label")}
        role = role_from({**values, "body": body})
        check_within(actor, role, "make")
        try:
            await self._db.execute(
                """
                insert into core.role (workspace_id, id, name, label, body, created_at, updated_at)
                values (%(workspace)s, %(id)s, %(name)s, %(label)s, %(body)s, %(now)s, %(now)s)
                """,
                {**values, "workspace": actor.workspace_id, "body": Json(body), "now": self._clock.now()},
            )
        except UniqueViolation:
            raise AlreadyExists("role", name) from None
        return role

    async def update_role(
        self,
        actor: Actor,
        name: str,
        *,
        all_objects: Collection[Action] | None = None,
        objects: Mapping[str, Collection[Action]] | None = None,
        flags: Collection[str] | None = None,
    ) -> Role:
        """Change what a role may do, for all who hold it, at once; what is None stays.

        Raises:
            MissingPermission: The actor does not hold ROLES, or the role exceeds the actor's own, before or after.
            Conflict: It is the role `admin`, which always may do everything.
            NotFound: There is no such role; suggests the nearest.
        """
        check_flag(actor, "ROLES")
        async with self._db.transaction() as transaction:
            await _lock(transaction, actor.workspace_id)
            before = (await roles_of(transaction, actor.workspace_id)).get(name)
            if before.name == ADMIN:
                raise Conflict("The role 'admin' always may do everything.", cure="Make another role.")
            body = role_body(
                before.all_objects if all_objects is None else all_objects,
                before.objects if objects is None else objects,
                before.flags if flags is None else flags,
            )
            after = role_from({"id": before.id, "name": before.name, "label": before.label, "body": body})
            for role in (before, after):
                check_within(actor, role, "change")
            await transaction.execute(
                "update core.role set body = %s, updated_at = %s where workspace_id = %s and id = %s",
                [Json(body), self._clock.now(), actor.workspace_id, before.id],
            )
        return after

    async def set_role(self, actor: Actor, member_id: UUID, *, role: str) -> None:
        """Give a member another role; it holds from the member's next request or tool call on.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS, or the role the member has or gets exceeds
                the actor's own.
            NotFound: There is no such member or role.
            Conflict: The workspace would have no admin.
        """
        check_flag(actor, "WORKSPACE_MEMBERS")
        async with self._db.transaction() as transaction:
            await _lock(transaction, actor.workspace_id)
            roles = await roles_of(transaction, actor.workspace_id)
            after = roles.get(role)
            before = await _role_of(transaction, actor.workspace_id, member_id, roles)
            for touched in (before, after):
                check_within(actor, touched, "give or take")
            await transaction.execute(
                "update core.member set role_id = %s, updated_at = %s where workspace_id = %s and id = %s",
                [after.id, self._clock.now(), actor.workspace_id, member_id],
            )
            if before.name == ADMIN and not await _has_admin(transaction, actor.workspace_id):
                raise Conflict("A workspace keeps at least one admin.", cure="Make another member admin first.")


async def _lock(transaction: Transaction, workspace_id: UUID) -> None:
    """Let changes of roles happen one after the other."""
    await transaction.execute("select from core.workspace where id = %s for update", [workspace_id])


async def _role_of(transaction: Transaction, workspace_id: UUID, member_id: UUID, roles: Iterable[Role]) -> Role:
    role_id = await transaction.value(
        "select role_id from core.member where workspace_id = %s and id = %s and deleted_at is null",
        [workspace_id, member_id],
    )
    if role_id is None:
        raise NotFound("member", str(member_id))
    return next(role for role in roles if role.id == role_id)


async def _has_admin(transaction: Transaction, workspace_id: UUID) -> bool:
    return await transaction.value(
        """
        select exists (select from core.member m join core.role r on r.workspace_id = m.workspace_id
            and r.id = m.role_id where m.workspace_id = %s and r.name = %s and m.deleted_at is null)
        """,
        [workspace_id, ADMIN],
    )
