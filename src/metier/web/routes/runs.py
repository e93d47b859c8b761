"""Runs: the list of them, and one run's trace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import NotFound
from metier.events import DELTAS, Event, EventType, Status
from metier.formats.writing import Writing
from metier.llm.messages import Message
from metier.runs import Run
from metier.tools import read_in, read_words
from metier.web.cards import json_html
from metier.web.mdstream import code_html, render
from metier.web.pages import fragment, page, pages_of, swap_target
from metier.web.stream import cards_for
from metier.web.trace import branches, call_facts, known_messages, run_facts, sent_messages, tool_schemas
from metier.web.wording import cost, duration, first_line, run_ms, shorten

PAGE = 50
RAW_EVENTS = 500  # of one run shown as they are stored
VIEWS = ("steps", "events", "prompt")
FILTERS = (Status.RUNNING, Status.WAITING, Status.SUCCEEDED, Status.FAILED, Status.STOPPED, Status.INTERRUPTED)


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/runs", show_runs, response_class=Response)
    routes.add_api_route("/runs/{run_id}", show_run, response_class=Response)
    return routes


async def show_runs(
    request: Request, house: House, actor: Asker, status: str = "", kind: str = "", cursor: str = ""
) -> Response:
    """List runs, the newest first."""
    found = await house.runs.list(actor, limit=PAGE, cursor=cursor or None, kind=kind or None, status=status or None)
    return await page(
        request,
        "runs/list.html",
        actor=actor,
        rows=[run_row(run, pages_of(request).reading(actor)) for run in found.runs],
        next_cursor=found.next_cursor,
        wanted=status,
        kind=kind,
        statuses=[one.value for one in FILTERS],
        labels=await _labels(house, actor),
    )


def run_row(run: Run, writing: Writing) -> dict[str, Any]:
    """Give what a list shows of a run."""
    tokens = (run.usage.get("input_tokens") or 0) + (run.usage.get("output_tokens") or 0)
    return {
        "run": run,
        "input": first_line(run.input) or run.name,
        "who": run.actor.get("label", ""),
        "took": duration(run_ms(run)),
        "tokens": tokens,
        "cost": cost(run.cost_micros, writing),
        "problem": first_line((run.error or {}).get("message")),
    }


async def _labels(house: Metier, actor: Actor) -> dict[str, str]:
    return {agent.name: agent.title for agent in await house.agents.all(actor.workspace_id)}


async def show_run(request: Request, house: House, actor: Asker, run_id: UUID, view: str = "steps") -> Response:
    """Show one run; while it is at work the page asks again for the part that changes."""
    if view not in VIEWS:
        raise NotFound("view", view, VIEWS)
    run, writing = await house.runs.get(actor, run_id), pages_of(request).reading(actor)
    values: dict[str, Any] = {  # what the templates name
        "run": run,
        "view": view,
        "title": shorten(first_line(run.input)) or run.name,
        "facts": run_facts(run, writing, (await house.runs.models(actor, [run.root_id])).get(run.id, "")),
        "who": run.actor.get("label", ""),
        "labels": await _labels(house, actor),
        "thread": await _thread(house, actor, run),
        "read": await _read(house, run),
        **await _view_values(request, house, actor, run, view),
    }
    if swap_target(request) == "trace":
        return fragment(request, "runs/_trace.html", actor=actor, **values)
    return await page(request, "runs/run.html", actor=actor, **values)


async def _view_values(request: Request, house: Metier, actor: Actor, run: Run, view: str) -> dict[str, Any]:
    if view == "prompt":
        return {"calls": await _calls(house, actor, run, pages_of(request).reading(actor))}
    events = await house.runs.events(run.root_id)
    if view == "events":
        rows = _raw(events)
        return {"events": rows[:RAW_EVENTS], "left_out": max(0, len(rows) - RAW_EVENTS)}
    tree = await house.runs.tree(actor, run.root_id)
    below = _below(tree, run)
    prompts = {one.id: await house.runs.prompt(actor, one.id) for one in below}
    cards = await cards_for(pages_of(request), actor)
    ours = {one.id for one in below}
    told = [event for event in events if event.run_id in ours]
    return {"branches": branches(below, prompts, told, cards, house.clock.now()), "output": _output(run)}


def _output(run: Run) -> Markup:
    return Markup("".join(render(run.output))) if isinstance(run.output, str) else json_html(run.output)


def _below(tree: list[Run], run: Run) -> list[Run]:
    """Give a run and all that works for it."""
    ours = {run.id}
    for one in tree:  # in the order they began: what works for another comes after it
        if one.parent_id in ours:
            ours.add(one.id)
    return [one for one in tree if one.id in ours]


async def _calls(house: Metier, actor: Actor, run: Run, writing: Writing) -> list[dict[str, Any]]:
    before: Sequence[Message] = ()
    calls: list[dict[str, Any]] = []
    for call in await house.runs.prompt(actor, run.id):
        known = known_messages(call.messages, before)
        calls.append(
            {
                "call": call,
                "facts": [*call_facts(call, writing), duration(call.ms)],
                "tools": tool_schemas(call.tools),
                "known": known,
                "messages": sent_messages(call.messages[known:]),
                "system": Markup(code_html(call.system)),  # it escapes
            }
        )
        before = call.messages
    return calls


@dataclass(frozen=True)
class RawEvent:
    """A row of the log, or several of one text. `last` is the cursor of the last one, if there are several."""

    cursor: str
    last: str
    ts: datetime
    type: str
    data: str
    part: tuple[UUID, EventType, int] | None


def _raw(events: Sequence[Event]) -> list[RawEvent]:
    """Give the log as it is stored; text that follows on is put together."""
    rows: list[RawEvent] = []
    for event in events:
        text = event.data.get("text") if event.type in DELTAS else None
        last = rows[-1] if rows else None
        if last and text is not None and last.part == (event.run_id, event.type, event.data["part"]):
            rows[-1] = replace(last, last=str(event.cursor), data=last.data + text)
            continue
        data = text if text is not None else orjson.dumps(event.data, default=str).decode()
        part = (event.run_id, event.type, event.data["part"]) if text is not None else None
        rows.append(RawEvent(str(event.cursor), "", event.ts, event.type.value, data, part))
    return rows


async def _read(house: Metier, run: Run) -> str:
    """Say whose words the conversation held at the end of this turn; empty for nobody's, and for what is no turn."""
    if run.thread_id is None or run.turn is None:
        return ""
    stored = await house.runs.messages(run.workspace_id, thread_id=run.thread_id, before_turn=run.turn + 1)
    reads = read_in(one.message for one in stored)
    return f"This turn has read: {read_words(reads)}" if reads else ""


async def _thread(house: Metier, actor: Actor, run: Run) -> UUID | None:
    """Give the run's chat if this person may open it."""
    if run.thread_id is None:
        return None
    try:
        return (await house.chat.thread(actor, run.thread_id)).id
    except NotFound:
        return None
