"""REST: threads, messages and runs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from metier.api.auth import Asker, House
from metier.api.errors import error_answers
from metier.api.sse import EventStream, Renderer, plain_frames
from metier.api.writes import EffectKey
from metier.chat import Thread, Turn
from metier.errors import Invalid, Problem
from metier.events import START, Cursor
from metier.llm.messages import part_to_json
from metier.runs import PromptSent, Run

_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The run's events; each frame has id (a cursor), event and data",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_max_length=200_000)


class NewThread(_Body):
    """A conversation to begin."""

    agent: str | None = Field(None, description="The agent's name; the default agent if left out")
    model: str | None = Field(None, description="A model's id; the agent's own if left out")


class ThreadChange(_Body):
    """What can be changed of a thread."""

    title: str


class NewMessage(_Body):
    """A person's message."""

    text: str = Field(examples=["Find all companies created in the last 7 days"])


def router(renderers: dict[str, Renderer]) -> APIRouter:
    """Make the routes.

    Args:
        renderers: Ways to show a run's events besides `json`, by the name given in `?format=`.
    """
    routes = APIRouter(prefix="/api/v1", responses=error_answers(401, 403, 404, 422))
    _add_threads(routes)
    _add_runs(routes)
    _add_events(routes, {"json": plain_frames, **renderers})
    return routes


def _add_threads(routes: APIRouter) -> None:
    @routes.post("/threads", status_code=201, tags=["chat"])
    async def create_thread(house: House, actor: Asker, body: NewThread) -> dict[str, Any]:
        """Begin a conversation."""
        return (await house.chat.create_thread(actor, agent=body.agent, model=body.model)).to_json()

    @routes.get("/threads", tags=["chat"])
    async def list_threads(
        house: House, actor: Asker, q: str = "", limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> dict[str, Any]:
        """List your conversations, the last used first."""
        return {"data": [thread.to_json() for thread in await house.chat.threads(actor, q=_clean(q, "q"), limit=limit)]}

    @routes.get("/threads/{thread_id}", tags=["chat"])
    async def get_thread(house: House, actor: Asker, thread_id: UUID) -> dict[str, Any]:
        """Get one conversation."""
        return (await house.chat.thread(actor, thread_id)).to_json()

    @routes.patch("/threads/{thread_id}", tags=["chat"])
    async def rename_thread(house: House, actor: Asker, thread_id: UUID, body: ThreadChange) -> dict[str, Any]:
        """Give a conversation another title."""
        return (await house.chat.rename(actor, thread_id, _clean(body.title, "title"))).to_json()

    @routes.delete("/threads/{thread_id}", status_code=204, tags=["chat"])
    async def delete_thread(house: House, actor: Asker, thread_id: UUID) -> Response:
        """Take a conversation out of sight."""
        await house.chat.delete(actor, thread_id)
        return Response(status_code=204)

    @routes.post("/threads/{thread_id}/restore", tags=["chat"])
    async def restore_thread(house: House, actor: Asker, thread_id: UUID) -> dict[str, Any]:
        """Bring a deleted conversation back."""
        await house.chat.restore(actor, thread_id)
        return (await house.chat.thread(actor, thread_id)).to_json()

    @routes.get("/threads/{thread_id}/messages", tags=["chat"])
    async def list_messages(house: House, actor: Asker, thread_id: UUID) -> dict[str, Any]:
        """Get a conversation's turns with their messages."""
        thread: Thread = await house.chat.thread(actor, thread_id)
        turns = await house.chat.transcript(actor, thread.id)
        return {"data": [turn_json(turn) for turn in turns]}

    @routes.post("/threads/{thread_id}/messages", status_code=202, tags=["chat"], responses=error_answers(409, 503))
    async def send_message(
        house: House, actor: Asker, key: EffectKey, thread_id: UUID, body: NewMessage
    ) -> dict[str, Any]:
        """Send a message; follow the run's events for the answer."""
        run = await house.chat.send(actor, thread_id, _clean(body.text, "text"), key=key)
        return {"run_id": str(run.id), "thread_id": str(thread_id)}


def _add_runs(routes: APIRouter) -> None:
    @routes.get("/runs", tags=["runs"])
    async def list_runs(
        house: House,
        actor: Asker,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
        status: str | None = None,
        thread_id: UUID | None = None,
    ) -> dict[str, Any]:
        """List runs, the newest first."""
        page = await house.runs.list(actor, limit=limit, cursor=cursor, status=status, thread_id=thread_id)
        return {"data": [run_json(run) for run in page.runs], "next_cursor": page.next_cursor}

    @routes.get("/runs/{run_id}", tags=["runs"])
    async def get_run(house: House, actor: Asker, run_id: UUID) -> dict[str, Any]:
        """Get one run."""
        return run_json(await house.runs.get(actor, run_id))

    @routes.get("/runs/{run_id}/prompt", tags=["runs"])
    async def get_prompt(house: House, actor: Asker, run_id: UUID) -> dict[str, Any]:
        """Get what was sent to models, call by call."""
        return {"data": [prompt_json(call) for call in await house.runs.prompt(actor, run_id)]}

    @routes.post("/runs/{run_id}/stop", status_code=202, tags=["runs"])
    async def stop_run(house: House, actor: Asker, run_id: UUID) -> dict[str, Any]:
        """Stop a run; what it has said so far is kept."""
        await house.runs.stop(actor, run_id)
        return {"run_id": str(run_id)}


def _add_events(routes: APIRouter, renderers: dict[str, Renderer]) -> None:
    @routes.get("/runs/{run_id}/events", tags=["runs"], response_class=Response, responses=_EVENTS)
    async def run_events(
        request: Request,
        house: House,
        actor: Asker,
        run_id: UUID,
        after: str | None = None,
        format: str = "json",
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Follow a run; resume with `Last-Event-ID` or `?after=` at the id of the last frame you saw."""
        run = await house.runs.get(actor, run_id)
        if format not in renderers:
            known = tuple(renderers)
            raise Invalid.of([Problem("format", f"{format!r} is not a format", allowed=known)], what="The request")
        place = last_event_id or after
        cursor = Cursor.parse(place) if place else START
        return EventStream(renderers[format](house.runs, actor, run, cursor))


def run_json(run: Run) -> dict[str, Any]:
    """Give a run as clients get it."""
    return {
        "id": str(run.id),
        "root_id": str(run.root_id),
        "parent_id": str(run.parent_id) if run.parent_id else None,
        "kind": run.kind,
        "name": run.name,
        "status": run.status.value,
        "thread_id": str(run.thread_id) if run.thread_id else None,
        "turn": run.turn,
        "input": run.input,
        "output": run.output,
        "stop_reason": run.stop_reason,
        "error": run.error,
        "usage": run.usage,
        "cost_micros": run.cost_micros,
        "actor": run.actor,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
    }


def turn_json(turn: Turn) -> dict[str, Any]:
    """Give a turn as clients get it."""
    messages = [{"role": m.role, "parts": [part_to_json(p) for p in m.parts]} for m in turn.messages]
    return {"run_id": str(turn.run.id), "turn": turn.run.turn, "status": turn.run.status.value, "messages": messages}


def prompt_json(call: PromptSent) -> dict[str, Any]:
    """Give a model call as clients get it."""
    return call.to_json()


def _clean(text: str, path: str) -> str:
    if "\x00" in text:
        raise Invalid.of([Problem(path, "must not contain the character U+0000")], what="The request")
    return text
