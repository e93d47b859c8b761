"""S-43, S-44: what budgets let pass, what they refuse, and that they count what the ledger says."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest

from metier.actor import Actor, Principal, PrincipalKind
from metier.errors import OverBudget
from metier.events import Status
from metier.llm import ModelCatalog, Models
from metier.llm.door import CallEnd, CallStart
from metier.llm.messages import Chunk, Finish, Request, TextDelta, Usage, user
from metier.llm.provider import ModelInfo
from metier.llm.usage import ANSWER_MOST
from metier.runs import Ledger, RunLog, Runs
from metier.store import Database
from metier.testing import FrozenClock
from tests.runs.conftest import WORKSPACE, make_actor, open_run
from tests.runs.test_run_log import settle_down
from tests.scale import cases

MODEL = ModelInfo("scripted/model", input_micros=1_000_000, output_micros=2_000_000)  # a micro-dollar and two
UNPRICED = ModelInfo("scripted/unpriced")
RULES = ModelInfo("offline/planner", ai=False)
REQUEST = Request("scripted/model", [user("Hi")], max_tokens=100)


async def limit(
    db: Database,
    scope: str = "workspace",
    subject: str = "",
    period: str = "day",
    *,
    tokens: int | None = None,
    cost_micros: int | None = None,
    hard: bool = True,
) -> UUID:
    """Set a budget as another process would."""
    return await db.value(
        "insert into core.budget (workspace_id, id, scope, subject, period, tokens, cost_micros, hard, warn_percent,"
        " created_at, created_by, updated_at)"
        " values (%s, gen_random_uuid(), %s, %s, %s, %s, %s, %s, 80, now(), gen_random_uuid(), now()) returning id",
        [WORKSPACE, scope, subject, period, tokens, cost_micros, hard],
    )


async def call(
    log: RunLog, actor: Actor, usage: Usage, *, model: ModelInfo = MODEL, request: Request = REQUEST
) -> None:
    """Make a whole call."""
    ledger = Ledger(log)
    call_id = await reserve(ledger, actor, model=model, request=request)
    await settle(ledger, call_id, usage)


async def reserve(ledger: Ledger, actor: Actor, *, model: ModelInfo = MODEL, request: Request = REQUEST) -> UUID:
    """Reserve a call."""
    return await ledger.reserve(CallStart(actor, request, model, ledger._log.log.clock.now()))


async def settle(ledger: Ledger, call_id: UUID, usage: Usage) -> None:
    """Settle it, and wait until that is stored."""
    cost = usage.input_tokens + 2 * usage.output_tokens
    await ledger.settle(call_id, CallEnd("settled", usage, False, cost, 1.0, 2.0, ledger._log.log.clock.now()))
    await ledger._log.put()


async def counters(db: Database) -> list[Mapping[str, Any]]:
    """Give what is counted, and fail if it is not what the ledger says."""
    wrong = await db.rows(
        "select u.*, n.* from core.budget_use u join core.budget b on b.id = u.budget_id,"
        " core.counted(b, u.whose, u.since, core.zone_of(u.workspace_id)) n where u <> n"
    )
    assert wrong == []
    names = "whose, tokens, cost_micros, held_tokens, held_calls"
    return await db.rows(f"select {names} from core.budget_use order by whose")


async def test_without_budgets_nothing_is_held_and_nothing_waits(here: Runs, db: Database, actor: Actor) -> None:
    log = await open_run(here, actor)
    ledger = Ledger(log)

    await reserve(ledger, actor)

    assert not ledger.limited
    assert await db.value("select count(*) from core.budget_use") == 0


async def test_a_call_is_reserved_at_its_most_and_settled_to_the_unit(here: Runs, db: Database, actor: Actor) -> None:
    await limit(db, tokens=1_000_000)
    log = await open_run(here, actor)
    ledger = Ledger(log)
    assert ledger.limited

    call_id = await reserve(ledger, actor)
    [held] = await counters(db)
    assert held["held_calls"] == 1
    assert held["held_tokens"] > 100 + len("Hi")

    await settle(ledger, call_id, Usage(7, 5))
    assert await counters(db) == [
        {"whose": "", "tokens": 12, "cost_micros": 17, "held_tokens": 0, "held_calls": 0},
    ]


async def test_a_used_up_budget_refuses_and_says_which_how_much_when_and_who(
    here: Runs, db: Database, actor: Actor
) -> None:
    await db.execute('update core.workspace set settings = \'{"time_zone": "Europe/Berlin"}\'')
    await limit(db, tokens=10)
    log = await open_run(here, actor)
    await call(log, actor, Usage(7, 5))

    with pytest.raises(OverBudget) as caught:
        await call(log, actor, Usage())

    assert caught.value.message == (
        "The budget of this workspace on 21 November 2026 is used up: 12 tokens of 10 tokens used."
        " It begins anew on 22 November 2026, 00:00 (Europe/Berlin)."
    )
    assert "BILLING or AI_SETTINGS" in (caught.value.cure or "")
    assert await db.value("select count(*) from core.model_call") == 1
    await counters(db)


async def test_money_is_counted_too(here: Runs, db: Database, actor: Actor) -> None:
    await limit(db, "member", str(actor.principal.id), "month", cost_micros=12_000)
    log = await open_run(here, actor)
    await call(log, actor, Usage(10_000, 1_250))

    with pytest.raises(OverBudget, match=r"Member 1 in November 2026 is used up: \$0.0125 of \$0.0120 used"):
        await call(log, actor, Usage())


async def test_a_soft_budget_refuses_nothing(here: Runs, db: Database, actor: Actor) -> None:
    await limit(db, tokens=1, hard=False)
    log = await open_run(here, actor)

    await call(log, actor, Usage(7, 5))
    await call(log, actor, Usage(7, 5))

    assert [row["tokens"] for row in await counters(db)] == [24]


async def test_rules_that_only_look_like_a_model_are_free(here: Runs, db: Database, actor: Actor) -> None:
    await limit(db, tokens=1)
    log = await open_run(here, actor)
    await call(log, actor, Usage(7, 5))

    await call(log, actor, Usage(), model=RULES)


async def test_a_model_without_a_price_counts_by_its_tokens_only(here: Runs, db: Database, actor: Actor) -> None:
    await limit(db, tokens=1_000_000, cost_micros=1)
    log = await open_run(here, actor)
    ledger = Ledger(log)
    await reserve(ledger, actor, model=UNPRICED)

    assert await db.value("select held_micros from core.budget_use") == 0
    assert await db.value("select held_tokens from core.budget_use") > 100


async def test_a_budget_set_while_calls_run_counts_what_was_before(here: Runs, db: Database, actor: Actor) -> None:
    """A call that did not know of it is measured and asked for again; one under way counts when it ends."""
    log = await open_run(here, actor)
    ledger = Ledger(log)
    await call(log, actor, Usage(100, 50))
    under_way = await reserve(ledger, actor)
    await limit(db, tokens=400)

    await call(log, actor, Usage(1, 1))  # beside one that holds nothing, for none knew
    await settle(ledger, under_way, Usage(140, 108))

    with pytest.raises(OverBudget, match="400 tokens of 400"):
        await call(log, actor, Usage())
    assert [row["tokens"] for row in await counters(db)] == [400]


async def test_the_last_call_waits_for_those_under_way_and_never_two_go_beyond(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor
) -> None:
    await limit(db, tokens=500)
    first, second = Ledger(await open_run(here, actor)), Ledger(await open_run(elsewhere, actor))
    large = replace(REQUEST, max_tokens=450)
    call_id = await reserve(first, actor, request=large)

    waiting = asyncio.create_task(reserve(second, actor, request=large))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await settle(first, call_id, Usage(100, 50))

    await settle(second, await waiting, Usage(100, 400))
    assert [row["tokens"] for row in await counters(db)] == [650]
    with pytest.raises(OverBudget):
        await reserve(first, actor)


async def test_a_call_larger_than_the_whole_budget_may_be_the_only_one(here: Runs, db: Database, actor: Actor) -> None:
    await limit(db, tokens=10)

    await call(await open_run(here, actor), actor, Usage(1, 1), request=replace(REQUEST, max_tokens=5_000))

    assert [row["tokens"] for row in await counters(db)] == [2]


async def test_who_is_stopped_while_waiting_reserves_nothing(here: Runs, db: Database, actor: Actor) -> None:
    await limit(db, tokens=500)
    log = await open_run(here, actor)
    ledger = Ledger(log)
    call_id = await reserve(ledger, actor, request=replace(REQUEST, max_tokens=450))

    waiting = asyncio.create_task(reserve(Ledger(log), actor, request=replace(REQUEST, max_tokens=450)))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.wait([waiting])
    await settle(ledger, call_id, Usage(1, 1))

    assert [row["held_calls"] for row in await counters(db)] == [0]


@pytest.mark.parametrize("period", ["day", "month"])
async def test_a_new_period_begins_at_midnight_where_the_workspace_is(
    here: Runs, db: Database, actor: Actor, clock: FrozenClock, period: str
) -> None:
    await db.execute('update core.workspace set settings = \'{"time_zone": "Europe/Berlin"}\'')
    clock.set("2026-11-30T22:59:00+00:00")
    await limit(db, period=period, tokens=10)
    log = await open_run(here, actor)
    await call(log, actor, Usage(7, 5))
    with pytest.raises(OverBudget, match="1 December 2026, 00:00"):
        await call(log, actor, Usage())

    clock.set("2026-11-30T23:00:00+00:00")

    await call(log, actor, Usage(7, 5))
    assert await db.value("select array_agg(since order by since) from core.budget_use") == [
        datetime.fromisoformat(f"2026-{since}T23:00:00+00:00")
        for since in (("11-29", "11-30") if period == "day" else ("10-31", "11-30"))
    ]


async def test_what_runs_below_a_run_shares_its_budget(here: Runs, db: Database, actor: Actor) -> None:
    await limit(db, period="run", tokens=20)
    root, other = await open_run(here, actor), await open_run(here, actor)
    child = await open_run(here, actor, parent=root)
    await call(root, actor, Usage(7, 5))
    await call(child, actor, Usage(7, 5))

    for log in (root, child):
        with pytest.raises(OverBudget, match="this workspace for one run is used up: 24 tokens of 20 tokens used"):
            await call(log, actor, Usage())
    await call(other, actor, Usage(1, 1))
    assert sorted(row["tokens"] for row in await counters(db)) == [2, 24]


def key(number: int) -> Actor:
    """Give a key's actor."""
    return replace(make_actor(number), principal=Principal(PrincipalKind.KEY, UUID(int=number), f"Key {number}"))


ADA, BO, BOT = make_actor(1), make_actor(2), key(3)


@pytest.mark.parametrize(
    ("scope", "subject", "refused", "allowed"),
    [
        ("workspace", "", [ADA, BO, BOT], []),
        ("member", str(UUID(int=1)), [ADA], [BO, BOT]),
        ("member", "*", [ADA], [BO, BOT]),
        ("key", "*", [BOT], [ADA, BO]),
        ("key", str(UUID(int=1)), [], [ADA, BO, BOT]),
        ("role", str(UUID(int=1)), [ADA], [BO, BOT]),
        ("agent", "clerk", [ADA.through("clerk", None), BO.through("Clerk", None).through("b", None)], [ADA, BOT]),
        ("agent", "*", [BO.through("clerk", None)], [ADA.through("other", None), BOT]),
    ],
)
async def test_whose_calls_count(
    here: Runs, db: Database, scope: str, subject: str, refused: list[Actor], allowed: list[Actor]
) -> None:
    await limit(db, scope, subject, tokens=1)
    for one in refused[:1]:
        await call(await open_run(here, one), one, Usage(1, 1))

    for one in refused:
        with pytest.raises(OverBudget):
            await call(await open_run(here, one), one, Usage())
    for one in allowed:
        await call(await open_run(here, one), one, Usage())
    await counters(db)


async def test_each_of_many_has_a_counter_of_its_own(here: Runs, db: Database) -> None:
    await limit(db, "member", "*", tokens=1)
    await limit(db, "agent", "*", tokens=1_000_000)
    for one in (ADA, BO, BOT):
        await call(await open_run(here, one), one.through("clerk", None), Usage(1, 1))

    assert [(row["whose"], row["tokens"]) for row in await counters(db)] == [
        (str(ADA.principal.id), 2),
        (str(BO.principal.id), 2),
        ("clerk", 6),
    ]


async def test_a_dead_workers_reservation_is_settled_as_what_was_sent(
    here: Runs, db: Database, actor: Actor, clock: FrozenClock
) -> None:
    await limit(db, tokens=1_000_000)
    log = await open_run(here, actor)
    await reserve(Ledger(log), actor, request=replace(REQUEST, messages=[user("x" * 4_000)]))
    assert [row["held_calls"] for row in await counters(db)] == [1]

    assert await here._claims.interrupt(log.run.id, log.log.epoch)

    [row] = await counters(db)
    assert (row["held_calls"], row["held_tokens"]) == (0, 0)
    assert 1_000 <= row["tokens"] < 1_100
    assert await db.value("select status || ' ' || estimated from core.model_call") == "failed true"


async def test_a_lost_run_leaves_its_calls_to_the_one_who_ended_it(here: Runs, db: Database, actor: Actor) -> None:
    """The old owner's settlement comes late and counts nothing."""
    await limit(db, tokens=1_000_000)
    log = await open_run(here, actor)
    ledger = Ledger(log)
    call_id = await reserve(ledger, actor)
    await here._claims.interrupt(log.run.id, log.log.epoch)
    before = await counters(db)

    await ledger.settle(call_id, CallEnd("settled", Usage(500, 500), False, 1_500, 1.0, 2.0, log.log.clock.now()))
    await settle_down()

    assert await counters(db) == before


async def test_what_a_provider_counted_before_makes_the_next_reservation_tighter(
    here: Runs, db: Database, actor: Actor
) -> None:
    await limit(db, tokens=1_000_000)
    ledger = Ledger(await open_run(here, actor))
    question = user("x" * 8_000)
    await settle(ledger, await reserve(ledger, actor, request=replace(REQUEST, messages=[question])), Usage(2_000, 1))

    await reserve(ledger, actor, request=replace(REQUEST, messages=[question, user("y" * 100)]))

    [row] = await counters(db)
    assert 2_200 <= row["held_tokens"] < 2_300


async def test_an_answer_without_a_limit_is_held_at_the_most_there_may_be(
    here: Runs, db: Database, actor: Actor
) -> None:
    await limit(db, tokens=1_000_000)

    await reserve(Ledger(await open_run(here, actor)), actor, request=replace(REQUEST, max_tokens=None))

    [row] = await counters(db)
    assert row["held_tokens"] > ANSWER_MOST


class Counting:
    """A provider that answers at random length within the limit, and remembers what it counted."""

    name = "counting"

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.usages: list[Usage] = []

    def models(self) -> list[ModelInfo]:
        return [ModelInfo("counting/model", "Counting", 100_000, 1_000_000, 2_000_000)]

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        usage = Usage(self.random.randint(1, 40), self.random.randint(1, request.max_tokens or 1))
        self.usages.append(usage)
        yield TextDelta("Well")
        for _ in range(self.random.randint(0, 30)):
            await asyncio.sleep(0)
        yield Finish("stop", usage)

    async def aclose(self) -> None:
        pass


@pytest.mark.proof
@pytest.mark.parametrize("unit", ["tokens", "cost_micros"])
async def test_s43_100_chats_under_one_budget_go_one_call_beyond_it_at_most(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor, clock: FrozenClock, unit: str
) -> None:
    """On two processes, and none stops while a call would have fitted; the ledger is what the provider counted."""
    await limit(db, **{unit: 30_000 * cases(1)})
    provider = Counting(seed=43)
    models = Models(ModelCatalog([provider]), clock)
    stopped: list[OverBudget] = []

    async def chat(runs: Runs) -> None:
        ledger = Ledger(await open_run(runs, actor))
        try:
            for _ in range(20 * cases(1)):
                request = Request("counting/model", [user("Hi")], max_tokens=200)
                async with aclosing(models.ask(request, actor=actor, ledger=ledger)) as stream:
                    _ = [chunk async for chunk in stream]
        except OverBudget as error:
            stopped.append(error)
        await ledger._log.close(Status.SUCCEEDED, stop_reason="answered")

    await asyncio.gather(*(chat(runs) for _ in range(50) for runs in (here, elsewhere)))

    used = [u.input_tokens + u.output_tokens * (1 if unit == "tokens" else 2) for u in provider.usages]
    assert len(stopped) == 100
    assert 30_000 * cases(1) <= sum(used) < 30_000 * cases(1) + max(used)
    [row] = await counters(db)
    assert (row[unit], row["held_calls"]) == (sum(used), 0)
    assert await db.value("select count(*) from core.model_call") == len(used)
