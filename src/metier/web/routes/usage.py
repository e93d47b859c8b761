"""Usage: what model calls used, and the budgets they are held to."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import Invalid, MetierError, NotFound, Problem
from metier.formats.writing import Writing
from metier.runs import By, Period, Report, Scope, Standing, Used
from metier.web.bars import columns, share
from metier.web.forms import read_form, wrong
from metier.web.pages import page, pages_of

FIELDS = ("scope", "subject", "period", "tokens", "cost")
SPANS = (7, 30, 90)  # days


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/usage")
    routes.add_api_route("", show_usage, response_class=Response)
    routes.add_api_route("/budgets", set_budget, methods=["POST"])
    routes.add_api_route("/budgets/{budget_id}/remove", remove_budget, methods=["POST"])
    return routes


async def show_usage(
    request: Request,
    house: House,
    actor: Asker,
    by: By = By.MODEL,
    since: date | None = None,
    until: date | None = None,
    model: str = "",
    agent: str = "",
    member: str = "",
) -> Response:
    """Show what was used, by what the address says."""
    asked = {"since": since, "until": until, "model": model, "agent": agent, "member": member}
    return await _usage_page(request, house, actor, by, asked)


async def set_budget(request: Request, house: House, actor: Asker) -> Response:
    """Set a budget from the form."""
    given = await read_form(request, *FIELDS, "soft")
    try:
        await house.budgets.set(
            actor,
            scope=_word(Scope, given["scope"], "scope"),
            subject=given["subject"],
            period=_word(Period, given["period"], "period"),
            tokens=_tokens(given["tokens"]),
            cost_micros=_micros(given["cost"]),
            hard=not given["soft"],
        )
    except (Invalid, NotFound) as error:
        return await _usage_page(request, house, actor, By.MODEL, {}, given=given, error=error)
    return RedirectResponse("/usage#budgets", status_code=303)


async def remove_budget(house: House, actor: Asker, budget_id: UUID) -> Response:
    """Take a budget away."""
    await house.budgets.remove(actor, budget_id)
    return RedirectResponse("/usage#budgets", status_code=303)


async def _usage_page(
    request: Request,
    house: Metier,
    actor: Actor,
    by: By,
    asked: Mapping[str, Any],
    *,
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
) -> Response:
    reading = pages_of(request).reading(actor)
    days = await house.usage.report(actor, by=By.DAY, **asked)
    report = await house.usage.report(actor, by=by, **asked)
    return await page(
        request,
        "usage.html",
        actor=actor,
        status=error.status if error else 200,
        report=report,
        chart=_chart(days, reading),
        budgets=[_budget(one, reading) for one in await house.budgets.list(actor)],
        may_set=report.everybody,
        filters={name: asked.get(name) for name in ("model", "agent", "member") if asked.get(name)},
        rows=[(row, _narrowed(report, asked, row)) for row in report.rows if row.calls],
        bys=[(one, _address({**asked, "by": one})) for one in By],
        whole=_address({"by": by, "since": asked.get("since"), "until": asked.get("until")}),
        spans=[(n, _address({"by": by, **asked, "since": report.until - timedelta(days=n - 1)})) for n in SPANS],
        span_days=(report.until - report.since).days + 1,
        scopes=tuple(Scope),
        periods=tuple(Period),
        dollars=partial(_dollars, reading),
        given=dict.fromkeys((*FIELDS, "soft"), "") | dict(given or {}),
        **wrong(error, "scope", "subject", "period", "tokens", "cost_micros"),
    )


def _chart(days: Report, writing: Writing) -> Markup:
    """Draw a column a day: money, or tokens where nothing has a price."""
    money = days.total.cost_micros > 0
    values = [row.cost_micros if money else row.tokens for row in days.rows]
    titles = [
        f"{row.key}: {writing.number(row.tokens)} tokens, {_dollars(writing, row.cost_micros)}" for row in days.rows
    ]
    what = "Cost" if money else "Tokens"
    return columns(values, titles, f"{what} by day, {days.since} to {days.until}")


def _budget(standing: Standing, writing: Writing) -> dict[str, Any]:
    """Give a budget as it reads: each limit with how much of it is used."""
    budget = standing.budget
    limits: list[Mapping[str, Any]] = []
    if budget.tokens is not None:
        limits.append(_limit(standing, budget.tokens, standing.tokens, writing.number, " tokens"))
    if budget.cost_micros is not None:
        limits.append(_limit(standing, budget.cost_micros, standing.cost_micros, partial(_dollars, writing)))
    return {"standing": standing, "budget": budget, "limits": limits}


def _limit(
    standing: Standing, allowed: int, used: int, write: Callable[[int], str], what: str = ""
) -> Mapping[str, Any]:
    if standing.until is None:
        return {"text": f"at most {write(allowed)}{what}", "bar": ""}
    part = used / allowed if allowed else 1.0
    return {"text": f"{write(used)} of {write(allowed)}{what}", "bar": share(part, f"{part:.0%} used")}


def _narrowed(report: Report, asked: Mapping[str, Any], row: Used) -> str:
    """Give where only these calls are told of; nowhere for a day."""
    if report.by is By.DAY or not row.key:
        return ""
    return _address({**asked, report.by.value: row.key, "by": By.DAY})


def _address(asked: Mapping[str, Any]) -> str:
    query = urlencode({name: str(value) for name, value in asked.items() if value})
    return f"/usage?{query}" if query else "/usage"


def _dollars(writing: Writing, micros: int) -> str:
    return writing.price(micros, 4 if 0 < micros < 10_000 else 2)


def _word(words: Any, text: str, path: str) -> Any:  # a StrEnum and its member
    try:
        return words(text)
    except ValueError:
        raise Invalid.of([Problem(path, f"choose one of {', '.join(words)}")], what="The budget") from None


def _tokens(text: str) -> int | None:
    try:
        return int(text.replace(",", "").replace(" ", "")) if text else None
    except ValueError:
        raise Invalid.of([Problem("tokens", f"{text!r} is no number")], what="The budget") from None


def _micros(text: str) -> int | None:
    try:
        return int(Decimal(text.removeprefix("$").replace(",", "")) * 1_000_000) if text else None
    except (InvalidOperation, ValueError, OverflowError):
        raise Invalid.of([Problem("cost_micros", f"{text!r} is no sum of dollars")], what="The budget") from None
