"""Roles: what their holders may do. Each is a definition, and so has versions."""

from collections.abc import Mapping
from typing import Unpack
from uuid import UUID

from metier.access.desk import Desk, roles_of
from metier.access.forms import RoleForm, changed
from metier.access.role_kind import ROLE, body_of, check_editable, read_role, role_of
from metier.actor import Actor, Role, check_any_flag, check_flag
from metier.definitions import NEW, Definition, Source

SEEN_WITH = ("ROLES", "API_KEYS_AND_WEBHOOKS", "WORKSPACE_MEMBERS")  # whose holders give roles


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

    async def create_role(self, actor: Actor, *, name: str, note: str = "", **form: Unpack[RoleForm]) -> Role:
        """Make a role; what the form does not say it does not allow, and the label is made of the name. See `RoleForm`.

        Args:
            note: Why, for the history.

        Raises:
            MissingPermission: The actor does not hold ROLES, or the role would exceed the actor's own.
            Invalid: The name or a place of the form is wrong.
            FeatureOff: It has rules for rows, and those are off in the workspace.
            AlreadyExists: A role has the name, maybe an archived one; `sales_rep` and `sales-rep` are one.
        """
        check_flag(actor, "ROLES")
        body = read_role({"name": name, **form})
        return _role(await self._definitions.publish(actor, ROLE, body, expected=NEW, note=note))

    async def update_role(self, actor: Actor, name: str, *, note: str = "", **form: Unpack[RoleForm]) -> Role:
        """Change a role, for all who hold it, at once; what the form does not say stays.

        Args:
            note: Why, for the history.

        Raises:
            MissingPermission: The actor does not hold ROLES, or the role exceeds the actor's own, before or after.
            Conflict: The role cannot be changed: `admin` always may do everything. Or somebody holds it who could not
                be given it as it would be.
            NotFound: There is no such role; suggests the nearest.
            Invalid: A place of the form is wrong.
            FeatureOff: Its rules for rows change, and those are off in the workspace; the rules there are hold on.
        """
        check_flag(actor, "ROLES")
        async with self._definitions.change(actor, note=note) as change:
            body = await change.body(ROLE, name)
            before = role_of(body, UUID(int=0))
            check_editable(before)
            after = body | body_of(changed(before, form))
            await change.publish(ROLE, Source.of(after), name=name)
        return (await roles_of(self._db, actor.workspace_id)).get(name)

    async def delete_role(self, actor: Actor, name: str) -> None:
        """Archive a role that nobody holds; `Definitions.restore` brings it back.

        Raises:
            MissingPermission: The actor does not hold ROLES, or the role exceeds the actor's own.
            Conflict: It cannot be changed, or a member, a key or an agent holds it.
            NotFound: There is no such role; suggests the nearest.
        """
        check_flag(actor, "ROLES")
        found = (await roles_of(self._db, actor.workspace_id)).get(name)
        await self._definitions.archive(actor, ROLE, found.name)


def _role(definition: Definition) -> Role:
    assert definition.body is not None
    return role_of(definition.body, definition.id)
