"""The chat: a page per conversation, and forms that work without JavaScript."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor, check_flag
from metier.agents import Agent
from metier.api.auth import Asker, House
from metier.api.writes import LONGEST_KEY, key_of
from metier.app import Metier
from metier.chat import Thread, Turn
from metier.errors import Invalid, MetierError, NoModel, Problem
from metier.filters import storable_text
from metier.llm.provider import ModelInfo
from metier.web.pages import page, pages_of
from metier.web.stream import cards_for
from metier.web.suggestions import lead, suggestions
from metier.web.transcript import TurnView, turn_view

TURNS = 20  # shown at once; the earlier ones on demand

Words = Annotated[str, Form()]
Key = Annotated[str, Form(max_length=LONGEST_KEY)]


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/chat", show_new, response_class=Response)
    routes.add_api_route("/chat", begin, methods=["POST"], response_class=Response)
    routes.add_api_route("/chat/{thread_id}", show_chat, response_class=Response)
    routes.add_api_route("/chat/{thread_id}", send, methods=["POST"], response_class=Response)
    routes.add_api_route("/chat/{thread_id}/stop", stop, methods=["POST"], response_class=Response)
    routes.add_api_route("/chat/{thread_id}/rename", rename, methods=["POST"], response_class=Response)
    routes.add_api_route("/chat/{thread_id}/delete", delete, methods=["POST"], response_class=Response)
    routes.add_api_route("/chat/{thread_id}/restore", restore, methods=["POST"], response_class=Response)
    return routes


# --- pages -----------------------------------------------------------------------------------------------------------


async def show_new(
    request: Request,
    house: House,
    actor: Asker,
    q: str = "",
    agent: str = "",
    deleted: UUID | None = None,
) -> Response:
    """Show the empty chat; `?q=` fills the composer. No address sends it: anybody can write a link."""
    check_flag(actor, "AI")
    return await _new_page(request, house, actor, agent=agent, draft=q, deleted=deleted)


async def show_chat(request: Request, house: House, actor: Asker, thread_id: UUID, all: str = "") -> Response:
    """Show a conversation; a turn at work is attached to its stream by the browser."""
    return await _chat_page(request, house, actor, await house.chat.thread(actor, thread_id), whole=bool(all))


async def _new_page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    agent: str = "",
    draft: str = "",
    deleted: UUID | None = None,
    problem: MetierError | None = None,
) -> Response:
    objects = await house.records.objects(actor)
    values = {
        "suggestions": suggestions(objects),
        "lead": lead(objects),
        "deleted": deleted,
        "earlier": 0,
        "turns": (),
    }
    return await _page(
        request, house, actor, None, await _agent(house, actor, agent), values, draft=draft, problem=problem
    )


async def _chat_page(
    request: Request,
    house: Metier,
    actor: Actor,
    thread: Thread,
    *,
    whole: bool = False,
    draft: str = "",
    problem: MetierError | None = None,
) -> Response:
    turns = await house.chat.transcript(actor, thread.id)
    shown = turns if whole else turns[-TURNS:]
    values = {
        "turns": await _turn_views(request, house, actor, shown),
        "earlier": len(turns) - len(shown),
        "deleted": None,
    }
    agent = await house.agents.find(actor.workspace_id, thread.agent) or Agent(
        thread.agent, prompt=""
    )  # one that is gone is still named
    return await _page(request, house, actor, thread, agent, values, draft=draft, problem=problem)


async def _page(
    request: Request,
    house: Metier,
    actor: Actor,
    thread: Thread | None,
    agent: Agent,
    values: Mapping[str, Any],
    *,
    draft: str,
    problem: MetierError | None,
) -> Response:
    views: Sequence[TurnView] = values["turns"]
    return await page(
        request,
        "chat/chat.html",
        actor=actor,
        status=problem.status if problem else 200,
        thread=thread,
        agent=agent,
        agent_label=agent.title,
        agents=await house.agents.all(actor.workspace_id),
        model=_model(house, (thread.model if thread else None) or agent.model),
        models=house.catalog.models(),
        running=bool(views) and views[-1].end is None,
        draft=draft,
        problem=problem,
        key=house.clock.new_id(),
        **values,
    )


async def _turn_views(request: Request, house: Metier, actor: Actor, turns: Sequence[Turn]) -> list[TurnView]:
    cards = await cards_for(pages_of(request), actor)
    ids = [turn.run.id for turn in turns]
    models, times, asked = await asyncio.gather(
        house.runs.models(actor, ids), house.runs.tool_times(actor, ids), house.requests.of_runs(actor, ids)
    )
    return [
        turn_view(turn, cards, model=models.get(one, ""), times=times.get(one, ()), asked=asked, last=one == ids[-1])
        for one, turn in zip(ids, turns, strict=True)
    ]


async def _agent(house: Metier, actor: Actor, name: str) -> Agent:
    return await house.agents.get(actor.workspace_id, name or house.shelf.default_agent)


def _model(house: Metier, name: str) -> ModelInfo:
    """Give the model that will answer; one that is no longer configured is named as it was chosen."""
    try:
        return house.catalog.resolve(name)
    except NoModel:
        return ModelInfo(name)


# --- forms -----------------------------------------------------------------------------------------------------------


async def begin(
    request: Request, house: House, actor: Asker, text: Words = "", agent: Words = "", model: Words = ""
) -> Response:
    """Begin a conversation with a message."""
    try:
        _check_text(text)
        thread = await house.chat.create_thread(actor, agent=agent or None, model=model or None)
    except MetierError as error:
        return await _new_page(request, house, actor, draft=text, problem=error)
    return await _send(request, house, actor, thread, text)


async def send(
    request: Request, house: House, actor: Asker, thread_id: UUID, text: Words = "", key: Key = ""
) -> Response:
    """Send a message in a conversation; a form that is sent twice sends it once."""
    return await _send(request, house, actor, await house.chat.thread(actor, thread_id), text, key)


async def _send(request: Request, house: Metier, actor: Actor, thread: Thread, text: str, key: str = "") -> Response:
    try:
        _check_text(text)
        await house.chat.send(actor, thread.id, text, key=key_of(actor, key) if key else None)
    except MetierError as error:
        return await _chat_page(request, house, actor, thread, draft=text, problem=error)
    return _to(f"/chat/{thread.id}")


def _check_text(text: str) -> None:
    if not text.strip() or not storable_text(text):
        raise Invalid.of([Problem("text", "must be words", example="Which companies are new?")], what="The message")


async def stop(house: House, actor: Asker, thread_id: UUID) -> Response:
    """Stop the turn at work."""
    await house.chat.thread(actor, thread_id)
    page = await house.runs.list(actor, thread_id=thread_id, limit=1)
    for run in page.runs:
        if not run.status.ended:
            await house.runs.stop(actor, run.id)
    return _to(f"/chat/{thread_id}")


async def rename(house: House, actor: Asker, thread_id: UUID, title: Words = "") -> Response:
    """Give a conversation another title."""
    if not storable_text(title):
        raise Invalid.of([Problem("title", "must be words")], what="The title")
    await house.chat.rename(actor, thread_id, title)
    return _to(f"/chat/{thread_id}")


async def delete(house: House, actor: Asker, thread_id: UUID) -> Response:
    """Take a conversation out of sight; the next page offers to bring it back."""
    await house.chat.delete(actor, thread_id)
    return _to(f"/chat?deleted={thread_id}")


async def restore(house: House, actor: Asker, thread_id: UUID) -> Response:
    """Bring a deleted conversation back."""
    await house.chat.restore(actor, thread_id)
    return _to(f"/chat/{thread_id}")


def _to(url: str) -> Response:
    return RedirectResponse(url, status_code=303)
