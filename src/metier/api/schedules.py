"""REST: what the server does by itself, and how long things are kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.upkeep.schedules import HISTORY_MAX, job_json, scheduled_json


class NewTerm(BaseModel):
    """How long something is to be kept."""

    model_config = ConfigDict(extra="forbid", strict=True)

    days: int | None = Field(description="1 to 36,500; null for ever", examples=[30])


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["server"], responses=error_answers(401, 403, 404, 409, 422))
    _add_schedules(routes)
    _add_changes(routes)
    _add_retention(routes)
    return routes


def _add_schedules(routes: APIRouter) -> None:
    @routes.get("/schedules")
    async def list_schedules(house: House, actor: Asker) -> dict[str, Any]:
        """List what the server does by itself: when, how it went last, and whether a process runs it."""
        listed = [scheduled_json(one) for one in await house.schedules.list(actor)]
        return {"data": listed, "running": await house.schedules.is_run(actor)}

    @routes.get("/schedules/{schedule}")
    async def get_schedule(house: House, actor: Asker, schedule: str) -> dict[str, Any]:
        """Get one schedule."""
        return scheduled_json(await house.schedules.get(actor, schedule))

    @routes.get("/schedules/{schedule}/jobs")
    async def list_jobs(
        house: House, actor: Asker, schedule: str, limit: Annotated[int, Query(ge=1, le=HISTORY_MAX)] = 50
    ) -> dict[str, Any]:
        """List the times it was done, the newest first."""
        return {"data": [job_json(job) for job in await house.schedules.history(actor, schedule, limit=limit)]}


def _add_changes(routes: APIRouter) -> None:
    @routes.post("/schedules/{schedule}/run", status_code=202)
    async def run_schedule(house: House, actor: Asker, schedule: str) -> dict[str, Any]:
        """Begin it now, whether it is paused or not."""
        return job_json(await house.schedules.run(actor, schedule))

    @routes.post("/schedules/{schedule}/stop", status_code=202)
    async def stop_schedule(house: House, actor: Asker, schedule: str) -> dict[str, Any]:
        """Ask the job at work to stop; what it has done stays done."""
        return job_json(await house.schedules.stop(actor, schedule))

    @routes.post("/schedules/{schedule}/pause")
    async def pause_schedule(house: House, actor: Asker, schedule: str) -> dict[str, Any]:
        """Let it begin nothing by itself until it is resumed."""
        return scheduled_json(await house.schedules.pause(actor, schedule))

    @routes.post("/schedules/{schedule}/resume")
    async def resume_schedule(house: House, actor: Asker, schedule: str) -> dict[str, Any]:
        """Go on with its next moment."""
        return scheduled_json(await house.schedules.resume(actor, schedule))


def _add_retention(routes: APIRouter) -> None:
    @routes.get("/retention")
    async def list_retention(house: House, actor: Asker) -> dict[str, Any]:
        """List what this workspace keeps for some time only, and how long."""
        return {"data": [term.to_json() for term in await house.retention.terms(actor)]}

    @routes.put("/retention/{kept}")
    async def set_retention(house: House, actor: Asker, kept: str, body: NewTerm) -> dict[str, Any]:
        """Choose how long something is kept."""
        return (await house.retention.keep(actor, kept, body.days)).to_json()

    @routes.delete("/retention/{kept}", status_code=204)
    async def reset_retention(house: House, actor: Asker, kept: str) -> Response:
        """Keep something as long as a new workspace does."""
        await house.retention.reset(actor, kept)
        return Response(status_code=204)
