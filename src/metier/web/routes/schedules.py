"""Settings, Schedules: what the server does by itself, and how long this workspace keeps things."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.engine import Job
from metier.errors import Invalid, MetierError, Problem
from metier.events import Status
from metier.web.forms import read_form
from metier.web.pages import fragment, page, swap_target

URL = "/settings/schedules"
TONES = {Status.SUCCEEDED: "ok", Status.FAILED: "bad", Status.STOPPED: "warn", Status.RUNNING: "info"}


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("", show_schedules)
    routes.add_api_route("/kept/{kept}", keep, methods=["POST"])
    routes.add_api_route("/{schedule}", show_history)
    routes.add_api_route("/{schedule}/{act}", change, methods=["POST"])
    return routes


async def show_schedules(request: Request, house: House, actor: Asker) -> Response:
    """List the schedules and the terms; while a job is at work the page asks again for the part that changes."""
    if swap_target(request) == "schedules":
        return fragment(request, "settings/_schedules.html", actor=actor, **await _listed(house, actor))
    return await _page(request, house, actor)


async def show_history(request: Request, house: House, actor: Asker, schedule: str) -> Response:
    """List the times a schedule was done."""
    one = await house.schedules.get(actor, schedule)
    jobs = [_shown(job) for job in await house.schedules.history(actor, schedule)]
    return await page(request, "settings/schedule.html", actor=actor, one=one, jobs=jobs)


async def change(request: Request, house: House, actor: Asker, schedule: str, act: str) -> Response:
    """Run, stop, pause or resume a schedule."""
    schedules = house.schedules
    acts = {"run": schedules.run, "stop": schedules.stop, "pause": schedules.pause, "resume": schedules.resume}
    if act not in acts:
        raise Invalid.of([Problem("act", f"{act!r} is nothing that is done to schedules", allowed=tuple(acts))])
    try:
        await acts[act](actor, schedule)
    except MetierError as error:
        return await _page(request, house, actor, error=error)
    return RedirectResponse(URL, status_code=303)


async def keep(request: Request, house: House, actor: Asker, kept: str) -> Response:
    """Choose how long something is kept: `days`, empty for ever; `reset` takes the choice back."""
    given = await read_form(request, "days", "reset")
    try:
        if given["reset"]:
            await house.retention.reset(actor, kept)
        else:
            await house.retention.keep(actor, kept, _days(given["days"]))
    except MetierError as error:
        return await _page(request, house, actor, error=error, wrong=kept)
    return RedirectResponse(f"{URL}#kept", status_code=303)


def _days(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Invalid.of([Problem("days", f"{text!r} is no number of days", example=30)], what="The term")
    return int(text)


async def _page(
    request: Request, house: Metier, actor: Actor, *, error: MetierError | None = None, wrong: str = ""
) -> Response:
    return await page(
        request,
        "settings/schedules.html",
        actor=actor,
        status=error.status if error else 200,
        terms=await house.retention.terms(actor),
        problem=error,
        wrong=wrong,
        **await _listed(house, actor),
    )


async def _listed(house: Metier, actor: Actor) -> dict[str, Any]:
    listed = await house.schedules.list(actor)
    return {
        "listed": [{"one": one, "last": one.last and _shown(one.last)} for one in listed],
        "is_run": await house.schedules.is_run(actor),
        "at_work": any(one.last and not one.last.status.ended for one in listed),
    }


def _shown(job: Job) -> dict[str, Any]:
    """Give what a page shows of a job."""
    done = [f"{part.replace('_', ' ')} {count:,}" for part, count in job.counts.items() if count]
    return {
        "job": job,
        "tone": TONES.get(job.status, ""),
        "done": ", ".join(done),
        "problem": job.error["message"] if job.error else "",
        "at": job.started_at or job.created_at,
    }
