"""REST: roles, that is what members and keys may do."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from metier.actor import Action, Actor
from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.app import Metier
from metier.errors import Invalid, NotFound, Problem

Objects = dict[str, frozenset[Action]]


class NewRole(BaseModel):
    """A role to make."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=49, examples=["sales-rep"])
    label: str | None = Field(default=None, max_length=200, examples=["Sales rep"])
    all_objects: frozenset[Action] = frozenset()
    objects: Objects = Field(default_factory=dict, max_length=500, examples=[{"company": ["read"]}])
    flags: frozenset[str] = Field(default=frozenset(), max_length=100, examples=[["AI"]])


class ChangedRole(BaseModel):
    """What to change of a role; what is left out stays, what is given replaces what was there."""

    model_config = ConfigDict(extra="forbid")

    all_objects: frozenset[Action] | None = None
    objects: Objects | None = Field(default=None, max_length=500, examples=[{"company": ["read"]}])
    flags: frozenset[str] | None = Field(default=None, max_length=100, examples=[["AI"]])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["workspace"], responses=error_answers(401, 403, 404, 409, 422))

    @routes.get("/roles")
    async def list_roles(house: House, actor: Asker) -> dict[str, Any]:
        """List the roles, oldest first."""
        return {"data": [role.to_json() for role in await house.access.roles(actor)]}

    @routes.post("/roles", status_code=201)
    async def create_role(house: House, actor: Asker, body: NewRole) -> dict[str, Any]:
        """Make a role; it may not allow more than you may."""
        role = await house.access.create_role(
            actor,
            name=body.name,
            label=body.label or label_of(body.name),
            all_objects=body.all_objects,
            objects=await own_names(house, actor, body.objects),
            flags=body.flags,
        )
        return role.to_json()

    @routes.patch("/roles/{name}")
    async def change_role(house: House, actor: Asker, name: str, body: ChangedRole) -> dict[str, Any]:
        """Change what a role allows, for all who hold it, from their next request on."""
        role = await house.access.update_role(
            actor,
            name,
            all_objects=body.all_objects,
            objects=None if body.objects is None else await own_names(house, actor, body.objects),
            flags=body.flags,
        )
        return role.to_json()

    return routes


def label_of(name: str) -> str:
    """Give what people read for a role's name, if nothing else is said: `sales-rep` → `Sales rep`."""
    return name.replace("-", " ").replace("_", " ").capitalize()


async def own_names(house: Metier, actor: Actor, objects: Mapping[str, frozenset[Action]]) -> Objects:
    """Give the same under the objects' own names: a rule for `companies` is one for `company`, not for nothing.

    Raises:
        Invalid: The actor sees no such object, or two names mean one; nothing is said of what is hidden.
    """
    found: Objects = {}
    problems: list[Problem] = []
    for name, actions in objects.items():
        path = f"objects.{name}"
        try:
            kind = await house.records.object(actor, name)
        except NotFound as error:
            problems.append(Problem(path, error.message, did_you_mean=error.problems[0].did_you_mean))
            continue
        if kind.name in found:
            problems.append(Problem(path, f"{kind.name!r} is named twice"))
        found[kind.name] = actions
    if problems:
        raise Invalid.of(problems, what="The role")
    return found
