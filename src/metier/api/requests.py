"""REST: requests to a person."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.api.auth import Asker, House
from metier.api.chat import run_json
from metier.api.errors import error_answers
from metier.runs.requests import Answer, Verdict


class GivenAnswer(BaseModel):
    """An answer to a request."""

    model_config = ConfigDict(extra="forbid")

    hash: str = Field(max_length=64, description="The request's `hash`, as you saw it")
    verdict: Verdict
    value: Any = Field(None, description="The option, the words or the values, with the verdict `answer`")
    note: str = Field("", max_length=2_000, description="What else you say; the agent reads it")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["requests"], responses=error_answers(401, 403, 404, 422))

    @routes.get("/requests")
    async def list_requests(
        house: House,
        actor: Asker,
        status: str | None = None,
        for_me: bool = False,
        run_id: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """List what people were asked, the newest first."""
        page = await house.requests.list(actor, status=status, for_me=for_me, run_id=run_id, limit=limit, cursor=cursor)
        return {"data": [request.to_json() for request in page.requests], "next_cursor": page.next_cursor}

    @routes.get("/requests/{request_id}")
    async def get_request(house: House, actor: Asker, request_id: UUID) -> dict[str, Any]:
        """Get one request."""
        return (await house.requests.get(actor, request_id)).to_json()

    @routes.post("/requests/{request_id}/answer", responses=error_answers(409))
    async def answer_request(house: House, actor: Asker, request_id: UUID, body: GivenAnswer) -> dict[str, Any]:
        """Answer a request; the run that waits for it goes on."""
        answer = Answer(body.verdict, body.value)
        return (await house.requests.answer(actor, request_id, answer, hash=body.hash, note=body.note)).to_json()

    @routes.get("/inbox")
    async def get_inbox(house: House, actor: Asker) -> dict[str, Any]:
        """Get what waits for you, and your runs that went wrong since you last cleared them away."""
        found = await house.inbox.of(actor)
        return {
            "count": found.count,
            "requests": [request.to_json() for request in found.requests],
            "failed": [run_json(run) for run in found.failed],
        }

    @routes.post("/inbox/clear", status_code=204)
    async def clear_inbox(house: House, actor: Asker) -> Response:
        """Take out of your inbox the runs that have failed so far."""
        await house.inbox.clear(actor)
        return Response(status_code=204)

    return routes
