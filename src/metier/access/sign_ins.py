"""Signing in: the operator's one-time link, then e-mail and password."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from metier.access.actors import Actors
from metier.access.checks import check_locale, check_time_zone, clean_email, clean_name
from metier.access.desk import ADMIN, Row
from metier.access.passwords import check_password
from metier.access.tokens import LINK, SIGN_IN, digest, new_token
from metier.access.values import Profile, SignedIn, Welcome
from metier.actor import Actor, PrincipalKind
from metier.audit import Entry, note_by
from metier.errors import AlreadyExists, Forbidden, Invalid, NotFound, NotSignedIn, Problem
from metier.formats import Formats
from metier.store import Json, UniqueViolation

LINK_LASTS = timedelta(hours=24)
SIGN_IN_LASTS = timedelta(days=30)

_FORGET = (
    """
    delete from core.sign_in where token_hash in (
        select token_hash from core.sign_in where workspace_id = %(workspace)s and expires_at < %(before)s
        limit %(most)s
    )
    """,
    """
    delete from core.admin_link where token_hash in (
        select token_hash from core.admin_link
        where (workspace_id = %(workspace)s or workspace_id is null) and expires_at < %(before)s
        limit %(most)s
    )
    """,
    """
    delete from core.invitation where (workspace_id, id) in (
        select workspace_id, id from core.invitation
        where workspace_id = %(workspace)s and ended_at < %(before)s
        limit %(most)s
    )
    """,
)


class SignIns(Actors):
    """Gives and ends sign-ins, and keeps what members say of themselves."""

    async def forget_sign_ins(self, workspace_id: UUID, before: datetime, most: int) -> int:
        """Remove sign-ins and one-time links that were over before, and invitations that ended; give how many."""
        facts = {"workspace": workspace_id, "before": before, "most": most}
        return sum([await self._db.execute(statement, facts) for statement in _FORGET])

    # links

    async def admin_link(self, workspace_id: UUID | None = None) -> str:
        """Make a one-time link for the operator to print, good for 24 hours (S-06).

        Args:
            workspace_id: It signs in as the first admin there; None: it leads to making the first workspace.

        Raises:
            NotFound: The workspace does not exist or has no admin.
        """
        member_id = None
        if workspace_id is not None:
            member_id = await self._db.value(
                """
                select m.id from core.member m join core.role r on r.workspace_id = m.workspace_id and r.id = m.role_id
                where m.workspace_id = %s and r.name = %s and m.deleted_at is null and m.deactivated_at is null
                order by m.created_at, m.id limit 1
                """,
                [workspace_id, ADMIN],
            )
            if member_id is None:
                raise NotFound("workspace with an admin", str(workspace_id))
        return await self._new_link(workspace_id, member_id)

    async def member_link(self, member: Actor) -> str:
        """Make a one-time link that signs this member in, for the operator to print, good for 24 hours."""
        return await self._new_link(member.workspace_id, member.principal.id)

    async def use_link(self, token: str) -> SignedIn | Welcome:
        """Use a link up; of several at once, one wins.

        A link to the first workspace is worth nothing once there is a workspace.

        Raises:
            NotSignedIn: The link is unknown, used, or too old.
        """
        row = await self._db.row(
            """
            update core.admin_link set used_at = %(now)s
            where token_hash = %(hash)s and used_at is null and expires_at > %(now)s
                and (workspace_id is not null
                    or not exists (select from core.workspace w where w.deleted_at is null))
            returning workspace_id, member_id
            """,
            {"hash": digest(token), "now": self._clock.now()},
        )
        if row is None:
            raise NotSignedIn("This link is unknown, used or expired. The command 'metier link' prints a new one.")
        if row["workspace_id"] is None:
            return Welcome(await self._new_link(None, None), self._clock.now() + LINK_LASTS)
        return await self._begin(row["workspace_id"], row["member_id"], rule="one-time link")

    async def _new_link(self, workspace_id: UUID | None, member_id: UUID | None) -> str:
        token, now = new_token(LINK), self._clock.now()
        await self._db.execute("delete from core.admin_link where expires_at <= %s", [now])
        await self._db.execute(
            """
            insert into core.admin_link (token_hash, workspace_id, member_id, created_at, expires_at)
            values (%s, %s, %s, %s, %s)
            """,
            [digest(token), workspace_id, member_id, now, now + LINK_LASTS],
        )
        return token

    # e-mail and password

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """Sign a member in. A wrong password and an unknown e-mail give the same answer after the same work.

        Raises:
            NotSignedIn: E-mail or password is wrong.
            TooManyRequests: This e-mail was tried too often.
        """
        name = _as_stored(email)
        self._tries.count(name)
        rows = await self._db.rows(
            """
            select m.workspace_id, m.id, m.password_hash from core.member m
            join core.workspace w on w.id = m.workspace_id and w.deleted_at is null
            where m.email = %s and m.deleted_at is null and m.deactivated_at is null and m.password_hash is not null
            order by w.created_at
            """,
            [name],
        )
        for row in rows or [{"password_hash": None}]:
            if await self._passwords.verify(password, row["password_hash"]):
                self._tries.forget(name)
                return await self._begin(row["workspace_id"], row["id"], rule="password")
        raise NotSignedIn("The e-mail or the password is not right.")

    async def sign_out(self, token: str) -> None:
        """End a sign-in; an unknown one is no error."""
        async with self._db.transaction() as transaction:
            ended = await transaction.row(
                """
                delete from core.sign_in s using core.member m
                where s.token_hash = %s and m.workspace_id = s.workspace_id and m.id = s.member_id
                returning s.workspace_id, s.member_id, m.name
                """,
                [digest(token)],
            )
            if ended is not None:
                who = person(ended["member_id"], ended["name"])
                await note_by(transaction, self._clock, ended["workspace_id"], who, Entry("sign_in.ended"))

    async def _begin(self, workspace_id: UUID, member_id: UUID, *, rule: str) -> SignedIn:
        token, now = new_token(SIGN_IN), self._clock.now()
        expires_at = now + SIGN_IN_LASTS
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "delete from core.sign_in where workspace_id = %s and member_id = %s and expires_at <= %s",
                [workspace_id, member_id, now],
            )
            await transaction.execute(
                """
                insert into core.sign_in (token_hash, workspace_id, member_id, created_at, expires_at)
                values (%s, %s, %s, %s, %s)
                """,
                [digest(token), workspace_id, member_id, now, expires_at],
            )
            name = await transaction.value(
                "select name from core.member where workspace_id = %s and id = %s", [workspace_id, member_id]
            )
            who = person(member_id, name)
            await note_by(transaction, self._clock, workspace_id, who, Entry("sign_in.begun", rule=rule))
        return SignedIn(token, await self.actor_for_sign_in(token), expires_at)

    # what members say of themselves

    async def set_password(
        self, actor: Actor, *, email: str, password: str, current: str | None = None, keep: str | None = None
    ) -> None:
        """Set the e-mail and password the actor signs in with.

        Args:
            actor: A member, or the operator, who need not know the current password.
            email: Where the member is reached; stored in lower case.
            password: The new one, at least 10 characters.
            current: The password so far, if there is one.
            keep: Token of the sign-in that goes on; when a password is changed, all others of the member end.

        Raises:
            Invalid: The e-mail or password does not have its form, or `current` is missing.
            Forbidden: `current` is wrong, or the actor is not a person.
            AlreadyExists: Another member has the e-mail.
            TooManyRequests: `current` was tried too often.
        """
        stored = (await self._person(actor))["password_hash"]
        email = clean_email(email)
        check_password(password)
        if stored is not None and actor.principal.kind is not PrincipalKind.OPERATOR:
            await self._check_current(actor, current, stored)
        hashed = await self._passwords.hash(password)
        try:
            async with self._change(actor, "member.password_set", email) as transaction:
                await transaction.execute(
                    """
                    update core.member set email = %s, password_hash = %s, updated_at = %s
                    where workspace_id = %s and id = %s
                    """,
                    [email, hashed, self._clock.now(), actor.workspace_id, actor.principal.id],
                )
        except UniqueViolation:
            raise AlreadyExists("member with the e-mail", email) from None
        if stored is not None:
            await self._db.execute(
                "delete from core.sign_in where workspace_id = %s and member_id = %s and token_hash <> %s",
                [actor.workspace_id, actor.principal.id, digest(keep or "")],
            )

    async def profile(self, actor: Actor) -> Profile:
        """Give what the member says of himself or herself.

        Raises:
            Forbidden: The actor is not a person.
        """
        row = await self._person(actor)
        return Profile(
            id=row["id"],
            name=row["name"],
            email=row["email"],
            time_zone=row["time_zone"],
            locale=row["locale"],
            formats=Formats.of(row["formats"]),
            role=row["role"],
            has_password=row["password_hash"] is not None,
        )

    async def update_profile(
        self,
        actor: Actor,
        *,
        name: str | None = None,
        time_zone: str | None = None,
        locale: str | None = None,
        **formats: str | None,
    ) -> Profile:
        """Change the profile; what is None stays.

        Args:
            formats: Choices of `metier.formats` by name, e.g. `number_format="dots_and_comma"`.

        Raises:
            Invalid: A value does not have its form.
            Forbidden: The actor is not a person.
        """
        before = await self.profile(actor)
        chosen = before.formats.changed(formats)
        async with self._change(actor, "member.profile_changed", before.name, before.id) as transaction:
            await transaction.execute(
                """
                update core.member set name = %s, time_zone = %s, locale = %s, formats = %s, updated_at = %s
                where workspace_id = %s and id = %s
                """,
                [
                    before.name if name is None else clean_name(name),
                    before.time_zone if time_zone is None else check_time_zone(time_zone),
                    before.locale if locale is None else check_locale(locale),
                    Json(chosen.to_json()),
                    self._clock.now(),
                    actor.workspace_id,
                    actor.principal.id,
                ],
            )
        return await self.profile(actor)

    async def _person(self, actor: Actor) -> Row:
        if actor.principal.kind not in (PrincipalKind.MEMBER, PrincipalKind.OPERATOR):
            raise Forbidden(f"{actor.label} is no person and has no profile.")
        row = await self._db.row(
            """
            select m.id, m.name, m.email, m.password_hash, m.time_zone, m.locale, m.formats,
                r.label as role
            from core.member m
            join core.role r on r.workspace_id = m.workspace_id and r.id = m.role_id
            where m.workspace_id = %s and m.id = %s and m.deleted_at is null and m.deactivated_at is null
            """,
            [actor.workspace_id, actor.principal.id],
        )
        if row is None:
            raise NotSignedIn(f"{actor.label} has no access any more.")
        return row

    async def _check_current(self, actor: Actor, current: str | None, stored: str) -> None:
        if current is None:
            raise Invalid.of([Problem("current", "the current password is needed to change it")])
        name = str(actor.principal.id)
        self._tries.count(name)
        if not await self._passwords.verify(current, stored):
            raise Forbidden("The current password is not right.")
        self._tries.forget(name)


def _as_stored(email: str) -> str:
    """Give the address in its stored form; what no stored one can hold becomes `?`."""
    return email.encode(errors="replace").decode().replace("\0", "?").strip().lower()


def person(member_id: UUID, name: str) -> Mapping[str, Any]:
    """Say who a member is, for the audit log, where there is no Actor yet or no more."""
    return {"kind": "member", "id": str(member_id), "label": name, "chain": ()}
