"""What the parts of this room share: the database, the clock, and how a row becomes an Actor."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol
from uuid import UUID

from metier.access.passwords import STRONG, Cost, Passwords
from metier.access.standard import ADMIN, admin_role
from metier.access.tries import Tries
from metier.actor import Action, Actor, Holder, Principal, PrincipalKind, Role, RowRule
from metier.audit import note
from metier.clock import Clock
from metier.definitions import Definitions, Renames
from metier.errors import Conflict, MissingPermission
from metier.formats import Formats
from metier.registry import Registry
from metier.store import Database, Transaction

Row = Mapping[str, Any]  # Any: the columns of the statement


class Objects(Protocol):
    """What roles need to know of objects; kept by `records`, handed in by the roof."""

    async def own_names(self, actor: Actor, role: Role, types: Sequence[Mapping[str, Any]] | None = None) -> Role:
        """Give the role with the own names of the objects and fields it has rules for.

        Args:
            types: The bodies of the object types there will be; those there are if left out.

        Raises:
            Invalid: The actor sees no such object or field, or a row rule does not fit; nothing is said of the hidden.
        """
        ...

    def follow(self, body: Mapping[str, Any], renames: Renames) -> dict[str, Any]:
        """Give a role's body with the new names of objects and fields; equal if it names none of them."""
        ...


class Desk:
    """The start of each part of `Access`."""

    def __init__(self, db: Database, clock: Clock, *, definitions: Definitions, password_cost: Cost = STRONG) -> None:
        self._db = db
        self._clock = clock
        self._definitions = definitions
        self._passwords = Passwords(password_cost)
        self._tries = Tries(clock, "tries to sign in")

    @asynccontextmanager
    async def _change(
        self, actor: Actor, action: str, target: str = "", target_id: object = "", **details: Any
    ) -> AsyncGenerator[Transaction, None]:
        """Open a transaction for a change, and write it down in the audit log with it.

        Args:
            details: What changed, any JSON values; no secrets.
        """
        async with self._db.transaction() as transaction:
            yield transaction
            await note(transaction, self._clock, actor, action, target=target, target_id=target_id, details=details)


async def roles_of(db: Database | Transaction, workspace_id: UUID) -> Registry[Role]:
    """Give the workspace's roles, by name."""
    found: Registry[Role] = Registry("role")
    for row in await db.rows(
        "select id, name, label, body from core.role where workspace_id = %s order by created_at, id", [workspace_id]
    ):
        found.add(row["name"], role_from(row))
    return found


async def lock_roles(transaction: Transaction, workspace_id: UUID) -> None:
    """Let changes of roles and of who holds them happen one after the other."""
    await transaction.execute("select from core.workspace where id = %s for update", [workspace_id])


def role_from(row: Row) -> Role:
    """Make a role of a row with `id, name, label, body`. `admin` may do everything, whatever was stored once."""
    if row["name"] == ADMIN:
        return admin_role(row["id"])
    return Role.from_body(row["id"], row["name"], row["label"], row["body"])


def check_within(actor: Actor, role: Role, action: str) -> None:
    """Let pass a role that allows nothing the actor may not do: nobody gives what they do not have.

    Raises:
        MissingPermission: It allows more.
    """
    if not is_within(actor, role):
        raise MissingPermission(actor.label, action, f"the role {role.name!r}, which may do more than they may")


def check_assignable(role: Role, holder: Holder) -> None:
    """Let pass a role that can be given to this kind of holder.

    Raises:
        Conflict: It cannot.
    """
    if holder not in role.can_be_assigned_to:
        whom = holder.value.replace("api_keys", "API keys")
        raise Conflict(f"The role {role.name!r} is not for {whom}.", cure="Choose another role.")


def is_within(actor: Actor, role: Role) -> bool:
    """Say whether a role allows nothing that the actor may not do."""
    return all(_is_within(role, own) for own in actor.roles)


def _is_within(role: Role, own: Role) -> bool:
    """Say whether a role allows nothing that the own one does not."""
    names = {*role.objects, *own.objects, *own.fields, *own.rows}
    return (
        own.can_update_all_settings >= role.can_update_all_settings
        and own.can_access_all_tools >= role.can_access_all_tools
        and all(own.holds(flag) for flag in role.flags)
        and role.all_objects <= own.all_objects
        and all(_is_object_within(role, own, name) for name in names)
    )


def _is_object_within(role: Role, own: Role, name: str) -> bool:
    """Compare what two roles do with one object: actions, fields, and rows, where the own rules must be there too."""
    allowed = role.actions(name)
    if not allowed:
        return True
    fields = own.fields.get(name, {})
    return (
        allowed <= own.actions(name)
        and all(role.field_actions(name, field) <= left for field, left in fields.items())
        and all(_has_rule(role, name, rule, allowed) for rule in own.rows.get(name, ()))
    )


def _has_rule(role: Role, name: str, rule: RowRule, allowed: frozenset[Action]) -> bool:
    """Say whether the role restricts its actions as the rule does, or more actions by the same filter."""
    wanted = rule.actions & allowed
    return any(other.text == rule.text and wanted <= other.actions for other in role.rows.get(name, ())) or not wanted


def actor_from(row: Row, kind: PrincipalKind) -> Actor:
    """Make an Actor of a row of `workspace_id, principal_id, label, time_zone, locale, features_off, role_id, …`."""
    principal = Principal(
        kind,
        row["principal_id"],
        row["label"],
        row["time_zone"],
        row["locale"],
        row.get("email"),
        Formats.of(row["formats"] or {}),
    )
    role = role_from({key: row[f"role_{key}"] for key in ("id", "name", "label", "body")})
    return Actor(
        row["workspace_id"],
        principal,
        roles=(role,),
        features_off=frozenset(row["features_off"]),
        schema_epoch=row["schema_epoch"],
    )
