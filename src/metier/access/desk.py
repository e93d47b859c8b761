"""What the parts of this room share: the database, the clock, and how a row becomes an Actor."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from metier.access.passwords import STRONG, Cost, Passwords
from metier.access.tries import Tries
from metier.actor import FLAGS, Action, Actor, Principal, PrincipalKind, Role
from metier.clock import Clock
from metier.errors import Invalid, MissingPermission, Problem, nearest
from metier.registry import Registry
from metier.store import Database, Transaction

Row = Mapping[str, Any]  # Any: the columns of the statement

ADMIN = "admin"
MEMBER = "member"


class Desk:
    """The start of each part of `Access`."""

    def __init__(self, db: Database, clock: Clock, *, password_cost: Cost = STRONG) -> None:
        self._db = db
        self._clock = clock
        self._passwords = Passwords(password_cost)
        self._tries = Tries(clock, "tries to sign in")


async def roles_of(db: Database | Transaction, workspace_id: UUID) -> Registry[Role]:
    """Give the workspace's roles, by name."""
    found: Registry[Role] = Registry("role")
    for row in await db.rows(
        "select id, name, label, body from core.role where workspace_id = %s order by created_at, id", [workspace_id]
    ):
        found.add(row["name"], role_from(row))
    return found


def role_from(row: Row) -> Role:
    """Make a role of a row with `id, name, label, body`."""
    body = row["body"]
    return Role(
        id=row["id"],
        name=row["name"],
        label=row["label"],
        all_objects=frozenset(map(Action, body["all_objects"])),
        objects={name: frozenset(map(Action, actions)) for name, actions in body["objects"].items()},
        flags=frozenset(body["flags"]),
    )


def role_body(
    all_objects: Iterable[Action], objects: Mapping[str, Iterable[Action]], flags: Iterable[str]
) -> dict[str, Any]:
    """Give a role's permissions as they are stored.

    Raises:
        Invalid: A flag does not exist.
    """
    unknown = [flag for flag in flags if flag not in FLAGS]
    if unknown:
        raise Invalid.of(
            [Problem("flags", f"there is no flag {f!r}", FLAGS, did_you_mean=nearest(f, FLAGS)) for f in unknown]
        )
    return {
        "all_objects": sorted(action.value for action in all_objects),
        "objects": {name: sorted(action.value for action in actions) for name, actions in objects.items()},
        "flags": sorted(flags),
    }


def check_within(actor: Actor, role: Role, action: str) -> None:
    """Let pass a role that allows nothing the actor may not do: nobody gives what they do not have.

    Raises:
        MissingPermission: It allows more.
    """
    if not all(_is_within(role, own) for own in actor.roles):
        raise MissingPermission(actor.label, action, f"the role {role.name!r}, which may do more than they may")


def _is_within(role: Role, own: Role) -> bool:
    names = role.objects.keys() | own.objects.keys()
    return (
        role.flags <= own.flags
        and role.all_objects <= own.all_objects
        and all(role.objects.get(n, role.all_objects) <= own.objects.get(n, own.all_objects) for n in names)
    )


def actor_from(row: Row, kind: PrincipalKind) -> Actor:
    """Make an Actor of a row of `workspace_id, principal_id, label, time_zone, locale, features_off, role_id, …`."""
    principal = Principal(kind, row["principal_id"], row["label"], row["time_zone"], row["locale"])
    role = role_from({key: row[f"role_{key}"] for key in ("id", "name", "label", "body")})
    return Actor(row["workspace_id"], principal, roles=(role,), features_off=frozenset(row["features_off"]))
