"""REST: what model calls used."""

from datetime import date
from typing import Any

from fastapi import APIRouter

from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.runs import By


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["budgets"], responses=error_answers(401, 403, 422))

    @routes.get("/usage")
    async def get_usage(
        house: House,
        actor: Asker,
        by: By = By.DAY,
        since: date | None = None,
        until: date | None = None,
        model: str | None = None,
        agent: str | None = None,
        member: str | None = None,
    ) -> dict[str, Any]:
        """Tell what was used; without BILLING or AI_SETTINGS by you alone."""
        report = await house.usage.report(
            actor, by=by, since=since, until=until, model=model, agent=agent, member=member
        )
        return report.to_json()

    return routes
