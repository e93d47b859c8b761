"""REST: the audit log."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter

from metier.api.auth import Asker, House
from metier.api.errors import error_answers


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["audit"], responses=error_answers(401, 403, 422))

    @routes.get("/audit")
    async def list_audit(
        house: House,
        actor: Asker,
        action: str | None = None,
        decision: Literal["done", "allowed", "refused"] | None = None,
        principal: UUID | None = None,
        run: UUID | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """List what was done and tried, the newest first."""
        page = await house.audit.list(
            actor, action=action, decision=decision, principal=principal, run=run, limit=limit, cursor=cursor
        )
        return {"data": page.rows, "next_cursor": page.next_cursor}

    @routes.get("/audit/verify")
    async def verify_audit(house: House, actor: Asker) -> dict[str, Any]:
        """Walk the chain of hashes and say whether it holds, and where it breaks if it does not."""
        return (await house.audit.verify(actor)).to_json()

    return routes
