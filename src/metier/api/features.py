"""REST: feature flags, that is what the workspace has switched on."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from metier.api.auth import Asker, House
from metier.api.errors import error_answers


class FeatureValue(BaseModel):
    """Whether a feature is on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    value: bool


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["workspace"], responses=error_answers(401, 403, 404, 422))

    @routes.get("/feature-flags")
    async def list_feature_flags(house: House, actor: Asker) -> dict[str, Any]:
        """List the workspace's feature flags, and what each governs."""
        return {"data": [flag.to_json() for flag in await house.access.feature_flags(actor)]}

    @routes.put("/feature-flags/{key}")
    async def set_feature_flag(house: House, actor: Asker, key: str, body: FeatureValue) -> dict[str, Any]:
        """Switch a feature on or off for the whole workspace, from the next request or model call on."""
        return (await house.access.set_feature_flag(actor, key, value=body.value)).to_json()

    return routes
