"""Workspaces and their members."""

from uuid import UUID

from metier.access.checks import check_locale, check_time_zone, clean_email, clean_name
from metier.access.desk import Desk, check_assignable, roles_of
from metier.access.features import FEATURES
from metier.access.passwords import check_password
from metier.access.role_kind import ROLE, body_of
from metier.access.standard import ADMIN, MEMBER, admin_role, member_role
from metier.access.values import Workspace
from metier.actor import Actor, Holder, Role, check_flag
from metier.audit import Entry, note_by
from metier.definitions.founding import found
from metier.errors import AlreadyExists
from metier.store import Json, Transaction, UniqueViolation

_SEED_FEATURES = """
insert into core."featureFlag" ("id", "key", "workspaceId", "value")
select gen_random_uuid(), key, %(workspace)s, true from unnest(%(keys)s::text[]) as key
"""


#: Who makes workspaces and members, where nobody is known yet.
_HOUSE = {"kind": "system", "label": "Metier", "chain": ()}


class Workspaces(Desk):
    """Makes workspaces and members. Callers answer for who may: the operator, a one-time link, an admin's page."""

    async def create_workspace(self, name: str) -> UUID:
        """Make a workspace: a schema for its records, the roles `admin` (everything) and `member`, all features on."""
        workspace_id, now = self._clock.new_id(), self._clock.now()
        schema = f"w_{workspace_id.hex}"
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "insert into core.workspace (id, name, schema_name, created_at) values (%s, %s, %s, %s)",
                [workspace_id, clean_name(name), schema, now],
            )
            for role in (admin_role(self._clock.new_id()), member_role(self._clock.new_id())):
                await self._add_role(transaction, workspace_id, role)
            await transaction.execute(_SEED_FEATURES, {"workspace": workspace_id, "keys": list(FEATURES)})
            await transaction.execute(f"create schema {schema}")
            await note_by(transaction, self._clock, workspace_id, _HOUSE, Entry("workspace.created", target=name))
        return workspace_id

    async def workspaces(self) -> list[Workspace]:
        """Give all workspaces, oldest first."""
        rows = await self._db.rows(
            """
            select id, name, schema_name, schema_epoch from core.workspace
            where deleted_at is null order by created_at, id
            """
        )
        return [Workspace(**row) for row in rows]

    async def time_zone(self, actor: Actor) -> str:
        """Give where the workspace is, an IANA name: its days and months begin at midnight there."""
        return await self._db.value("select core.zone_of(%s)", [actor.workspace_id])

    async def set_time_zone(self, actor: Actor, name: str) -> None:
        """Say where the workspace is.

        Raises:
            MissingPermission: The actor does not hold WORKSPACE.
            Invalid: There is no such time zone.
        """
        check_flag(actor, "WORKSPACE")
        async with self._change(actor, "workspace.changed", time_zone=name) as transaction:
            await transaction.execute(
                "update core.workspace set settings = settings || %s where id = %s",
                [Json({"time_zone": check_time_zone(name)}), actor.workspace_id],
            )

    async def create_member(
        self,
        workspace_id: UUID,
        *,
        name: str,
        email: str | None = None,
        password: str | None = None,
        role: str = MEMBER,
        time_zone: str = "UTC",
        locale: str = "en",
    ) -> UUID:
        """Make a member; one without a password comes in by a link only.

        Raises:
            Invalid: A value does not have its form.
            NotFound: The workspace has no such role; suggests the nearest.
            AlreadyExists: Another member has the e-mail.
            Conflict: The role is not for members.
        """
        email = None if email is None else clean_email(email)
        if password is not None:
            check_password(password)
        member_id = self._clock.new_id()
        chosen = (await roles_of(self._db, workspace_id)).get(role)
        check_assignable(chosen, Holder.USERS)
        values = {
            "workspace": workspace_id,
            "id": member_id,
            "role": chosen.id,
            "name": clean_name(name),
            "email": email,
            "password": None if password is None else await self._passwords.hash(password),
            "time_zone": check_time_zone(time_zone),
            "locale": check_locale(locale),
            "now": self._clock.now(),
        }
        entry = Entry("member.created", target=str(values["name"]), target_id=str(member_id), details={"role": role})
        try:
            async with self._db.transaction() as transaction:
                await transaction.execute(
                    """
                    insert into core.member (workspace_id, id, role_id, name, email, password_hash, time_zone, locale,
                        created_at, updated_at)
                    values (%(workspace)s, %(id)s, %(role)s, %(name)s, %(email)s, %(password)s, %(time_zone)s,
                        %(locale)s, %(now)s, %(now)s)
                    """,
                    values,
                )
                await note_by(transaction, self._clock, workspace_id, _HOUSE, entry)
        except UniqueViolation:
            raise AlreadyExists("member with the e-mail", str(email)) from None
        return member_id

    async def can_sign_in(self) -> bool:
        """Say whether any admin has a password, so that no link is needed to get in."""
        return await self._db.value(
            """
            select exists (select from core.member m join core.role r on r.workspace_id = m.workspace_id
                and r.id = m.role_id and r.name = %s
                where m.password_hash is not null and m.deleted_at is null and m.deactivated_at is null)
            """,
            [ADMIN],
        )

    async def _add_role(self, transaction: Transaction, workspace_id: UUID, role: Role) -> None:
        now = self._clock.now()
        await found(transaction, workspace_id, ROLE, role.id, body_of(role), now)
        await transaction.execute(
            """
            insert into core.role (workspace_id, id, name, label, body, created_at, updated_at)
            values (%s, %s, %s, %s, %s, %s, %s)
            """,
            [workspace_id, role.id, role.name, role.label, Json(role.body()), now, now],
        )
