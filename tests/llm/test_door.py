"""S-43: every call is reserved before its first chunk is given, and settled once, however it ends."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from uuid import UUID

import pytest

from metier.errors import NoModel, OverBudget, ProviderDown
from metier.llm import CallEnd, CallStart, ModelCatalog, ModelInfo, Models
from metier.llm.messages import Finish, PlanNote, ReasoningDelta, Request, TextDelta, ToolCall, Usage, user
from metier.llm.usage import ANSWER_MOST
from tests.runs.conftest import make_actor

PRICED = ModelInfo("test/model", input_micros=1_000_000, output_micros=2_000_000)
ACTOR = make_actor()
REQUEST = Request("model", (user("x" * 40),))  # 10 tokens by estimate
SAID = [TextDelta("abcd"), ReasoningDelta("efgh"), ToolCall("1", "find", '{"a":1}'), PlanNote({})]  # 19 characters


class Said:
    """A provider that gives chunks and raises faults as listed; waits where it finds an Event."""

    name = "test"

    def __init__(self, *steps, model=PRICED):
        self.steps = steps
        self.model = model
        self.closed = False
        self.asked: list[Request] = []

    def models(self):
        return [self.model]

    async def stream(self, request):
        self.asked.append(request)
        try:
            for step in self.steps:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield step
        finally:
            self.closed = True

    async def aclose(self):
        pass


class Book:
    """A ledger that remembers; `hold` keeps reservations waiting, `refuse` and `lose` are raised."""

    def __init__(self, *, refuse=None, lose=None, hold=None, slow=None, limited=False):
        self.limited = limited
        self.events: list[str] = []
        self.start: CallStart | None = None
        self.ends: list[CallEnd] = []
        self.refuse, self.lose, self.hold, self.slow = refuse, lose, hold, slow

    async def reserve(self, call):
        if self.hold:
            await self.hold.wait()
        if self.refuse:
            raise self.refuse
        self.start = call
        self.events.append("reserved")
        return UUID(int=7)

    async def settle(self, call_id, end):
        assert call_id == UUID(int=7)
        if self.slow:
            await self.slow.wait()
        if self.lose:
            raise self.lose
        self.events.append("settled")
        self.ends.append(end)

    @property
    def end(self) -> CallEnd:
        (end,) = self.ends
        return end


def door(provider, clock):
    return Models(ModelCatalog([provider]), clock)


async def read(provider, clock, book):
    async with aclosing(door(provider, clock).ask(REQUEST, actor=ACTOR, ledger=book)) as stream:
        return [chunk async for chunk in stream]


# --- the account -----------------------------------------------------------------------------------------------------


async def test_a_finished_answer_is_settled_with_its_usage(clock):
    book = Book()

    chunks = await read(Said(*SAID, Finish("stop", Usage(100, 10))), clock, book)

    assert chunks == [*SAID, Finish("stop", Usage(100, 10), cost_micros=120)]
    assert book.events == ["reserved", "settled"]
    assert (book.end.status, book.end.usage, book.end.estimated) == ("settled", Usage(100, 10), False)
    assert (book.end.cost_micros, book.end.error) == (120, None)


async def test_what_is_reserved_is_the_resolved_model(clock):
    book, provider = Book(), Said(Finish("stop"))

    await read(provider, clock, book)

    assert book.start.model == PRICED
    assert book.start.request.model == provider.asked[0].model == "test/model"
    assert book.start.started_at == clock.now()


async def test_usage_that_nobody_counted_is_estimated_and_says_so(clock):
    book = Book()

    finish = (await read(Said(*SAID, Finish("stop")), clock, book))[-1]

    assert finish == Finish("stop", Usage(10, 5), estimated=True, cost_micros=20)
    assert (book.end.usage, book.end.estimated) == (Usage(10, 5), True)


async def test_rules_cost_nothing_and_are_not_estimated(clock):
    book, rules = Book(), ModelInfo("test/model", ai=False)

    finish = (await read(Said(TextDelta("abcd"), Finish("stop"), model=rules), clock, book))[-1]

    assert finish == Finish("stop", Usage(), estimated=False, cost_micros=0)


async def test_an_unknown_price_stays_unknown(clock):
    book = Book()

    await read(Said(Finish("stop", Usage(1, 1)), model=ModelInfo("test/model")), clock, book)

    assert book.end.cost_micros is None


async def test_times_are_measured(clock):
    book, go = Book(), asyncio.Event()
    provider = Said(go, TextDelta("a"), Finish("stop"))
    reading = asyncio.ensure_future(read(provider, clock, book))
    await asyncio.sleep(0)
    clock.forward(2)
    go.set()
    await reading

    assert (book.end.first_ms, book.end.ms) == (2000, 2000)


# --- the order -------------------------------------------------------------------------------------------------------


async def test_the_request_is_on_its_way_while_the_reservation_is_written(clock):
    book, provider = Book(hold=asyncio.Event()), Said(TextDelta("a"), Finish("stop"))
    seen = []

    async def reads():
        async with aclosing(door(provider, clock).ask(REQUEST, actor=ACTOR, ledger=book)) as stream:
            async for chunk in stream:
                seen.extend([(chunk, list(book.events))])

    reading = asyncio.ensure_future(reads())
    for _ in range(10):
        await asyncio.sleep(0)
    assert provider.asked
    assert seen == []

    book.hold.set()
    await reading
    assert seen[0] == (TextDelta("a"), ["reserved"])


async def test_the_finish_is_given_while_the_settlement_is_written_and_the_end_waits_for_it(clock):
    book = Book(slow=asyncio.Event())
    stream = door(Said(Finish("stop")), clock).ask(REQUEST, actor=ACTOR, ledger=book)

    assert isinstance(await anext(stream), Finish)
    ending = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0.01)
    assert not ending.done()
    book.slow.set()
    await ending
    assert book.events == ["reserved", "settled"]


# --- the other ends --------------------------------------------------------------------------------------------------


async def test_a_fault_is_settled_and_told(clock):
    book, fault = Book(), ProviderDown("test", "x", kind="cut_off")

    with pytest.raises(ProviderDown) as caught:
        await read(Said(*SAID, fault), clock, book)

    assert caught.value is fault
    assert (book.end.status, book.end.usage, book.end.estimated) == ("failed", Usage(10, 5), True)
    assert book.end.error["error"] == "ProviderDown"


async def test_a_fault_before_the_first_chunk_is_settled_too(clock):
    book = Book(hold=asyncio.Event())
    reading = asyncio.ensure_future(read(Said(ProviderDown("test", "x")), clock, book))
    await asyncio.sleep(0.01)
    assert not reading.done()
    book.hold.set()

    with pytest.raises(ProviderDown):
        await reading
    assert book.events == ["reserved", "settled"]
    assert book.end.first_ms is None


async def test_a_mistake_of_a_provider_is_settled_by_name(clock):
    book = Book()

    with pytest.raises(ZeroDivisionError):
        await read(Said(TextDelta("a"), ZeroDivisionError("oops")), clock, book)

    assert book.end.error == {"error": "ZeroDivisionError", "message": "oops"}


async def test_closing_early_settles_an_estimate_and_closes_the_provider(clock):
    book, provider = Book(), Said(*SAID, asyncio.Event())

    async with aclosing(door(provider, clock).ask(REQUEST, actor=ACTOR, ledger=book)) as stream:
        await anext(stream)

    assert provider.closed
    assert (book.end.status, book.end.usage, book.end.estimated) == ("stopped", Usage(10, 1), True)
    assert book.end.error is None


async def test_closing_after_the_finish_is_a_finished_call(clock):
    book = Book()

    async with aclosing(
        door(Said(Finish("stop", Usage(1, 1))), clock).ask(REQUEST, actor=ACTOR, ledger=book)
    ) as stream:
        await anext(stream)

    assert (book.end.status, book.end.usage) == ("settled", Usage(1, 1))


@pytest.mark.parametrize("steps", [(), SAID])
async def test_a_cancelled_call_is_settled(clock, steps):
    book, provider = Book(), Said(*steps, asyncio.Event())
    reading = asyncio.ensure_future(read(provider, clock, book))
    await asyncio.sleep(0.01)
    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading
    assert provider.closed
    assert (book.events, book.end.status) == (["reserved", "settled"], "stopped")


async def test_a_call_cancelled_twice_is_settled_all_the_same(clock):
    book = Book(slow=asyncio.Event())
    models = door(Said(TextDelta("a"), asyncio.Event()), clock)

    async def reads():
        async with aclosing(models.ask(REQUEST, actor=ACTOR, ledger=book)) as stream:
            async for _ in stream:
                pass

    reading = asyncio.ensure_future(reads())
    for _ in range(2):
        await asyncio.sleep(0.01)
        reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert book.ends == []

    book.slow.set()
    await models.aclose()
    assert book.end.status == "stopped"


async def test_a_call_cancelled_while_its_reservation_is_written_is_settled_after_it(clock):
    book = Book(hold=asyncio.Event())
    models = door(Said(asyncio.Event()), clock)

    async def reads():
        async with aclosing(models.ask(REQUEST, actor=ACTOR, ledger=book)) as stream:
            await anext(stream)

    reading = asyncio.ensure_future(reads())
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.sleep(0.01)
    book.hold.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert book.events == ["reserved", "settled"]


async def test_a_refused_reservation_gives_nothing_and_settles_nothing(clock):
    book, provider = Book(refuse=OverBudget("money", 1, 2)), Said(*SAID, Finish("stop"))

    with pytest.raises(OverBudget):
        await read(provider, clock, book)

    assert provider.closed
    assert book.ends == []


async def test_a_lost_settlement_is_an_error_of_a_finished_call(clock):
    with pytest.raises(ConnectionError, match="database"):
        await read(Said(Finish("stop")), clock, Book(lose=ConnectionError("database")))


async def test_a_lost_settlement_does_not_hide_the_fault_before_it(clock):
    with pytest.raises(ProviderDown) as caught:
        await read(Said(ProviderDown("test", "x")), clock, Book(lose=ConnectionError("database")))

    assert "database" in caught.value.__notes__[0]


async def test_an_unknown_model_is_told_before_anything_is_reserved(clock):
    book = Book()

    with pytest.raises(NoModel):
        async with aclosing(door(Said(), clock).ask(Request("nobody/x", ()), actor=ACTOR, ledger=book)) as stream:
            await anext(stream)

    assert book.events == []


@pytest.mark.parametrize("kind", ["auth", "rejected", "rate_limited", "network"])
async def test_a_refused_call_has_used_nothing(clock, kind: str):
    book = Book()

    with pytest.raises(ProviderDown):
        await read(Said(ProviderDown("test", "x", kind=kind)), clock, book)

    assert (book.end.status, book.end.usage, book.end.estimated) == ("failed", Usage(), False)


async def test_a_refusal_in_the_middle_of_an_answer_is_estimated(clock):
    book = Book()

    with pytest.raises(ProviderDown):
        await read(Said(*SAID, ProviderDown("test", "x", kind="network")), clock, book)

    assert book.end.estimated
    assert book.end.usage.input_tokens > 0


# --- where budgets may refuse ----------------------------------------------------------------------------------------


async def test_s43_nothing_is_sent_before_the_reservation_where_budgets_may_refuse(clock):
    book, provider = Book(hold=asyncio.Event(), limited=True), Said(Finish("stop", Usage(1, 1)))
    reading = asyncio.ensure_future(read(provider, clock, book))
    await asyncio.sleep(0.01)
    assert provider.asked == []

    book.hold.set()
    await reading
    assert book.events == ["reserved", "settled"]


async def test_s43_a_call_that_a_budget_refuses_is_never_sent(clock):
    book, provider = Book(refuse=OverBudget("money", 1, 2), limited=True), Said(Finish("stop"))

    with pytest.raises(OverBudget):
        await read(provider, clock, book)

    assert (provider.asked, book.ends) == ([], [])


async def test_who_is_stopped_while_waiting_for_a_budget_reserves_and_sends_nothing(clock):
    book, provider = Book(hold=asyncio.Event(), limited=True), Said(Finish("stop"))
    reading = asyncio.ensure_future(read(provider, clock, book))
    await asyncio.sleep(0.01)
    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (provider.asked, book.events) == ([], [])


@pytest.mark.parametrize(
    ("limited", "known", "told"), [(True, True, ANSWER_MOST), (True, False, None), (False, True, None)]
)
async def test_a_model_is_told_how_long_its_answer_may_be_where_that_has_to_be_known(clock, limited, known, told):
    provider = Said(Finish("stop"), model=replace(PRICED, context_tokens=100_000 if known else None))

    await read(provider, clock, Book(limited=limited))

    assert provider.asked[0].max_tokens == told


async def test_an_answer_of_a_model_that_was_not_told_ends_at_the_most_there_may_be(clock):
    book, words = Book(limited=True), TextDelta("word" * (ANSWER_MOST // 2))
    provider = Said(words, words, TextDelta("!"), TextDelta("!"), Finish("stop", Usage(1, 1)))

    chunks = await read(provider, clock, book)

    usage = Usage(10, ANSWER_MOST + 1)
    assert chunks == [words, words, TextDelta("!"), Finish("length", usage, estimated=True, cost_micros=32_780)]
    assert provider.closed
    assert (book.end.status, book.end.usage) == ("settled", usage)
