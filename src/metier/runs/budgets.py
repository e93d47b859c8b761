"""Setting and seeing budgets, with the flag BILLING or AI_SETTINGS; who has neither sees those that apply to them."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from metier.actor import Actor, PrincipalKind, check_any_flag
from metier.audit import note
from metier.clock import Clock
from metier.errors import Invalid, NotFound, Problem
from metier.registry import fold_name
from metier.runs.budget import EACH, MOST, Budget, Period, Scope, Standing
from metier.store import Database, Transaction

FLAGS = ("BILLING", "AI_SETTINGS")  # either
MOST_SHOWN = 5  # holders of a budget for each, those that used the most

_BUDGETS = """
select b.id, b.scope, b.subject, b.period, b.tokens, b.cost_micros, b.hard, b.warn_percent,
    coalesce(m.name, k.name, r.label, b.subject) as label
from core.budget b
left join core.member m on b.scope = 'member' and m.workspace_id = b.workspace_id and m.id::text = b.subject
left join core.api_key k on b.scope = 'key' and k.workspace_id = b.workspace_id and k.id::text = b.subject
left join core.role r on b.scope = 'role' and r.workspace_id = b.workspace_id and r.id::text = b.subject
"""

# What was used in the present period, from the ledger itself. `mine`: a principal's id, or null for all.
_STANDINGS = f"""
with place as (select core.zone_of(%(workspace)s) as zone)
select b.*, coalesce(s.whose, '') as whose, coalesce(m.name, k.name, s.whose, '') as holder,
    coalesce(s.used_tokens, 0)::bigint as used_tokens, coalesce(s.used_micros, 0)::bigint as used_micros,
    p.since, case when b.period <> 'run' then core.period_end(b.period, p.since, place.zone) end as until
from place, ({_BUDGETS} where b.workspace_id = %(workspace)s) b
join core.budget raw on raw.workspace_id = %(workspace)s and raw.id = b.id,
lateral (select core.period_start(b.period, %(now)s, (select zone from place)) as since) p
left join lateral (
    select w.whose, sum(c.input_tokens + c.output_tokens) as used_tokens, sum(c.cost_micros) as used_micros
    from core.model_call c, unnest(core.whose_of(c, raw)) as w(whose)
    where b.period <> 'run' and c.workspace_id = %(workspace)s and c.started_at >= p.since and c.status <> 'reserved'
        and core.falls_under(c, raw)
        and (%(mine)s::text is null or b.scope in ('workspace', 'agent') or w.whose in ('', %(mine)s::text))
    group by w.whose
    having sum(c.input_tokens + c.output_tokens + c.cost_micros) > 0
    order by used_micros desc, used_tokens desc, w.whose
    limit {MOST_SHOWN}
) s on true
left join core.member m on m.workspace_id = %(workspace)s and m.id::text = s.whose
left join core.api_key k on k.workspace_id = %(workspace)s and k.id::text = s.whose
order by array_position('{{workspace,role,member,key,agent}}', b.scope), b.subject, b.period, used_micros desc, s.whose
"""


class Budgets:
    """The budgets of all workspaces.

    Args:
        agents: Gives the names of the agents that there are in a workspace.
    """

    def __init__(self, db: Database, clock: Clock, *, agents: Callable[[UUID], Awaitable[Collection[str]]]) -> None:
        self._db = db
        self._clock = clock
        self._agents = agents

    async def list(self, actor: Actor) -> list[Standing]:
        """Give the budgets and how they stand, for one for each those who used the most.

        Who holds neither flag gets those that apply to them, with what they used themselves.
        """
        mine = None if any(map(actor.holds, FLAGS)) else str(actor.own_id)
        params = {"workspace": actor.workspace_id, "now": self._clock.now(), "mine": mine}
        found = [Standing.of(row) for row in await self._db.rows(_STANDINGS, params)]
        return found if mine is None else [one for one in found if _applies(one.budget, actor)]

    async def set(
        self,
        actor: Actor,
        *,
        scope: Scope,
        subject: str = "",
        period: Period,
        tokens: int | None = None,
        cost_micros: int | None = None,
        hard: bool = True,
        warn_percent: int = 80,
    ) -> Budget:
        """Set a budget, in place of one for the same calls and period. It holds from the next model call on.

        Args:
            subject: Whose calls count: nothing for the workspace; a member's id or e-mail, a key's id, its first
                characters or its name, a role's or an agent's name; `*` for each member, key or agent by itself.
            tokens: Most tokens, in and out; None for any number.
            cost_micros: Most money, in micro-dollars; None for any sum.
            hard: Refuse calls when it is used up; else only warn.
            warn_percent: From which share on it warns, 1–100.

        Raises:
            MissingPermission: The actor holds neither BILLING nor AI_SETTINGS.
            NotFound: There is no such member, key, role or agent.
            Invalid: It limits nothing, or a number is out of its range.
        """
        check_any_flag(actor, *FLAGS)
        _check(tokens, cost_micros, warn_percent)
        now = self._clock.now()
        async with self._db.transaction() as transaction:
            await _let_calls_finish(transaction)
            budget_id = await transaction.value(
                """
                insert into core.budget (workspace_id, id, scope, subject, period, tokens, cost_micros, hard,
                    warn_percent, created_at, created_by, updated_at)
                values (%(workspace)s, %(id)s, %(scope)s, %(subject)s, %(period)s, %(tokens)s, %(cost_micros)s,
                    %(hard)s, %(warn_percent)s, %(now)s, %(by)s, %(now)s)
                on conflict (workspace_id, scope, subject, period) do update
                set tokens = excluded.tokens, cost_micros = excluded.cost_micros, hard = excluded.hard,
                    warn_percent = excluded.warn_percent, updated_at = excluded.updated_at
                returning id
                """,
                {
                    "workspace": actor.workspace_id,
                    "id": self._clock.new_id(),
                    "scope": scope,
                    "subject": await self._subject(transaction, actor.workspace_id, scope, subject.strip()),
                    "period": period,
                    "tokens": tokens,
                    "cost_micros": cost_micros,
                    "hard": hard,
                    "warn_percent": warn_percent,
                    "now": now,
                    "by": actor.principal.id,
                },
            )
            budget = await _get(transaction, actor.workspace_id, budget_id)
            await note(
                transaction,
                self._clock,
                actor,
                "budget.set",
                target=budget.title,
                target_id=budget.id,
                details=budget.to_json(),
            )
            return budget

    async def remove(self, actor: Actor, budget_id: UUID) -> None:
        """Take a budget away; what was used stays in the ledger.

        Raises:
            MissingPermission: The actor holds neither BILLING nor AI_SETTINGS.
            NotFound: There is no such budget.
        """
        check_any_flag(actor, *FLAGS)
        async with self._db.transaction() as transaction:
            budget = await _get(transaction, actor.workspace_id, budget_id)
            await transaction.execute(
                "delete from core.budget where workspace_id = %s and id = %s", [actor.workspace_id, budget.id]
            )
            await note(transaction, self._clock, actor, "budget.removed", target=budget.title, target_id=budget.id)

    async def _subject(self, transaction: Transaction, workspace_id: UUID, scope: Scope, given: str) -> str:
        """Give what is stored for the subject that a person has named."""
        if scope is Scope.WORKSPACE:
            if given:
                raise _invalid("subject", f"a budget of the workspace has none, not {given!r}")
            return ""
        if scope is Scope.AGENT:
            return given if given == EACH else await self._agent(workspace_id, given)
        if given == EACH and scope is not Scope.ROLE:
            return EACH
        rows = await transaction.rows(_SUBJECTS[scope], [workspace_id])
        found = next((row for row in rows if _named(row, scope, given)), None)
        if found is None:
            raise NotFound(_CALLED.get(scope, scope), given, [name for row in rows for name in row["names"]])
        return str(found["id"])

    async def _agent(self, workspace_id: UUID, given: str) -> str:
        names = {fold_name(name): name for name in await self._agents(workspace_id)}
        if fold_name(given) not in names:
            raise NotFound("agent", given, names.values())
        return fold_name(given)


_CALLED: Mapping[Scope, str] = {Scope.KEY: "API key"}

_SUBJECTS: Mapping[Scope, str] = {
    Scope.MEMBER: """
        select id, array_remove(array[email], null) as names from core.member
        where workspace_id = %s and deleted_at is null
        """,
    Scope.KEY: """
        select id, array[name, prefix] as names from core.api_key
        where workspace_id = %s and revoked_at is null
        """,
    Scope.ROLE: "select id, array[name] as names from core.role where workspace_id = %s",
}


def _named(row: Mapping[str, Any], scope: Scope, given: str) -> bool:  # Any: columns of _SUBJECTS
    if str(row["id"]) == given.lower():
        return True
    return any(fold_name(name) == fold_name(given) for name in row["names"])


async def _let_calls_finish(transaction: Transaction) -> None:
    """Let no call be reserved or settled until the transaction ends, and wait for those that are just now.

    They may know of no budget yet; so a counter that is made from the ledger afterwards misses none.
    """
    await transaction.execute("lock table core.model_call in share row exclusive mode")


async def _get(transaction: Transaction, workspace_id: UUID, budget_id: UUID) -> Budget:
    row = await transaction.row(f"{_BUDGETS} where b.workspace_id = %s and b.id = %s", [workspace_id, budget_id])
    if row is None:
        raise NotFound("budget", str(budget_id))
    return Budget.of(row)


def _check(tokens: int | None, cost_micros: int | None, warn_percent: int) -> None:
    if tokens is None and cost_micros is None:
        raise _invalid("tokens", "a budget limits tokens, money or both; give 'tokens' or 'cost_micros'")
    for path, value in (("tokens", tokens), ("cost_micros", cost_micros)):
        if value is not None and not 0 <= value <= MOST:
            raise _invalid(path, f"must be 0 to {MOST:,}, not {value:,}")
    if not 1 <= warn_percent <= 100:
        raise _invalid("warn_percent", f"must be 1 to 100, not {warn_percent}")


def _invalid(path: str, problem: str) -> Invalid:
    return Invalid.of([Problem(path, problem)], what="The budget")


def _applies(budget: Budget, actor: Actor) -> bool:
    """Say whether calls of the actor count against it; those of agents may, whoever asks them."""
    is_key = actor.principal.kind is PrincipalKind.KEY
    match budget.scope:
        case Scope.WORKSPACE | Scope.AGENT:
            return True
        case Scope.ROLE:
            return any(budget.subject == str(role.id) for role in actor.own_roles)
        case Scope.MEMBER | Scope.KEY:
            mine = budget.subject in (EACH, str(actor.own_id))
            return mine and is_key == (budget.scope is Scope.KEY)
