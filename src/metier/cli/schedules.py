"""`metier schedules`: what the server does by itself. `metier retention`: how long things are kept."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metier.cli.house import open_house
from metier.cli.terminal import note, say, say_json, say_table

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.app import Metier
    from metier.engine import Job, Scheduled
    from metier.upkeep import Term

LOOK_S = 0.3  # how often a job that is waited for is looked at

Name = Annotated[str, typer.Argument(help="The schedule's name.")]
Kept = Annotated[str, typer.Argument(help="What is kept, as metier retention list names it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    schedules = typer.Typer(help="What the server does by itself.", no_args_is_help=True)
    app.add_typer(schedules, name="schedules")
    retention = typer.Typer(help="How long things are kept.", no_args_is_help=True)
    app.add_typer(retention, name="retention")
    _add_reading(schedules)
    _add_changes(schedules)
    _add_retention(retention)


def _add_reading(schedules: typer.Typer) -> None:
    @schedules.command("list")
    def list_schedules(as_json: AsJson = False) -> None:
        """List the schedules: when, how it went last, when next."""
        asyncio.run(_list(as_json=as_json))

    @schedules.command("history")
    def history(
        name: Name,
        limit: Annotated[int, typer.Option(help="Most lines.", min=1, max=200)] = 20,
        as_json: AsJson = False,
    ) -> None:
        """List the times a schedule was done, the newest first."""
        asyncio.run(_history(name, limit, as_json=as_json))


def _add_changes(schedules: typer.Typer) -> None:
    @schedules.command("run")
    def run(name: Name, as_json: AsJson = False) -> None:
        """Do it now, and wait for the end."""
        asyncio.run(_run(name, as_json=as_json))

    @schedules.command("stop")
    def stop(name: Name) -> None:
        """Stop what is at work; what it has done stays done."""
        asyncio.run(_stop(name))

    @schedules.command("pause")
    def pause(name: Name) -> None:
        """Let it begin nothing by itself."""
        asyncio.run(_pause(name))

    @schedules.command("resume")
    def resume(name: Name) -> None:
        """Go on with its next moment."""
        asyncio.run(_resume(name))


def _add_retention(retention: typer.Typer) -> None:
    @retention.command("list")
    def list_terms(as_json: AsJson = False) -> None:
        """List what is kept for some time only, and how long."""
        asyncio.run(_terms(as_json=as_json))

    @retention.command("set")
    def set_term(
        kept: Kept, days: Annotated[str, typer.Argument(help="A number of days, or never to keep it for ever.")]
    ) -> None:
        """Choose how long something is kept; it holds from the next night on."""
        asyncio.run(_keep(kept, days))

    @retention.command("reset")
    def reset_term(kept: Kept) -> None:
        """Keep something as long as a new workspace does."""
        asyncio.run(_reset(kept))


async def _list(*, as_json: bool) -> None:
    from metier.upkeep.schedules import scheduled_json

    async with open_house() as (metier, operator):
        listed = await metier.schedules.list(operator)
        is_run = await metier.schedules.is_run(operator)
    if as_json:
        for one in listed:
            say_json(scheduled_json(one))
        return
    say_table(("name", "when", "last", "outcome", "next"), [_row(one) for one in listed])
    if not is_run:
        note("No process runs them now: metier serve does.")


async def _history(name: str, limit: int, *, as_json: bool) -> None:
    from metier.upkeep.schedules import job_json

    async with open_house() as (metier, operator):
        jobs = await metier.schedules.history(operator, name, limit=limit)
    if as_json:
        for job in jobs:
            say_json(job_json(job))
    else:
        say_table(("for", "asked by", "outcome"), [_job_row(job) for job in jobs])


async def _run(name: str, *, as_json: bool) -> None:
    from metier.upkeep.schedules import job_json

    async with open_house() as (metier, operator):
        job = await metier.schedules.run(operator, name)
        job = await _ended(metier, operator, job)
    if as_json:
        say_json(job_json(job))
    else:
        say(f"{name}: {_outcome(job)}")
    if job.error:
        raise SystemExit(1)


async def _ended(metier: "Metier", operator: "Actor", job: "Job") -> "Job":
    """Wait for a job's end, telling what it is at; do it here if no server does, or none does any more."""
    told = ""
    while not job.status.ended:
        if not await metier.schedules.is_run(operator):
            await metier.engine.launch()
        await metier.clock.sleep(LOOK_S)
        job = await metier.schedules.job(operator, job.id)
        if job.doing and job.doing != told and not job.status.ended:
            told = job.doing
            note(f"{told} …")
    return job


async def _stop(name: str) -> None:
    async with open_house() as (metier, operator):
        job = await metier.schedules.stop(operator, name)
    say(f"Stopped: {name}" if job.status.ended else f"Stopping: {name}")


async def _pause(name: str) -> None:
    async with open_house() as (metier, operator):
        await metier.schedules.pause(operator, name)
    say(f"Paused: {name}")


async def _resume(name: str) -> None:
    async with open_house() as (metier, operator):
        one = await metier.schedules.resume(operator, name)
    say(f"Resumed: {name}, next {_minute(one.next_at)}")


async def _terms(*, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        terms = await metier.retention.terms(operator)
    if as_json:
        for term in terms:
            say_json(term.to_json())
    else:
        rows = [(term.kept.name, _days(term), "" if term.chosen else "default", term.kept.label) for term in terms]
        say_table(("name", "kept", "chosen", "label"), rows)


async def _keep(kept: str, days: str) -> None:
    from metier.errors import Invalid, Problem

    if days != "never" and not (days.isascii() and days.isdigit()):
        raise Invalid.of([Problem("days", f"{days!r} is no number of days", allowed=("never",), example=30)])
    async with open_house() as (metier, operator):
        term = await metier.retention.keep(operator, kept, None if days == "never" else int(days))
    say(f"Kept {_days(term)}: {kept}")


async def _reset(kept: str) -> None:
    async with open_house() as (metier, operator):
        term = await metier.retention.reset(operator, kept)
    say(f"Kept {_days(term)}: {kept}")


def _row(one: "Scheduled") -> tuple[str, ...]:
    last = one.last
    began = _minute(last.started_at or last.created_at) if last else "never"
    outcome = _outcome(last) if last else ""
    return one.schedule.name, str(one.schedule.when), began, outcome, _minute(one.next_at) or "paused"


def _job_row(job: "Job") -> tuple[str, ...]:
    asked_by = str(job.asked_by["label"]) if job.asked_by else "schedule"
    return _minute(job.tick_at), asked_by, _outcome(job)


def _outcome(job: "Job") -> str:
    """Say how it went: `succeeded: deleted records 3`."""
    done = ", ".join(f"{part.replace('_', ' ')} {count}" for part, count in job.counts.items() if count)
    about = str(job.error["message"]) if job.error else done
    return f"{job.status.value}: {about}" if about else job.status.value


def _days(term: "Term") -> str:
    return "for ever" if term.days is None else f"{term.days} days"


def _minute(moment: Any) -> str:  # Any: a datetime, or nothing
    return moment.isoformat(" ", "minutes") if moment else ""
