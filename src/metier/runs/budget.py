"""Budgets as values: limits on the tokens and the money that model calls use, and why a call is refused.

What counts is the ledger. A budget is whose (`scope`, `subject`) and for how long (`period`); the database counts what
calls under it have used and what is held for calls under way, and lets a call pass or not (`core.account`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from metier.actor import Actor
from metier.errors import OverBudget

EACH = "*"  # a subject: each member, key or agent by itself
MOST = 10**15  # tokens, or micro-dollars: a thousand million dollars


class Scope(StrEnum):
    """Whose calls count against a budget.

    `role` counts each holder of the role by itself, while they hold it; `agent` counts whatever is asked on the
    agent's behalf, by agents below it too.
    """

    WORKSPACE = "workspace"
    ROLE = "role"
    MEMBER = "member"
    KEY = "key"
    AGENT = "agent"


class Period(StrEnum):
    """How long calls are counted together: in one run and all below it, or by day or month where the workspace is."""

    RUN = "run"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True)
class Budget:
    """A limit.

    Attributes:
        subject: Whose calls count: empty for the workspace, an id, an agent's name, or `*` for each by itself.
        label: What people call the subject.
        tokens: Most tokens in a period, in and out; None for any number.
        cost_micros: Most money in micro-dollars; None for any sum.
        hard: Calls are refused when it is used up; else it only warns.
        warn_percent: From which share on it warns, 1-100.
    """

    id: UUID
    scope: Scope
    subject: str
    label: str
    period: Period
    tokens: int | None
    cost_micros: int | None
    hard: bool
    warn_percent: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:  # Any: columns
        """Read a row."""
        facts: dict[str, Any] = {name: row[name] for name in cls.__dataclass_fields__}
        facts |= {"scope": Scope(row["scope"]), "period": Period(row["period"])}
        return cls(**facts)

    @property
    def title(self) -> str:
        """Whose it is and for how long, for people: `Each member, a day`."""
        match self.scope, self.subject:
            case Scope.WORKSPACE, _:
                whose = "The workspace"
            case scope, "*":
                whose = f"Each {scope}"
            case Scope.ROLE, _:
                whose = f"Each {self.label}"
            case _:
                whose = self.label
        return f"{whose}, a {self.period}"

    def to_json(self) -> dict[str, Any]:
        """Give the form clients get."""
        return {
            "id": str(self.id),
            "scope": self.scope,
            "subject": self.subject,
            "label": self.label,
            "period": self.period,
            "tokens": self.tokens,
            "cost_micros": self.cost_micros,
            "hard": self.hard,
            "warn_percent": self.warn_percent,
        }


@dataclass(frozen=True)
class Standing:
    """How a budget stands in its present period, for one whose calls are counted together.

    Attributes:
        holder: For a budget for each: who, as people call them; else empty.
        tokens, cost_micros: Used by calls that have ended.
        since, until: The period; `until` is None for one of runs, which has no standing of its own.
    """

    budget: Budget
    whose: str
    holder: str
    tokens: int
    cost_micros: int
    since: datetime
    until: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:  # Any: columns
        """Read a row."""
        return cls(
            Budget.of(row),
            row["whose"],
            row["holder"],
            row["used_tokens"],
            row["used_micros"],
            row["since"],
            row["until"],
        )

    @property
    def share(self) -> float:
        """How much of it is used, 0-1 and above; the tighter of its limits counts."""
        pairs = ((self.tokens, self.budget.tokens), (self.cost_micros, self.budget.cost_micros))
        return max((used / allowed if allowed else 1.0 for used, allowed in pairs if allowed is not None), default=0.0)

    @property
    def state(self) -> Literal["ok", "warn", "over"]:
        """Whether it is time to warn, or all is used."""
        if self.share >= 1:
            return "over"
        return "warn" if self.share * 100 >= self.budget.warn_percent else "ok"

    def to_json(self) -> dict[str, Any]:
        """Give the form clients get: the budget's, with what is used."""
        used = {"tokens": self.tokens, "cost_micros": self.cost_micros}
        return {
            **self.budget.to_json(),
            "holder": self.holder,
            "used": used,
            "state": self.state,
            "since": None if self.until is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
        }


@dataclass(frozen=True)
class Refusal:
    """Why a model call may not be made now.

    Attributes:
        unmeasured: Only because nothing was said of how much it can use.
        over: The budget is used up; else calls under way hold what is left of it.
        whose: The counter's name: a principal's id, an agent's name, a run's id, or empty.
        unit: `tokens` or `cost_micros`.
        until: When it begins anew; None for a run.
        zone: Where the workspace is, an IANA name.
    """

    unmeasured: bool
    over: bool
    scope: Scope
    subject: str
    whose: str
    period: Period
    unit: str
    allowed: int
    used: int
    held: int
    since: datetime
    until: datetime | None
    zone: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:  # Any: JSON values
        """Read what `core.refusal` says."""
        period = Period(row["period"])
        return cls(
            unmeasured=row["unmeasured"],
            over=row["over"],
            scope=Scope(row["scope"]),
            subject=row["subject"],
            whose=row["whose"],
            period=period,
            unit=row["unit"],
            allowed=row["allowed"],
            used=row["used"],
            held=row["held"],
            since=datetime.fromisoformat(row["since"]),
            until=None if period is Period.RUN else datetime.fromisoformat(row["until"]),
            zone=row["zone"],
        )

    def error(self, actor: Actor) -> OverBudget:
        """Give the error that tells the actor."""
        return OverBudget(
            f"{self._holder(actor)} {self._span()}",
            self.allowed,
            self.used,
            unit=self.unit,
            held=self.held,
            anew=None if self.until is None else f"{_moment(self.until, self.zone)} ({self.zone})",
        )

    def _holder(self, actor: Actor) -> str:
        match self.scope:
            case Scope.WORKSPACE:
                return "this workspace"
            case Scope.AGENT:
                name = self.subject if self.subject != EACH else self.whose
                return f"the agent {name}" if self.period is not Period.RUN else "an agent"
            case Scope.ROLE | Scope.MEMBER | Scope.KEY:
                return actor.principal.label

    def _span(self) -> str:
        begins = self.since.astimezone(ZoneInfo(self.zone))
        match self.period:
            case Period.RUN:
                return "for one run"
            case Period.DAY:
                return f"on {day(begins)}"
            case Period.MONTH:
                return f"in {begins:%B %Y}"


def day(moment: datetime) -> str:
    """Write a day: `21 November 2026`."""
    return f"{moment.day} {moment:%B %Y}"


def _moment(moment: datetime, zone: str) -> str:
    there = moment.astimezone(ZoneInfo(zone))
    return f"{day(there)}, {there:%H:%M}"
