"""What model calls used, from the ledger: by day, model, agent or member, to the unit.

With the flag `BILLING` or `AI_SETTINGS` one sees everybody's usage, else one's own. Days are the workspace's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

from metier.actor import Actor
from metier.clock import Clock
from metier.errors import Invalid, Problem
from metier.registry import fold_name
from metier.runs.budgets import FLAGS
from metier.store import Database

DAYS = 30  # shown if nothing is said
DAYS_MAX = 366
GROUPS_MAX = 500  # those that cost the most

_KEYS = {
    "day": "(c.started_at at time zone z.name)::date::text",
    "model": "c.model",
    "agent": "coalesce(c.agents[cardinality(c.agents)], '')",
    "member": "c.principal_id::text",
}

_SUMS = """
    count(*)::int as calls, sum(c.input_tokens)::bigint as input_tokens, sum(c.output_tokens)::bigint as output_tokens,
    sum(c.cached_tokens)::bigint as cached_tokens, sum(c.reasoning_tokens)::bigint as reasoning_tokens,
    sum(c.cost_micros)::bigint as cost_micros, (count(*) filter (where c.estimated))::int as estimated,
    coalesce(sum(c.input_tokens + c.output_tokens) filter (where c.cost_micros = 0), 0)::bigint as unpriced_tokens
"""

_USED = """
with z as (select core.zone_of(%(workspace)s) as name),
used as (
    select {key} as key, {sums}
    from core.model_call c, z
    where c.workspace_id = %(workspace)s and c.status <> 'reserved'
        and c.started_at >= %(since)s::date::timestamp at time zone z.name
        and c.started_at < (%(until)s::date + 1)::timestamp at time zone z.name
        and (%(mine)s::uuid is null or c.principal_id = %(mine)s::uuid)
        and (%(model)s::text is null or c.model = %(model)s::text)
        and (%(agent)s::text is null or %(agent)s::text = any (c.agents))
        and (%(member)s::text is null or c.principal_id::text = %(member)s::text)
    group by 1
)
select u.*, coalesce(m.name, k.name, u.key) as label from used u
left join core.member m on m.workspace_id = %(workspace)s and m.id::text = u.key
left join core.api_key k on k.workspace_id = %(workspace)s and k.id::text = u.key
order by {order} limit %(limit)s
"""


class By(StrEnum):
    """What usage is told by; `member` tells API keys too."""

    DAY = "day"
    MODEL = "model"
    AGENT = "agent"
    MEMBER = "member"


@dataclass(frozen=True)
class Used:
    """What some calls used.

    Attributes:
        key: The day, the model's or agent's name, or the member's or key's id; empty for a total.
        estimated: Calls whose tokens were counted by Metier.
        unpriced_tokens: Tokens, in and out, of calls that cost nothing or whose price is not known.
    """

    key: str = ""
    label: str = ""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_micros: int = 0
    estimated: int = 0
    unpriced_tokens: int = 0

    @classmethod
    def total(cls, rows: Sequence["Used"]) -> Self:
        """Add up."""
        sums: dict[str, Any] = {f.name: sum(getattr(row, f.name) for row in rows) for f in fields(cls)[2:]}
        return cls(**sums)

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def to_json(self) -> dict[str, Any]:
        """Give the form clients get."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Report:
    """Usage of a span of days, both ends included.

    Attributes:
        everybody: Whether it tells of all the workspace, or only of who asks.
    """

    by: By
    since: date
    until: date
    zone: str
    everybody: bool
    rows: Sequence[Used]
    total: Used

    def to_json(self) -> dict[str, Any]:
        """Give the form clients get."""
        return {
            "by": self.by,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "time_zone": self.zone,
            "everybody": self.everybody,
            "data": [row.to_json() for row in self.rows],
            "total": self.total.to_json(),
        }


class UsageReports:
    """Tells what model calls used."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def report(
        self,
        actor: Actor,
        *,
        by: By = By.DAY,
        since: date | None = None,
        until: date | None = None,
        model: str | None = None,
        agent: str | None = None,
        member: str | None = None,
    ) -> Report:
        """Tell what was used.

        Args:
            since, until: Days, both included; the last 30 if left out.
            model: Only calls of this model, by its full id.
            agent: Only calls on behalf of this agent.
            member: Only calls of the member or key of this id.

        Returns:
            By day every day of the span; else at most 500 rows, those that cost the most first.

        Raises:
            Invalid: The span is none, or longer than 366 days.
        """
        zone = await self._db.value("select core.zone_of(%s)", [actor.workspace_id])
        until = until or self._clock.now().astimezone(ZoneInfo(zone)).date()
        since = since or until - timedelta(days=DAYS - 1)
        _check_span(since, until)
        everybody = any(map(actor.holds, FLAGS))
        asked = {
            "workspace": actor.workspace_id,
            "since": since,
            "until": until,
            "mine": None if everybody else actor.own_id,
            "model": _clean(model),
            "agent": fold_name(agent) if (agent := _clean(agent)) else None,
            "member": _clean(member),
            "limit": DAYS_MAX if by is By.DAY else GROUPS_MAX,
        }
        order = "u.key" if by is By.DAY else "u.cost_micros desc, u.input_tokens + u.output_tokens desc, u.key"
        found = await self._db.rows(_USED.format(key=_KEYS[by], sums=_SUMS, order=order), asked)
        rows = [Used(**row) for row in found]
        if by is By.DAY:
            rows = _every_day(since, until, {row.key: row for row in rows})
        return Report(by, since, until, zone, everybody, rows, Used.total(rows))


def _check_span(since: date, until: date) -> None:
    if since > until:
        problem = f"{until.isoformat()} is before {since.isoformat()}"
    elif (until - since).days >= DAYS_MAX:
        problem = f"at most {DAYS_MAX} days at once, not {(until - since).days + 1}"
    elif until.year >= date.max.year:
        problem = f"{until.isoformat()} is too far ahead"
    else:
        return
    raise Invalid.of([Problem("until", problem)], what="The request")


def _every_day(since: date, until: date, rows: Mapping[str, Used]) -> list[Used]:
    days = [(since + timedelta(days=n)).isoformat() for n in range((until - since).days + 1)]
    return [rows.get(day, Used(day, day)) for day in days]


def _clean(text: str | None) -> str | None:
    return text.replace("\x00", "") or None if text else None
