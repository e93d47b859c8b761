"""A run's events as frames for a browser: blocks of HTML, cards, and coming back anywhere without loss."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from metier.events import START, Cursor, Event, EventType, Status
from metier.runs import Run
from metier.testing import FrozenClock
from metier.web.cards import Cards
from metier.web.mdstream import render
from metier.web.pages import Pages
from metier.web.reading import Reading
from metier.web.stream import Frame, Painter, html_frames

ROOT, CHILD, THREAD = UUID(int=1), UUID(int=2), UUID(int=3)
BEGAN = datetime(2026, 11, 21, 9, tzinfo=UTC)
RUN = Run(
    workspace_id=UUID(int=9),
    id=ROOT,
    root_id=ROOT,
    parent_id=None,
    kind="turn",
    name="crm-assistant",
    status=Status.RUNNING,
    thread_id=THREAD,
    turn=1,
    actor={},
    principal_id=UUID(int=8),
    input="How many ships?",
    created_at=BEGAN,
    started_at=BEGAN,
)


class NoHouse:
    """What `Pages` needs of a Metier to render fragments: nothing but a clock."""

    clock = FrozenClock()


@pytest.fixture(scope="module")
def cards() -> Cards:
    from metier.web.assets import Assets

    pages = Pages(NoHouse(), Assets())  # type: ignore[arg-type]  # fragments ask nothing of the house
    return Cards(pages, [], Reading(BEGAN, BEGAN.tzinfo), {"scripted/model": "Scripted"})  # type: ignore[arg-type]


class Told:
    """Writes events as a run does: `Told().says("Hello ").calls("find_ships").…`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.epoch, self.seq, self.part, self.offset = 1, 0, 0, 0

    def tell(self, type: EventType, data: dict[str, Any], *, run_id: UUID = ROOT) -> "Told":
        self.seq += 1
        at = BEGAN + timedelta(milliseconds=100 * len(self.events))
        self.events.append(Event(ROOT, run_id, self.epoch, self.seq, at, type, data))
        return self

    def says(self, *pieces: str) -> "Told":
        for piece in pieces:
            self.tell(EventType.TOKEN, {"part": self.part, "offset": self.offset, "text": piece})
            self.offset += len(piece)
        return self

    def next_part(self) -> "Told":
        self.part, self.offset = self.part + 1, 0
        return self

    def calls(self, name: str, call_id: str = "c1", **arguments: Any) -> "Told":
        return self.tell(EventType.TOOL_CALL, {"call_id": call_id, "name": name, "arguments": arguments})

    def gives(self, result: Any, name: str = "find_ships", call_id: str = "c1") -> "Told":
        body = {"success": True, "message": "Done.", "result": result, "ms": 12.0}
        return self.tell(EventType.TOOL_RESULT, {"call_id": call_id, "name": name, **body})

    def completes(self, status: str = "succeeded", **more: Any) -> "Told":
        usage = {"input_tokens": 1000, "output_tokens": 45}
        body = {"status": status, "output": "", "stop_reason": "answered", "usage": usage, "cost": 2300}
        return self.tell(EventType.COMPLETE, body | more)

    def plans(self) -> "Told":
        return self.tell(EventType.PLAN_STEP, {"plan": {}})

    def taken_over(self, *, after: Cursor = START) -> "Told":
        """Let another process go on, as it does: with the part of text that was being written."""
        self.epoch, self.seq, self.offset = self.epoch + 1, 0, 0
        return self.tell(EventType.RESUMED, {"part": self.part, "after": str(after)})


def dialogue() -> Told:
    told = Told().says("I will ", "look.\n\n", "Wait ", "please.").next_part()
    told.calls("find_ships", where={"launched": {"within": "last_7_days"}}).gives({"object": "ship", "records": []})
    told.tell(EventType.USAGE, {"model": "scripted/model", "input_tokens": 1, "output_tokens": 1})
    return told.says("There ", "are **two", "**:\n\n", "1. a\n", "\n2", ". b\n\n", "Bye").completes()


async def stream(events: Sequence[Event]) -> AsyncGenerator[Event, None]:
    for event in events:
        await asyncio.sleep(0)
        yield event


async def frames_of(events: Sequence[Event], cards: Cards, *, after: Cursor = START) -> list[Frame]:
    made = html_frames(stream(events), cards=cards, run=RUN, clock=FrozenClock(), after=after)
    return [frame async for frame in made]


class Browser:
    """What a page does with frames."""

    def __init__(self) -> None:
        self.blocks: dict[int, dict[int, str]] = {}
        self.cards: dict[str, str] = {}
        self.plans: list[str] = []
        self.others: list[str] = []
        self.last = START

    def take(self, frame: Frame) -> None:
        cursor, name, data = frame
        assert cursor >= self.last, "cursors never go back"
        self.last = cursor
        if name == "html":
            self.blocks.setdefault(data["seg"], {})[data["i"]] = data["html"]
            if not data["html"]:
                del self.blocks[data["seg"]][data["i"]]
        elif name in ("tool_call", "tool_result"):
            tag = BeautifulSoup(data["html"], "html.parser").details
            assert tag is not None
            assert str(tag["data-call"]) == str(data["card"])
            self.cards[str(tag["data-call"])] = str(tag["data-status"])
        elif name == "plan_step":
            self.plans.append(data["html"])
        elif name == "resumed":
            self.blocks = {seg: blocks for seg, blocks in self.blocks.items() if seg < data["seg"]}
            del self.plans[data["plans"] :]
        else:
            self.others.append(name)

    @property
    def texts(self) -> list[str]:
        return ["".join(blocks[i] for i in sorted(blocks)) for _, blocks in sorted(self.blocks.items())]

    @property
    def state(self) -> tuple[list[str], dict[str, str], list[str]]:
        return self.texts, self.cards, self.plans


# --- forms -----------------------------------------------------------------------------------------------------------


async def test_text_comes_as_blocks_and_the_end_is_that_of_the_whole(cards: Cards):
    browser = Browser()
    for frame in await frames_of(dialogue().events, cards):
        browser.take(frame)

    assert browser.texts == [
        "".join(render("I will look.\n\nWait please.")),
        "".join(render("There are **two**:\n\n1. a\n\n2. b\n\nBye")),
    ]


async def test_text_is_sent_before_the_call_that_follows_it(cards: Cards):
    names = [name for _, name, _ in await frames_of(dialogue().events, cards)]

    assert "html" in names[: names.index("tool_call")]
    assert "token" not in names


async def test_a_call_becomes_a_running_card_and_its_result_takes_its_place(cards: Cards):
    frames = await frames_of(dialogue().events, cards)
    call = next(data for _, name, data in frames if name == "tool_call")
    result = next(data for _, name, data in frames if name == "tool_result")

    assert call["arguments"] == {"where": {"launched": {"within": "last_7_days"}}}
    assert 'data-status="running"' in call["html"]
    assert "launched within last_7_days" in call["html"]
    assert 'data-status="succeeded"' in result["html"]
    assert "done in 12 ms" in result["html"]
    assert f'data-call="{result["card"]}"' in call["html"]
    assert "result" not in result, "the card shows it; sending it twice helps nobody"


async def test_calls_that_share_an_id_get_a_card_each(cards: Cards):
    told = Told().calls("find_ships").gives([]).calls("find_ships").gives([]).completes()
    browser = Browser()
    for frame in await frames_of(told.events, cards):
        browser.take(frame)

    assert browser.cards == {"1": "succeeded", "2": "succeeded"}


async def test_the_end_tells_what_the_turn_used(cards: Cards):
    *_, (_, name, data) = await frames_of(dialogue().events, cards)

    text = BeautifulSoup(data["html"], "html.parser").get_text(" ", strip=True)
    assert name == "complete"
    assert data["status"] == "succeeded"
    for fact in ("Scripted", "1,045 tokens", "$0.0023", "Trace"):
        assert fact in text


async def test_a_failed_turn_shows_the_cause_and_offers_the_same_text_again(cards: Cards):
    told = (
        Told()
        .says("I was")
        .tell(EventType.ERROR, {"error": "ProviderDown", "message": "No <b>answer</b>.", "cure": "Wait."})
    )
    frames = await frames_of(told.completes("failed").events, cards)

    page = BeautifulSoup(frames[-1][2]["html"], "html.parser")
    assert "No <b>answer</b>. Wait." in page.get_text()
    assert page.select_one(f'form[action="/chat/{THREAD}"] input[name=text]')["value"] == "How many ships?"


async def test_a_stopped_turn_says_so_without_an_error(cards: Cards):
    frames = await frames_of(Told().says("I was").completes("stopped").events, cards)

    page = BeautifulSoup(frames[-1][2]["html"], "html.parser")
    assert "Stopped" in page.get_text()
    assert page.select_one("[role=alert], form") is None


async def test_words_and_the_end_of_runs_below_are_not_the_answer(cards: Cards):
    told = Told().says("Mine.")
    told.tell(EventType.TOKEN, {"part": 0, "offset": 0, "text": "Theirs."}, run_id=CHILD)
    told.tell(EventType.COMPLETE, {"status": "succeeded"}, run_id=CHILD)
    frames = await frames_of(told.completes().events, cards)

    assert [name for _, name, _ in frames] == ["html", "complete"]
    assert "Theirs" not in str(frames)


async def test_reasoning_stays_on_the_server(cards: Cards):
    told = Told().tell(EventType.REASONING, {"part": 0, "offset": 0, "text": "secret thought"}).says("Hi").completes()

    assert "secret thought" not in str(await frames_of(told.events, cards))


async def page_of(told: Told, cards: Cards) -> Browser:
    browser = Browser()
    for frame in await frames_of(told.events, cards):
        browser.take(frame)
    return browser


async def test_a_new_owner_says_the_unfinished_text_anew(cards: Cards):
    told = Told().says("Zero.").next_part().says("One.\n\n", "Two.\n\n", "Thr").taken_over().says("Un.").completes()

    assert (await page_of(told, cards)).texts == ["".join(render("Zero.")), "".join(render("Un."))]


async def test_what_a_new_owner_does_not_say_again_goes(cards: Cards):
    told = Told().plans().says("I was ab").taken_over().calls("x").gives(1).completes()
    page = await page_of(told, cards)

    assert (page.texts, page.plans, page.cards) == ([], [], {"1": "succeeded"})


async def test_plans_of_steps_that_are_done_stay(cards: Cards):
    told = Told().plans().calls("x").gives(1)
    done = told.events[-1].cursor
    told.plans().taken_over(after=done).plans().says("Done.").completes()

    assert len((await page_of(told, cards)).plans) == 2


async def test_a_call_that_is_made_again_keeps_its_card(cards: Cards):
    told = Told().calls("x").gives(1).calls("x").taken_over().calls("x").gives(1).completes()

    assert (await page_of(told, cards)).cards == {"1": "succeeded", "2": "succeeded"}


# --- coming back -----------------------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(cut=st.integers(0, 40), again=st.integers(0, 40), take_over=st.booleans())
async def test_a_reader_cut_off_after_any_frame_ends_with_the_same_page(
    cut: int, again: int, take_over: bool, cards: Cards
):
    told = dialogue()
    if take_over:
        told = (
            Told()
            .plans()
            .says("One.\n\n", "Two.\n\n", "Three is wro")
            .taken_over()
            .plans()
            .says("Un.\n\n", "Deux.")
            .next_part()
            .calls("x")
            .taken_over(after=Cursor(2, 5))
            .calls("x")
            .gives(1)
            .says("Trois.")
            .completes()
        )
    whole = Browser()
    for frame in await frames_of(told.events, cards):
        whole.take(frame)
    reader = Browser()
    for length in (cut, again, None):
        for frame in (await frames_of(told.events, cards, after=reader.last))[:length]:
            reader.take(frame)

    assert reader.state == whole.state


async def test_what_was_sent_before_is_not_sent_again(cards: Cards):
    events = dialogue().events
    result = next(event for event in events if event.type is EventType.TOOL_RESULT)

    frames = await frames_of(events, cards, after=result.cursor)

    assert all(cursor > result.cursor for cursor, _, _ in frames)
    assert {data["seg"] for _, name, data in frames if name == "html"} == {1}


async def test_only_the_last_block_of_a_flush_moves_the_cursor_on(cards: Cards):
    """Who is cut off between two blocks gets both again."""
    told = Told().says("One.\n\nTwo.\n\nThree.")
    painter = Painter(cards, RUN, FrozenClock())

    cursors = [cursor for event in told.events for cursor, _, _ in painter.take(event, 1.0)]

    assert cursors == [START, START, Cursor(1, 1)]


# --- time ------------------------------------------------------------------------------------------------------------


async def test_words_that_wait_are_sent_when_they_are_due_and_not_only_with_the_next_event(cards: Cards):
    told = Told().says("One ", "two")
    hold = asyncio.Event()

    async def events() -> AsyncGenerator[Event, None]:
        for event in told.events:
            yield event
        await hold.wait()

    frames = html_frames(events(), cards=cards, run=RUN, clock=FrozenClock())
    seen: list[str] = []
    async with asyncio.timeout(12):
        async for _, _, data in frames:
            seen.append(data["html"])
            if "two" in data["html"]:
                break
    hold.set()
    await frames.aclose()

    assert seen == ["<p>One</p>\n", "<p>One two</p>\n"]


async def test_a_reader_that_goes_away_lets_go_of_the_events(cards: Cards):
    closed = asyncio.Event()

    async def events() -> AsyncGenerator[Event, None]:
        try:
            yield dialogue().events[0]
            await asyncio.sleep(3600)
        finally:
            closed.set()

    source = events()
    frames = html_frames(source, cards=cards, run=RUN, clock=FrozenClock())
    await anext(frames)
    await frames.aclose()
    await source.aclose()

    assert closed.is_set()
