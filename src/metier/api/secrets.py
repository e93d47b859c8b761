"""REST: secrets, whose values go in and never come out."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.api.auth import Asker, House
from metier.api.errors import error_answers


class SecretValue(BaseModel):
    """What to set of a secret; what is left out stays. A new one needs `value` and `hosts`."""

    model_config = ConfigDict(extra="forbid")

    value: str | None = Field(default=None, max_length=10_000, examples=["sk_live_…"])
    hosts: list[str] | None = Field(default=None, max_length=20, examples=[["api.stripe.com"]])
    description: str | None = Field(default=None, max_length=500, examples=["Payments, read only"])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["workspace"], responses=error_answers(401, 403, 404, 422, 503))

    @routes.get("/secrets")
    async def list_secrets(house: House, actor: Asker) -> dict[str, Any]:
        """List the secrets: names, hosts and when they were used, never values."""
        return {"data": [secret.to_json() for secret in await house.secrets.secrets(actor)]}

    @routes.put("/secrets/{name}")
    async def set_secret(house: House, actor: Asker, name: str, body: SecretValue) -> dict[str, Any]:
        """Make a secret or change it; requests name it as `secret:NAME`."""
        secret = await house.secrets.put(actor, name, value=body.value, hosts=body.hosts, description=body.description)
        return secret.to_json()

    @routes.delete("/secrets/{name}", status_code=204)
    async def delete_secret(house: House, actor: Asker, name: str) -> Response:
        """Throw a secret away; requests that name it are refused from then on."""
        await house.secrets.delete(actor, name)
        return Response(status_code=204)

    return routes
