"""The inbox: requests that wait for this person, answered in place, and runs that went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import Invalid, MetierError, Problem
from metier.runs import requests
from metier.runs.requests import Answer, Kind, State, Verdict
from metier.web.asking import request_card, said
from metier.web.forms import own_path
from metier.web.pages import fragment, page, pages_of
from metier.web.routes.runs import run_row
from metier.web.stream import cards_for

LATELY = 10  # closed requests shown below


@dataclass(frozen=True)
class Closed:
    """A request that is closed, in one line."""

    id: UUID
    title: str
    said: str
    when: datetime


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/inbox", show_inbox, response_class=Response)
    routes.add_api_route("/inbox/clear", clear, methods=["POST"], response_class=Response)
    routes.add_api_route("/inbox/{request_id}", show_request, response_class=Response)
    routes.add_api_route("/inbox/{request_id}", answer, methods=["POST"], response_class=Response)
    return routes


async def show_inbox(request: Request, house: House, actor: Asker) -> Response:
    """Show what waits for this person."""
    found = await house.inbox.of(actor)
    cards = await cards_for(pages_of(request), actor)
    closed = await house.requests.list(actor, for_me=True, limit=LATELY * 2)
    return await page(
        request,
        "requests/inbox.html",
        actor=actor,
        waiting=[(request_card(cards, one), one.thread_id, await _from(house, one)) for one in found.requests],
        failed=[run_row(run, pages_of(request).reading(actor)) for run in found.failed],
        closed=[_closed(one) for one in closed.requests if one.status is not State.OPEN][:LATELY],
    )


async def show_request(request: Request, house: House, actor: Asker, request_id: UUID) -> Response:
    """Show one request."""
    asked = await house.requests.get(actor, request_id)
    return await _one(request, house, actor, asked)


async def clear(house: House, actor: Asker) -> Response:
    """Take the failed runs out."""
    await house.inbox.clear(actor)
    return RedirectResponse("/inbox", status_code=303)


async def answer(request: Request, house: House, actor: Asker, request_id: UUID) -> Response:
    """Answer a request; the card comes back as it is then, in place or on a page of its own."""
    asked = await house.requests.get(actor, request_id)
    given = {name: str(value) for name, value in (await request.form()).items()}
    back = own_path(given.get("back", ""), "/inbox")
    try:
        said = read_answer(asked.kind, asked.shown.schema or {}, given)
        asked = await house.requests.answer(
            actor, request_id, said, hash=given.get("hash", ""), note=given.get("note", "").strip()
        )
    except MetierError as error:
        fresh = await house.requests.get(actor, request_id)
        return await _one(request, house, actor, fresh, back=back, error=error)
    if _in_place(request):
        return await _one(request, house, actor, asked, back=back)
    return RedirectResponse(back, status_code=303)


async def _one(
    request: Request,
    house: Metier,
    actor: Actor,
    asked: requests.Request,
    *,
    back: str = "/inbox",
    error: MetierError | None = None,
) -> Response:
    cards = await cards_for(pages_of(request), actor)
    card = request_card(cards, asked, problem=_words(error), back=back)
    status = error.status if error else 200
    if _in_place(request):
        count = (await house.inbox.of(actor)).count
        return fragment(request, "requests/answered.html", actor=actor, status=status, card=card, count=count)
    return await page(
        request,
        "requests/one.html",
        actor=actor,
        status=status,
        card=card,
        thread=asked.thread_id,
        run=asked.root_id,
        who=await _from(house, asked),
    )


def read_answer(kind: Kind, schema: Mapping[str, Any], given: Mapping[str, str]) -> Answer:
    """Read what a form says; what does not fit the question is refused where answers are.

    Raises:
        Invalid: It says nothing.
    """
    if given.get("choice"):
        return Answer(Verdict.ANSWER, given["choice"])
    said = given.get("verdict", "")
    if said not in tuple(Verdict):
        raise Invalid.of([Problem("verdict", f"{said!r} is no answer", tuple(Verdict))], what="The answer")
    verdict = Verdict(said)
    if verdict is not Verdict.ANSWER:
        return Answer(verdict)
    if kind is Kind.INPUT:
        return Answer(verdict, given.get("value", ""))
    fields = schema.get("properties", {})
    values = {name: _typed(given[f"v.{name}"], one) for name, one in fields.items() if given.get(f"v.{name}")}
    return Answer(verdict, values)


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """Turn a field's text into a value of its type where it can be, else leave it for the schema to refuse."""
    match schema.get("type"):
        case "boolean":
            return text == "true"
        case "integer" | "number":
            try:
                return float(text) if "." in text else int(text)
            except ValueError:
                return text
        case _:
            return text


def _in_place(request: Request) -> bool:
    return request.headers.get("HX-Request") == "true"


def _words(error: MetierError | None) -> str:
    if error is None:
        return ""
    problems = " ".join(f"{one.problem[:1].upper()}{one.problem[1:]}." for one in error.problems if one.path)
    return problems or " ".join(filter(None, [error.message, error.cure]))


async def _from(house: Metier, asked: requests.Request) -> str:
    """Say who asks: `CRM Assistant, for Ada Park`."""
    chain = [link.partition(":")[2] for link in asked.actor.get("chain", ())]
    found = [(name, await house.agents.find(asked.workspace_id, name)) for name in chain]
    agents = [agent.title if agent else name for name, agent in found]
    person = str(asked.actor.get("label", ""))
    return f"{' → '.join(agents)}, for {person}" if agents else person


def _closed(asked: requests.Request) -> Closed:
    return Closed(asked.id, asked.shown.title, said(asked.told_end()), asked.answered_at or asked.created_at)
