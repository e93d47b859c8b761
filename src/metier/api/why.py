"""REST: why somebody may or may not see or do something."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from metier.actor import FLAGS, Action, Actor, check_flag
from metier.actor.reason import Reason, why_flag
from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.app import Metier
from metier.errors import Invalid, NotFound, Problem


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1/access", tags=["workspace"], responses=error_answers(401, 403, 404, 422))

    @routes.get("/why")
    async def why(
        house: House,
        actor: Asker,
        object: Annotated[str, Query(max_length=200)] = "",
        field: Annotated[str | None, Query(max_length=200)] = None,
        record_id: Annotated[str | None, Query(max_length=200)] = None,
        action: Action = Action.READ,
        flag: Annotated[str | None, Query(max_length=200)] = None,
        member: Annotated[str | None, Query(max_length=300)] = None,
        role: Annotated[str | None, Query(max_length=200)] = None,
        agent: Annotated[str | None, Query(max_length=200)] = None,
    ) -> dict[str, Any]:
        """Say which rule lets you, a member or a role do something, itself or through an agent, or forbids it."""
        whom = {"member": member, "role": role, "agent": agent}
        reason = await reason_of(
            house, actor, object, field=field, record_id=record_id, action=action, flag=flag, **whom
        )
        return reason.to_json()

    return routes


async def reason_of(
    house: Metier,
    actor: Actor,
    object_name: str,
    *,
    field: str | None = None,
    record_id: str | None = None,
    action: Action = Action.READ,
    flag: str | None = None,
    member: str | None = None,
    role: str | None = None,
    agent: str | None = None,
) -> Reason:
    """Look up whom it is about, and ask.

    Args:
        agent: One that acts for them: then both its role and theirs must allow it.

    Raises:
        Invalid: Neither an object nor a flag is named, or both a member and a role.
        NotFound: What is named is not there for who asks.
        MissingPermission: It is about another, and the actor does not hold ROLES.
    """
    if bool(object_name) == bool(flag):
        raise Invalid.of([Problem("object", "name either an object or a flag", example="company")])
    if member is not None and role is not None:
        raise Invalid.of([Problem("role", "name either a member or a role", example="member")])
    another = member is not None or role is not None
    of = await house.access.another(actor, member=member, role=role) if another else None
    if agent is not None:
        check_flag(actor, "ROLES")
        of = await house.agents.acting(of or actor, agent)
    if flag:
        if flag not in FLAGS:
            raise NotFound("flag", flag, FLAGS)
        return why_flag(of or actor, flag)
    return await house.records.why(actor, object_name, field=field, record_id=record_id, action=action, of=of)
