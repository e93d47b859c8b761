"""Invitations: a one-time link with which somebody becomes a member, or an added member comes in for the first time.

Metier sends no e-mail: whoever invites passes the link on. Who invites gives a role, so the right to do so is looked up
again when the link is used: an invitation of somebody who may no longer give the role is worth nothing.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from metier.access.checks import check_locale, check_time_zone, clean_email, clean_name
from metier.access.desk import Row, check_assignable, check_within, lock_roles, role_from, roles_of
from metier.access.members import FLAG, Members, check_email_free
from metier.access.passwords import check_password
from metier.access.sign_ins import person
from metier.access.tokens import INVITATION, digest, new_token
from metier.access.values import Invitation, Invited, NewInvitation, SignedIn
from metier.access.workspaces import Workspaces
from metier.actor import Actor, Holder, Principal, PrincipalKind, Role, check_flag
from metier.audit import Entry, note, note_by
from metier.errors import AlreadyExists, Conflict, Invalid, MetierError, NotFound, NotSignedIn, Problem
from metier.store import Transaction, UniqueViolation

LASTS = timedelta(days=7)

_OPEN = """
select i.id, i.workspace_id, i.email, i.member_id, i.expires_at, i.invited_by, i.invited_by_kind, i.invited_by_label,
    w.name as workspace, m.name, r.id as role_id, r.name as role_name, r.label as role_label, r.body as role_body
from core.invitation i
join core.workspace w on w.id = i.workspace_id and w.deleted_at is null
left join core.member m on m.workspace_id = i.workspace_id and m.id = i.member_id
join core.role r on r.workspace_id = i.workspace_id and r.id = coalesce(m.role_id, i.role_id)
where i.token_hash = %(hash)s and i.ended_at is null and i.expires_at > %(now)s
    and (m.id is null or (m.deleted_at is null and m.deactivated_at is null and m.password_hash is null))
"""


class Invitations(Members, Workspaces):
    """Invites, and lets in who was invited."""

    async def invite(self, actor: Actor, *, email: str, role: str) -> NewInvitation:
        """Make a link with which somebody becomes a member; it replaces one made before for the same e-mail.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS, or the role may do more than the actor.
            Invalid: The e-mail does not have its form.
            NotFound: There is no such role; suggests the nearest.
            AlreadyExists: A member has the e-mail.
            Conflict: A deactivated member has it, or the role is not for members.
        """
        check_flag(actor, FLAG)
        email = clean_email(email)
        chosen = (await roles_of(self._db, actor.workspace_id)).get(role)
        check_assignable(chosen, Holder.USERS)
        check_within(actor, chosen, "invite with")
        await check_email_free(self._db, actor.workspace_id, email)
        async with self._db.transaction() as transaction:
            return await self._invite(transaction, actor, email, chosen.id, None)

    async def add_member(self, actor: Actor, *, email: str, role: str, name: str | None = None) -> NewInvitation:
        """Make a member at once, who is seen and given work before coming in with the link.

        Args:
            name: What people call them; made of the e-mail if left out.

        Raises:
            As `invite`.
        """
        check_flag(actor, FLAG)
        email = clean_email(email)
        check_within(actor, (await roles_of(self._db, actor.workspace_id)).get(role), "add a member with")
        await check_email_free(self._db, actor.workspace_id, email)
        member_id = await self.create_member(
            actor.workspace_id, name=name_of(email) if name is None else name, email=email, role=role
        )
        return await self.invite_member(actor, member_id)

    async def invite_member(self, actor: Actor, member_id: UUID) -> NewInvitation:
        """Make a link with which a member who has no password yet comes in; replaces the one before.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS, or the member may do more than the actor.
            NotFound: The workspace has no such member.
            Conflict: The member has a password, has no e-mail, or is deactivated.
        """
        member = await self.member(actor, member_id)
        if member.deactivated_at is not None:
            raise Conflict(f"{member.name} is deactivated.", cure="Reactivate them first.")
        if member.has_password or member.email is None:
            why = "has a password to sign in with" if member.has_password else "has no e-mail"
            raise Conflict(f"{member.name} {why}.", cure="The operator can print a link: metier link")
        async with self._db.transaction() as transaction:
            role = (await roles_of(transaction, actor.workspace_id)).get(member.role)
            check_within(actor, role, "invite a member with")
            return await self._invite(transaction, actor, member.email, role.id, member_id)

    async def invitations(self, actor: Actor) -> list[Invitation]:
        """Give the invitations that are neither accepted nor withdrawn, newest first; expired ones too.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS.
        """
        check_flag(actor, FLAG)
        rows = await self._db.rows(
            """
            select i.id, i.email, r.name as role, r.label as role_label, i.member_id, i.invited_by_label as invited_by,
                i.created_at, i.expires_at
            from core.invitation i
            left join core.member m on m.workspace_id = i.workspace_id and m.id = i.member_id
            join core.role r on r.workspace_id = i.workspace_id and r.id = coalesce(m.role_id, i.role_id)
            where i.workspace_id = %s and i.ended_at is null order by i.created_at desc, i.id desc
            """,
            [actor.workspace_id],
        )
        return [Invitation(**row) for row in rows]

    async def withdraw_invitation(self, actor: Actor, invitation_id: UUID) -> None:
        """Make an invitation's link worthless. Again is no error.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE_MEMBERS.
            NotFound: The workspace has no such invitation.
        """
        check_flag(actor, FLAG)
        async with self._db.transaction() as transaction:
            email = await transaction.value(
                "update core.invitation set ended_at = coalesce(ended_at, %s) where workspace_id = %s and id = %s"
                " returning email",
                [self._clock.now(), actor.workspace_id, invitation_id],
            )
            if email is None:
                raise NotFound("invitation", str(invitation_id))
            await note(transaction, self._clock, actor, "invitation.withdrawn", target=email, target_id=invitation_id)

    # for whoever holds the link

    async def invited(self, token: str) -> Invited:
        """Say what a link invites to, without using it.

        Raises:
            NotSignedIn: The link is unknown, used, withdrawn or expired, or who made it may no longer give the role.
        """
        row = await self._valid(token)
        return Invited(row["workspace"], row["email"], row["role_label"], row["name"] or "", row["invited_by_label"])

    async def accept(self, token: str, *, name: str, password: str, time_zone: str, locale: str = "en") -> SignedIn:
        """Become a member, and sign in. Of several who use a link at once, one wins; a slip does not use it up.

        Raises:
            Invalid: Names every value that does not have its form.
            NotSignedIn: As `invited`.
            AlreadyExists: A member has got the e-mail meanwhile.
        """
        row = await self._valid(token)
        member_id: UUID = row["member_id"] or self._clock.new_id()
        values = _cleaned(name, password, time_zone, locale) | {
            "password": await self._passwords.hash(password),
            "now": self._clock.now(),
            "workspace": row["workspace_id"],
            "id": member_id,
            "invitation": row["id"],
            "role": row["role_id"],
            "email": row["email"],
        }
        try:
            async with self._db.transaction() as transaction:
                if not await transaction.execute(_USE_UP, values):
                    raise _gone()
                if not await transaction.execute(_COME_IN if row["member_id"] else _JOIN, values):
                    raise _gone()
                who = person(member_id, str(values["name"]))
                entry = Entry("invitation.accepted", target=row["email"], target_id=str(row["id"]))
                await note_by(transaction, self._clock, row["workspace_id"], who, entry)
        except UniqueViolation:
            raise AlreadyExists("member with the e-mail", row["email"]) from None
        return await self._begin(row["workspace_id"], member_id, rule="invitation")

    async def _invite(
        self, transaction: Transaction, actor: Actor, email: str, role_id: UUID, member_id: UUID | None
    ) -> NewInvitation:
        now, token = self._clock.now(), new_token(INVITATION)
        made = NewInvitation(self._clock.new_id(), email, token, now + LASTS, member_id)
        await lock_roles(transaction, actor.workspace_id)
        await transaction.execute(
            "update core.invitation set ended_at = %s where workspace_id = %s and email = %s and ended_at is null",
            [now, actor.workspace_id, email],
        )
        by = actor.principal
        await transaction.execute(
            """
            insert into core.invitation (workspace_id, id, email, role_id, member_id, token_hash, invited_by,
                invited_by_kind, invited_by_label, created_at, expires_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                *(actor.workspace_id, made.id, email, role_id, member_id, digest(token)),
                *(by.id, by.kind.value, by.label, now, made.expires_at),
            ],
        )
        await note(transaction, self._clock, actor, "invitation.made", target=email, target_id=made.id)
        return made

    async def _valid(self, token: str) -> Row:
        """Give the open invitation of a token, if who made it may still give its role."""
        row = await self._db.row(_OPEN, {"hash": digest(token), "now": self._clock.now()})
        if row is None:
            raise _gone()
        role = role_from({key: row[f"role_{key}"] for key in ("id", "name", "label", "body")})
        try:
            await self._check_inviter(row, role)
        except MetierError:
            raise _gone() from None
        return row

    async def _check_inviter(self, row: Row, role: Role) -> None:
        kind = PrincipalKind(row["invited_by_kind"])
        if kind is PrincipalKind.OPERATOR:
            return  # who holds the house's files may always
        by = Principal(kind, row["invited_by"], row["invited_by_label"])
        inviter = await self.refresh(Actor(row["workspace_id"], by, roles=()))
        check_flag(inviter, FLAG)
        check_assignable(role, Holder.USERS)
        check_within(inviter, role, "invite with")


_USE_UP = """
update core.invitation set ended_at = %(now)s
where workspace_id = %(workspace)s and id = %(invitation)s and ended_at is null and expires_at > %(now)s
"""

_JOIN = """
insert into core.member (workspace_id, id, role_id, name, email, password_hash, time_zone, locale,
    created_at, updated_at)
values (%(workspace)s, %(id)s, %(role)s, %(name)s, %(email)s, %(password)s, %(time_zone)s, %(locale)s, %(now)s, %(now)s)
"""

_COME_IN = """
update core.member set name = %(name)s, password_hash = %(password)s, time_zone = %(time_zone)s, locale = %(locale)s,
    updated_at = %(now)s
where workspace_id = %(workspace)s and id = %(id)s and password_hash is null
    and deleted_at is null and deactivated_at is null
"""


def name_of(email: str) -> str:
    """Make a name of an e-mail, until its holder says their own.

    >>> name_of("ada.park@acme.example")
    'Ada Park'
    """
    words = "".join(char if char.isalnum() else " " for char in email.partition("@")[0]).split()
    return " ".join(word[:1].upper() + word[1:] for word in words) or email


def _gone() -> NotSignedIn:
    return NotSignedIn("This invitation is unknown, used, withdrawn or expired. Ask for a new one.")


def _cleaned(name: str, password: str, time_zone: str, locale: str) -> dict[str, Any]:
    """Give what somebody says of themselves as it is stored; one error for all that is wrong."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    checks: Mapping[str, Callable[[], object]] = {
        "name": lambda: clean_name(name),
        "password": lambda: check_password(password),
        "time_zone": lambda: check_time_zone(time_zone),
        "locale": lambda: check_locale(locale),
    }
    for key, check in checks.items():
        try:
            found[key] = check()
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid.of(problems)
    return found
