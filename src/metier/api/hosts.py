"""REST: the hosts that agents may reach by themselves."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.app import Metier
from metier.egress import PORTS


class HostNote(BaseModel):
    """What to say of a host on the list."""

    model_config = ConfigDict(extra="forbid")

    note: str | None = Field(default=None, max_length=200, examples=["Invoices"])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["workspace"], responses=error_answers(401, 403, 404, 409, 422))

    @routes.get("/allowed-hosts")
    async def list_allowed_hosts(house: House, actor: Asker) -> dict[str, Any]:
        """List the hosts that agents may reach without asking, and what the operator has opened."""
        return {"data": [host.to_json() for host in await house.hosts.hosts(actor)], "operator": opened(house)}

    @routes.put("/allowed-hosts/{host}")
    async def allow_host(house: House, actor: Asker, host: str, body: HostNote) -> dict[str, Any]:
        """Put a host on the list, or change its note."""
        return (await house.hosts.allow(actor, host, note=body.note)).to_json()

    @routes.delete("/allowed-hosts/{host}", status_code=204)
    async def disallow_host(house: House, actor: Asker, host: str) -> Response:
        """Take a host off the list."""
        await house.hosts.disallow(actor, host)
        return Response(status_code=204)

    return routes


def opened(house: Metier) -> dict[str, Any]:
    """Give what the operator's settings open: `{"ports": [80, 443], "inner": ["wiki.local:8080"]}`."""
    places = [(f"[{host}]" if ":" in host else host, port) for host, port in house.settings.egress_allow]
    return {
        "ports": [*PORTS, *(port for port in house.settings.egress_ports if port not in PORTS)],
        "inner": [f"{host}:{port}" for host, port in places],
    }
