"""REST: apps. What is sent is declared parts alone; code is loaded from trusted folders, by the operator's commands."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.definitions.apps import read_uploaded
from metier.definitions.bodies import LARGEST

_FILES = {"metier.toml": 'name = "shop"\nversion = "1.0.0"\n'}
Text = Annotated[str, StringConstraints(max_length=LARGEST)]


class SentApp(BaseModel):
    """An app's files, as text by path, and what the sender agrees to."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, Text] = Field(max_length=1_000, examples=[_FILES])
    accept: list[str] = Field(default_factory=list[str], max_length=500, examples=[["adopt:object/item"]])


class AppliedApp(SentApp):
    """An app to apply."""

    note: str = Field(default="", max_length=500)


class RemovedApp(BaseModel):
    """Why an app is removed."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=500)


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1/apps", tags=["apps"], responses=error_answers(401, 403, 404, 409, 422))

    @routes.get("")
    async def list_apps(house: House, actor: Asker, *, archived: bool = False) -> dict[str, Any]:
        """List the apps that are applied, or those that were removed."""
        return {"data": [one.to_json() for one in await house.apps.listed(actor, archived=archived)]}

    @routes.get("/{name}")
    async def get_app(house: House, actor: Asker, name: str) -> dict[str, Any]:
        """Get one app with what belongs to it."""
        return (await house.apps.get(actor, name)).to_json()

    @routes.post("/plan")
    async def plan_app(house: House, actor: Asker, body: SentApp) -> dict[str, Any]:
        """Say what applying an app would do, and change nothing."""
        app = read_uploaded(body.files, house.apps.kinds)
        return (await house.apps.plan(actor, app, accept=body.accept)).to_json()

    @routes.post("/apply")
    async def apply_app(house: House, actor: Asker, body: AppliedApp) -> dict[str, Any]:
        """Apply an app: all of it, or nothing."""
        app = read_uploaded(body.files, house.apps.kinds)
        return (await house.apps.apply(actor, app, accept=body.accept, note=body.note)).to_json()

    @routes.post("/{name}/remove")
    async def remove_app(house: House, actor: Asker, name: str, body: RemovedApp) -> dict[str, Any]:
        """Archive an app with all it brought; no record is lost."""
        return (await house.apps.remove(actor, name, note=body.note)).to_json()

    return routes
