"""REST: budgets of tokens and money."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.runs import Period, Scope


class NewBudget(BaseModel):
    """A budget to set; it replaces one for the same calls and period."""

    model_config = ConfigDict(extra="forbid")

    scope: Scope
    subject: str = Field(default="", max_length=254, examples=["*"])
    period: Period
    tokens: int | None = Field(default=None, examples=[1_000_000])
    cost_micros: int | None = Field(default=None, examples=[5_000_000])
    hard: bool = True
    warn_percent: int = 80


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["budgets"], responses=error_answers(401, 403, 404, 422))

    @routes.get("/budgets")
    async def list_budgets(house: House, actor: Asker) -> dict[str, Any]:
        """List the budgets and how they stand; without BILLING or AI_SETTINGS those that apply to you."""
        return {
            "data": [standing.to_json() for standing in await house.budgets.list(actor)],
            "time_zone": await house.access.time_zone(actor),
        }

    @routes.put("/budgets")
    async def set_budget(house: House, actor: Asker, body: NewBudget) -> dict[str, Any]:
        """Set a budget, in place of one with the same scope, subject and period."""
        budget = await house.budgets.set(
            actor,
            scope=body.scope,
            subject=body.subject,
            period=body.period,
            tokens=body.tokens,
            cost_micros=body.cost_micros,
            hard=body.hard,
            warn_percent=body.warn_percent,
        )
        return budget.to_json()

    @routes.delete("/budgets/{budget_id}", status_code=204)
    async def remove_budget(house: House, actor: Asker, budget_id: UUID) -> Response:
        """Take a budget away; what was used stays in the ledger."""
        await house.budgets.remove(actor, budget_id)
        return Response(status_code=204)

    return routes
