"""Members: who belongs to a workspace, with which role, and who comes in no more.

All of this needs WORKSPACE_MEMBERS, and touches nobody and gives nothing that may do more than who asks may: a role is
given by whoever could act with it, and made by whoever holds ROLES.
"""

from collections.abc import Iterator
from uuid import UUID

from metier.access.checks import clean_email
from metier.access.desk import Row, check_assignable, check_within, is_within, lock_roles, role_from, roles_of
from metier.access.sign_ins import SignIns
from metier.access.standard import ADMIN
from metier.access.values import Member
from metier.actor import Actor, Holder, PrincipalKind, Role, check_flag
from metier.audit import note
from metier.errors import AlreadyExists, Conflict, Forbidden, NotFound
from metier.store import Database, Transaction

FLAG = "WORKSPACE_MEMBERS"

_COLUMNS = """
select m.id, m.name, m.email, m.time_zone, m.locale, m.created_at, m.deactivated_at,
    m.password_hash is not null as has_password, r.name as role, r.label as role_label
from core.member m join core.role r on r.workspace_id = m.workspace_id and r.id = m.role_id
where m.workspace_id = %(workspace)s and m.deleted_at is null
"""

#: Keys that a member made as a person, and those that such keys made, and so on.
_KEYS_OF = """
with recursive made (id) as (
    select id from core.api_key where workspace_id = %(workspace)s and created_by = %(member)s
        and created_by_kind is distinct from 'operator'
    union
    select k.id from core.api_key k join made on k.created_by = made.id and k.workspace_id = %(workspace)s
)
"""


class Members(SignIns):
    """Lists members, gives them roles, deactivates and reactivates them."""

    async def members(self, actor: Actor) -> list[Member]:
        """Give the workspace's members by name, those who are deactivated last.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS.
        """
        check_flag(actor, FLAG)
        rows = await self._db.rows(
            f"{_COLUMNS} order by m.deactivated_at is not null, lower(m.name), m.id", {"workspace": actor.workspace_id}
        )
        return [Member(**row) for row in rows]

    async def member(self, actor: Actor, member_id: UUID) -> Member:
        """Give one member.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS.
            NotFound: The workspace has no such member.
        """
        check_flag(actor, FLAG)
        return await self._entry(actor, "m.id = %(id)s", {"id": member_id}, str(member_id))

    async def member_by_email(self, actor: Actor, email: str) -> Member:
        """Give the member with this e-mail, deactivated or not.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS.
            NotFound: The workspace has no such member; suggests the nearest.
        """
        check_flag(actor, FLAG)
        return await self._entry(actor, "m.email = %(email)s", {"email": clean_email(email)}, email)

    async def change_member(
        self, actor: Actor, member_id: UUID, *, role: str | None = None, active: bool | None = None
    ) -> None:
        """Give a member another role, deactivate or reactivate them; what is None stays.

        A role holds from the member's next request, model call or tool call on. Deactivating shuts out at once:
        sign-ins end, so do the keys the member made, and their open invitations; their records stay, and the member is
        still shown with them. Reactivating brings back the role, not the keys.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS, or the role the member has or gets exceeds
                the actor's own.
            NotFound: There is no such member or role.
            Conflict: The workspace would have no admin, or the role is not for members.
            Forbidden: A member deactivates himself or herself.
        """
        check_flag(actor, FLAG)
        if active is False and actor.principal.kind is PrincipalKind.MEMBER and actor.principal.id == member_id:
            raise Forbidden("Nobody deactivates themselves.", cure="Another member with WORKSPACE_MEMBERS can do it.")
        async with self._db.transaction() as transaction:
            await lock_roles(transaction, actor.workspace_id)
            before = await _role_of(transaction, actor, member_id)
            after = before if role is None else (await roles_of(transaction, actor.workspace_id)).get(role)
            if role is not None:
                check_assignable(after, Holder.USERS)
            for touched in (before, after):
                check_within(actor, touched, "give or take")
            values = {
                "workspace": actor.workspace_id,
                "member": member_id,
                "role": after.id,
                "active": active,
                "now": self._clock.now(),
            }
            for statement in (_CHANGE, *(_SHUT_OUT if active is False else ())):
                await transaction.execute(statement, values)
            await _check_admin_left(transaction, actor.workspace_id, before)
            for action, told in _told(before, after if role is not None else None, active):
                await note(transaction, self._clock, actor, action, target_id=member_id, details=told)

    async def roles_to_give(self, actor: Actor) -> list[Role]:
        """Give the roles that the actor may give members, oldest first: those that may not do more than the actor.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS.
        """
        check_flag(actor, FLAG)
        roles = await roles_of(self._db, actor.workspace_id)
        return [role for role in roles if Holder.USERS in role.can_be_assigned_to and is_within(actor, role)]

    async def set_role(self, actor: Actor, member_id: UUID, *, role: str) -> None:
        """Give a member another role; see `change_member`."""
        await self.change_member(actor, member_id, role=role)

    async def _entry(self, actor: Actor, condition: str, values: dict[str, object], name: str) -> Member:
        row = await self._db.row(f"{_COLUMNS} and {condition}", {"workspace": actor.workspace_id, **values})
        if row is None:
            emails = await self._db.rows(
                "select email from core.member where workspace_id = %s and email is not null and deleted_at is null",
                [actor.workspace_id],
            )
            raise NotFound("member", name, (member["email"] for member in emails))
        return Member(**row)


_CHANGE = """
update core.member set role_id = %(role)s, updated_at = %(now)s, deactivated_at = case %(active)s::boolean
    when true then null when false then coalesce(deactivated_at, %(now)s) else deactivated_at end
where workspace_id = %(workspace)s and id = %(member)s
"""

_SHUT_OUT = (
    "delete from core.sign_in where workspace_id = %(workspace)s and member_id = %(member)s",
    "delete from core.admin_link where workspace_id = %(workspace)s and member_id = %(member)s",
    f"""
    {_KEYS_OF} update core.invitation set ended_at = %(now)s where workspace_id = %(workspace)s and ended_at is null
        and (member_id = %(member)s or invited_by in (select id from made)
            or (invited_by = %(member)s and invited_by_kind <> 'operator'))
    """,
    f"""
    {_KEYS_OF} update core.api_key set revoked_at = %(now)s where workspace_id = %(workspace)s and revoked_at is null
        and id in (select id from made)
    """,
)


def _told(before: Role, after: Role | None, active: bool | None) -> Iterator[tuple[str, dict[str, str]]]:
    """Give what the audit log keeps of a change of a member."""
    if after is not None:
        yield "member.role_given", {"before": before.name, "after": after.name}
    if active is not None:
        yield "member.reactivated" if active else "member.deactivated", {}


async def check_email_free(db: Database | Transaction, workspace_id: UUID, email: str) -> None:
    """Let an e-mail pass that no member has.

    Raises:
        AlreadyExists: A member has it.
        Conflict: A deactivated member has it.
    """
    row: Row | None = await db.row(
        "select deactivated_at from core.member where workspace_id = %s and email = %s and deleted_at is null",
        [workspace_id, email],
    )
    if row is None:
        return
    if row["deactivated_at"] is not None:
        raise Conflict(f"{email} is a deactivated member.", cure="Reactivate them instead.")
    raise AlreadyExists("member with the e-mail", email)


async def _role_of(transaction: Transaction, actor: Actor, member_id: UUID) -> Role:
    row = await transaction.row(
        """
        select r.id, r.name, r.label, r.body from core.member m
        join core.role r on r.workspace_id = m.workspace_id and r.id = m.role_id
        where m.workspace_id = %s and m.id = %s and m.deleted_at is null
        """,
        [actor.workspace_id, member_id],
    )
    if row is None:
        raise NotFound("member", str(member_id))
    return role_from(row)


async def _check_admin_left(transaction: Transaction, workspace_id: UUID, before: Role) -> None:
    """Refuse what has just taken the last admin's role or access away."""
    if before.name != ADMIN:
        return
    found = await transaction.value(
        """
        select exists (select from core.member m join core.role r on r.workspace_id = m.workspace_id
            and r.id = m.role_id where m.workspace_id = %s and r.name = %s and m.deleted_at is null
            and m.deactivated_at is null)
        """,
        [workspace_id, ADMIN],
    )
    if not found:
        raise Conflict("A workspace keeps at least one admin.", cure="Make another member admin first.")
