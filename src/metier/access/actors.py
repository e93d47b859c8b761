"""Actors from credentials. Authority is live (S-05): each look-up is one short statement, and nothing is remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from metier.access.checks import clean_email
from metier.access.desk import Desk, Row, actor_from, role_from, roles_of
from metier.access.passwords import STRONG, Cost
from metier.access.standard import ADMIN
from metier.access.tokens import digest
from metier.actor import Actor, Principal, PrincipalKind, Role, Viewing, check_acts, check_flag
from metier.audit import Entry, note_by
from metier.clock import Clock
from metier.definitions import Definitions
from metier.errors import Conflict, Invalid, MissingPermission, NotFound, NotSignedIn, Problem
from metier.store import Database, Gathered

USED_EVERY = timedelta(minutes=1)  # how exact `last_used_at` of a key is

_OFF = """array(select f."key" from core."featureFlag" f where f."workspaceId" = w.id and not f."value")"""

_WHO = f"""m.workspace_id, m.id as principal_id, m.name as label, m.email, m.time_zone, m.locale, m.formats,
    r.id as role_id, r.name as role_name, r.label as role_label, r.body as role_body, w.schema_epoch,
    {_OFF} as features_off"""

_THERE = """join core.role r on r.workspace_id = m.workspace_id and r.id = m.role_id
join core.workspace w on w.id = m.workspace_id and w.deleted_at is null
where m.deleted_at is null and m.deactivated_at is null"""

_MEMBER = f"select {_WHO} from core.member m {_THERE}"

_SIGNED_IN = f"""
select {_WHO}, s.view_role, s.view_member
from core.sign_in s join core.member m on m.workspace_id = s.workspace_id and m.id = s.member_id {_THERE}
    and s.token_hash = %(hash)s and s.expires_at > %(now)s
"""

_KEY = f"""
select k.workspace_id, k.id as principal_id, k.name as label, k.last_used_at,
    r.id as role_id, r.name as role_name, r.label as role_label, r.body as role_body,
    coalesce(m.time_zone, 'UTC') as time_zone, coalesce(m.locale, 'en') as locale, m.formats,
    w.schema_epoch,
    {_OFF} as features_off
from core.api_key k
join core.role r on r.workspace_id = k.workspace_id and r.id = k.role_id
join core.workspace w on w.id = k.workspace_id and w.deleted_at is null
left join core.member m on m.workspace_id = k.workspace_id and m.id = k.created_by
where k.revoked_at is null and (k.expires_at is null or k.expires_at > %(now)s)
"""

_PLACES = "unnest(%s::uuid[], %s::uuid[])"

Place = tuple[UUID, UUID]  # a workspace, and a member's id in it


class Actors(Desk):
    """Looks up who acts."""

    def __init__(self, db: Database, clock: Clock, *, definitions: Definitions, password_cost: Cost = STRONG) -> None:
        super().__init__(db, clock, definitions=definitions, password_cost=password_cost)
        self._standing = Gathered(self._members)

    async def actor_for_key(self, token: str) -> Actor:
        """Give the actor that a key stands for.

        Raises:
            NotSignedIn: The key is unknown, revoked or expired.
        """
        given = {"hash": digest(token), "now": self._clock.now()}
        row = await self._db.row(f"{_KEY} and k.token_hash = %(hash)s", given)
        if row is None:
            raise NotSignedIn("This API key is unknown, revoked or expired.")
        await self._note_use(row)
        return actor_from(row, PrincipalKind.KEY)

    async def actor_for_sign_in(self, token: str) -> Actor:
        """Give the member whose browser holds this token, looking as another if that was begun (`begin_view`).

        The view ends by itself with the right to it, and with the role or member that is looked as.

        Raises:
            NotSignedIn: The sign-in has ended, or the member is gone.
        """
        row = await self._db.row(_SIGNED_IN, {"hash": digest(token), "now": self._clock.now()})
        if row is None:
            raise NotSignedIn("You are signed out. Sign in again.")
        actor = actor_from(row, PrincipalKind.MEMBER)
        if row["view_role"] is None and row["view_member"] is None:
            return actor
        try:
            return await self._look_as(actor, role=row["view_role"], member=row["view_member"])
        except (MissingPermission, NotFound) as over:
            await self._end_view(actor, token, rule=over.message)
            return actor

    async def actor_for_member(self, workspace_id: UUID, member_id: UUID) -> Actor:
        """Give a member without asking for a credential: for the operator's commands and for tests only.

        Raises:
            NotFound: The workspace has no such member.
        """
        row = await self._member(workspace_id, member_id)
        if row is None:
            raise NotFound("member", str(member_id))
        return actor_from(row, PrincipalKind.MEMBER)

    async def actor_for_email(self, workspace_id: UUID, email: str) -> Actor:
        """Give the member with this e-mail without asking for a credential: for the operator's commands only.

        Raises:
            NotFound: The workspace has no such member; suggests the nearest.
        """
        row = await self._db.row(
            f"{_MEMBER} and m.workspace_id = %(workspace)s and m.email = %(email)s",
            {"workspace": workspace_id, "email": clean_email(email)},
        )
        if row is None:
            known = await self._db.rows(
                "select email from core.member where workspace_id = %s and email is not null and deleted_at is null",
                [workspace_id],
            )
            raise NotFound("member", email, [member["email"] for member in known])
        return actor_from(row, PrincipalKind.MEMBER)

    async def another(self, actor: Actor, *, member: str | None = None, role: str | None = None) -> Actor:
        """Give who a member is, or whom the actor would be with another role, to say why they may do something.

        It is for answers about that one (`Records.why`), never to act as them.

        Args:
            member: An id or an e-mail.

        Raises:
            MissingPermission: The actor does not hold ROLES.
            NotFound: There is no such member or role; suggests the nearest.
        """
        check_flag(actor, "ROLES")
        if role is not None:
            found = (await roles_of(self._db, actor.workspace_id)).get(role)
            return replace(actor, roles=(found,), chain=(), viewing=None)
        return await self._named(actor, member or "")

    async def _named(self, actor: Actor, member: str) -> Actor:
        """Give a member of the actor's workspace by id or e-mail."""
        try:
            found = UUID(member)
        except ValueError:
            return await self.actor_for_email(actor.workspace_id, member)
        return await self.actor_for_member(actor.workspace_id, found)

    async def viewed(self, viewer: Actor, *, role: str | None = None, member: str | None = None) -> Actor:
        """Give somebody as one who looks as a role or a member does: at what both show, to change nothing.

        Args:
            role: A name; `me` is the viewer then.
            member: An id or an e-mail; `me` is that member then, in the viewer's own rules still the viewer.

        Raises:
            MissingPermission: The viewer does not hold IMPERSONATE.
            OnlyViewing: The viewer looks as another already.
            NotFound: There is no such role or member; suggests the nearest.
            Invalid: Not just one of both is named.
        """
        check_acts(viewer)
        check_flag(viewer, "IMPERSONATE")
        if (role is None) == (member is None):
            raise Invalid.of([Problem("role", "name either a role or a member", example="member")])
        if role is not None:
            return as_role(viewer, (await roles_of(self._db, viewer.workspace_id)).get(role))
        return as_member(viewer, await self._named(viewer, member or ""))

    async def _look_as(self, viewer: Actor, *, role: UUID | None, member: UUID | None) -> Actor:
        """Look again as what is stored of a view."""
        check_flag(viewer, "IMPERSONATE")
        if member is not None:
            return as_member(viewer, await self.actor_for_member(viewer.workspace_id, member))
        found = [one for one in await roles_of(self._db, viewer.workspace_id) if one.id == role]
        if not found:
            raise NotFound("role", str(role))
        return as_role(viewer, found[0])

    async def _end_view(self, viewer: Actor, token: str, *, rule: str) -> bool:
        """End what a sign-in looks as, and write it down; False if somebody has done it already."""
        async with self._db.transaction() as transaction:
            ended = await transaction.value(
                """
                update core.sign_in set view_role = null, view_member = null
                where token_hash = %s and (view_role is not null or view_member is not null) returning true
                """,
                [digest(token)],
            )
            if ended:
                entry = Entry("view.ended", rule=rule)
                await note_by(transaction, self._clock, viewer.workspace_id, viewer.to_json(), entry)
        return bool(ended)

    async def operator(self) -> Actor:
        """Give who commands act as: the first admin of the first workspace, recorded as operator.

        Raises:
            Conflict: There is no workspace yet, or it has no admin.
        """
        row = await self._db.row(
            f"""{_MEMBER} and r.name = %(admin)s
            order by w.created_at, w.id, m.created_at, m.id limit 1""",
            {"admin": ADMIN},
        )
        if row is None:
            raise Conflict("There is no workspace with an admin yet.", cure="metier demo --load-only")
        return actor_from(row, PrincipalKind.OPERATOR)

    async def system(self, workspace_id: UUID, job: str, role: Role) -> Actor:
        """Give a job that the house does by itself, with the narrow role that it declares (S-03).

        Args:
            job: Its name, as people read it.

        Raises:
            NotFound: There is no such workspace.
        """
        row = await self._db.row(
            f"select w.schema_epoch, {_OFF} as features_off from core.workspace w"
            " where w.id = %s and w.deleted_at is null",
            [workspace_id],
        )
        if row is None:
            raise NotFound("workspace", str(workspace_id))
        principal = Principal(PrincipalKind.SYSTEM, uuid5(workspace_id, job), job)
        off = frozenset(row["features_off"])
        return Actor(workspace_id, principal, (role,), features_off=off, schema_epoch=row["schema_epoch"])

    async def recall(self, workspace_id: UUID, ids: Mapping[str, Any]) -> Actor:
        """Give who began a run, with the authority of now.

        Args:
            ids: What the run has stored of them (`Actor.to_json`); agents that acted for them are left out.

        Raises:
            NotSignedIn: The key is revoked or expired, or the member is gone.
        """
        principal = Principal(PrincipalKind(ids["kind"]), UUID(ids["id"]), ids["label"])
        return await self.refresh(Actor(workspace_id, principal, roles=()))

    async def refresh(self, actor: Actor) -> Actor:
        """Look the actor's authority up again, from ids; the chain of agents stays.

        An agent's role that is no row, because code defines it, stays as it was: it can only narrow.

        Raises:
            NotSignedIn: The key is revoked or expired, or the member is gone.
            MissingPermission, NotFound: The actor looks as another, and may not any more, or that one is gone.
        """
        if actor.viewing:
            viewer = await self.refresh(actor.viewing.viewer)
            return await self.viewed(viewer, **{actor.viewing.kind: actor.viewing.name})
        if actor.principal.kind in (PrincipalKind.MEMBER, PrincipalKind.OPERATOR):
            row = await self._standing.get((actor.workspace_id, actor.principal.id))
        elif actor.principal.kind is PrincipalKind.KEY:
            row = await self._db.row(
                f"{_KEY} and k.workspace_id = %(workspace)s and k.id = %(id)s",
                {"workspace": actor.workspace_id, "id": actor.principal.id, "now": self._clock.now()},
            )
        else:
            row = None
        if row is None:
            raise NotSignedIn(f"{actor.principal.label} has no access any more.")
        now = actor_from(row, actor.principal.kind)
        agents = actor.roles[1:]
        return replace(now, roles=(*now.roles, *await self._live(actor.workspace_id, agents)), chain=actor.chain)

    async def _live(self, workspace_id: UUID, roles: Sequence[Role]) -> Sequence[Role]:
        if not roles:
            return ()
        rows = await self._db.rows(
            "select id, name, label, body from core.role where workspace_id = %s and id = any(%s)",
            [workspace_id, [role.id for role in roles]],
        )
        live = {role.id: role for role in map(role_from, rows)}
        return [live.get(role.id, role) for role in roles]

    async def _member(self, workspace_id: UUID, member_id: UUID) -> Row | None:
        return await self._db.row(
            f"{_MEMBER} and m.workspace_id = %(workspace)s and m.id = %(id)s",
            {"workspace": workspace_id, "id": member_id},
        )

    async def _members(self, places: Sequence[Place]) -> Mapping[Place, Row]:
        """Give members by workspace and id, of those that are there and active."""
        if len(places) == 1:
            row = await self._member(*places[0])
            return {} if row is None else {places[0]: row}
        workspaces, ids = map(list, zip(*places, strict=True))
        rows = await self._db.rows(
            f"{_MEMBER} and (m.workspace_id, m.id) in (select * from {_PLACES})", [workspaces, ids]
        )
        return {(row["workspace_id"], row["principal_id"]): row for row in rows}

    async def _note_use(self, row: Row) -> None:
        now = self._clock.now()
        if row["last_used_at"] is None or now - row["last_used_at"] >= USED_EVERY:
            await self._db.execute(
                "update core.api_key set last_used_at = %s where workspace_id = %s and id = %s",
                [now, row["workspace_id"], row["principal_id"]],
            )


def as_role(viewer: Actor, role: Role) -> Actor:
    viewing = Viewing("role", role.name, role.label, viewer.principal, viewer)
    return replace(viewer, roles=(role, *viewer.roles), viewing=viewing)


def as_member(viewer: Actor, member: Actor) -> Actor:
    """Look as a member: what the viewer's rules say of `me` goes on to mean the viewer."""
    viewing = Viewing("member", str(member.principal.id), member.principal.label, member.principal, viewer)
    own = (role.bound(viewer.principal) for role in viewer.roles)
    return replace(viewer, roles=(*member.roles, *own), viewing=viewing)
