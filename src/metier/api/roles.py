"""REST: roles, that is what members and keys may do."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.actor import Action, Holder
from metier.api.auth import Asker, House
from metier.api.errors import error_answers


def _shown(schema: dict[str, Any], example: Any) -> Any:
    """Describe a field that the room itself reads, in more spellings than one, and checks."""
    return Field(default=None, json_schema_extra=schema | {"examples": [example]})


_ACTIONS = {"type": "array", "items": {"enum": [action.value for action in Action]}}
_PER_OBJECT = {"type": "object", "additionalProperties": _ACTIONS}
_PER_FIELD = {"type": "object", "additionalProperties": _PER_OBJECT}
_HOLDERS = {"type": "array", "items": {"enum": [holder.value for holder in Holder]}}
_TEXT = {"type": "string", "maxLength": 2000}
_RULES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["where"],
        "properties": {"where": {"type": "object"}, "actions": _ACTIONS, "label": _TEXT},
    },
}


class RoleForm(BaseModel):
    """What can be said of a role; what is left out stays. Twenty's spellings are read too."""

    model_config = ConfigDict(extra="allow")  # what is unknown is refused, with the nearest name, by the room itself

    label: Any = _shown(_TEXT, "Sales rep")
    description: Any = _shown(_TEXT, "Works on deals.")
    icon: Any = _shown(_TEXT, "user")
    can_be_assigned_to: Any = _shown(_HOLDERS, ["users", "api_keys"])
    can_update_all_settings: Any = _shown({"type": "boolean"}, False)
    can_access_all_tools: Any = _shown({"type": "boolean"}, False)
    all_objects: Any = _shown(_ACTIONS, ["read"])
    objects: Any = _shown(_PER_OBJECT, {"company": ["read"]})
    inherits: Any = _shown(_PER_OBJECT, {"company": ["create"]})
    fields: Any = _shown(_PER_FIELD, {"company": {"revenue": []}})
    rows: Any = _shown(_PER_OBJECT | {"additionalProperties": _RULES}, {"opportunity": [{"where": {"owner": "me"}}]})
    flags: Any = _shown({"type": "array", "items": {"type": "string"}}, ["AI"])
    note: str = Field(default="", max_length=500)

    def form(self) -> dict[str, Any]:
        """Give what was said."""
        return self.model_dump(exclude_unset=True, exclude={"name", "note"})


class NewRole(RoleForm):
    """A role to make."""

    name: str = Field(max_length=49, examples=["sales-rep"])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["workspace"], responses=error_answers(401, 403, 404, 409, 422))

    @routes.get("/roles")
    async def list_roles(house: House, actor: Asker) -> dict[str, Any]:
        """List the roles, oldest first."""
        return {"data": [role.to_json() for role in await house.access.roles(actor)]}

    @routes.get("/roles/{name}")
    async def get_role(house: House, actor: Asker, name: str) -> dict[str, Any]:
        """Get one role."""
        return (await house.access.role(actor, name)).to_json()

    @routes.post("/roles", status_code=201)
    async def create_role(house: House, actor: Asker, body: NewRole) -> dict[str, Any]:
        """Make a role; it may not allow more than you may."""
        return (await house.access.create_role(actor, name=body.name, note=body.note, **body.form())).to_json()

    @routes.patch("/roles/{name}")
    async def change_role(house: House, actor: Asker, name: str, body: RoleForm) -> dict[str, Any]:
        """Change a role, for all who hold it, from their next request on."""
        return (await house.access.update_role(actor, name, note=body.note, **body.form())).to_json()

    @routes.delete("/roles/{name}", status_code=204)
    async def delete_role(house: House, actor: Asker, name: str) -> Response:
        """Archive a role that nobody holds; it can be restored as a definition."""
        await house.access.delete_role(actor, name)
        return Response(status_code=204)

    return routes
