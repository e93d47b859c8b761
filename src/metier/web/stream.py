"""A run's events as a browser gets them: text as HTML blocks, cards as markup. Made while reading, never stored.

Event ──▶ Painter ──▶ (cursor, event name, data) ──▶ one frame of server-sent events

`token` becomes `html {seg, i, html}`: block `i` of text number `seg`. `tool_call`, `tool_result`, `plan_step`,
`interrupt`, `interrupt_response` and `complete` carry a fragment in `html` besides their data; `tool_call` and
`tool_result` name their `card`, which takes the place of one of the same number, and a `tool_result` leaves its
`result` out. `resumed` says from which text number `seg` on, and behind how many `plans`, the page is to forget what it
shows. Reasoning is left out. A frame's cursor is that of the newest event whose whole effect has been sent, so a reader
who comes back with it misses nothing; text that was being written is sent again from its beginning.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.clock import Clock
from metier.events import START, Cursor, Event, EventType, Status
from metier.runs import Run, Runs
from metier.web.asking import draw, told_card
from metier.web.cards import Cards, turn_end
from metier.web.mdstream import MdStream
from metier.web.pages import Pages
from metier.web.wording import used

Frame = tuple[Cursor, str, Mapping[str, Any]]


@dataclass
class _Passage:
    """One text of a run: the `seg` it has in the page, and its rendering."""

    seg: int
    md: MdStream = field(default_factory=MdStream)
    upto: Cursor = START  # the newest event in it


@dataclass
class _Called:
    """A tool call on the page."""

    card: int
    data: Mapping[str, Any]
    epoch: int
    answered: bool = False


class Painter:
    """Turns the events of one run, from its first on, into frames.

    Args:
        after: Frames up to here were sent before; they are made again only as far as later ones build on them.
    """

    def __init__(self, cards: Cards, run: Run, clock: Clock, after: Cursor = START) -> None:
        self._cards = cards
        self._run = run
        self._clock = clock
        self._after = after
        self._sent = after
        self._passages: dict[tuple[UUID, int], _Passage] = {}
        self._open: _Passage | None = None
        self._calls: dict[tuple[UUID, str], _Called] = {}  # the last call of an id
        self._plans: list[Cursor] = []
        self._cards_made = 0
        self._asked: dict[str, Mapping[str, Any]] = {}  # requests by id, as they were told last
        self._began = run.started_at
        self._model = ""
        self._error: Mapping[str, Any] | None = None

    def take(self, event: Event, now: float) -> Iterator[Frame]:
        """Give the frames that an event brings about, text that waited before it included."""
        self._began = self._began or event.ts
        if event.type is EventType.TOKEN:
            yield from self._write(event, now)
            return
        if event.type is EventType.REASONING:
            return
        if event.type is EventType.RESUMED:
            self._open = None
        data = self._data(event)
        if event.cursor <= self._after:
            self._open = None
        elif data is not None:
            yield from self.flush(now, final=True)
            self._open = None
            self._sent = event.cursor
            yield event.cursor, event.type.value, data

    def due_in(self, now: float) -> float | None:
        """Give the seconds until `flush` has something to say; None while it has not."""
        passage = self._open
        return passage.md.due_in(now) if passage and passage.upto > self._after else None

    def flush(self, now: float, *, final: bool = False) -> Iterator[Frame]:
        """Give the blocks of the open text that changed."""
        passage = self._open
        if passage is None or passage.upto <= self._after:
            return
        changes = passage.md.changes(now, final=final)
        for n, block in enumerate(changes, start=1):
            self._sent = passage.upto if n == len(changes) else self._sent
            yield self._sent, "html", {"seg": passage.seg, "i": block.i, "html": block.html}

    def _write(self, event: Event, now: float) -> Iterator[Frame]:
        if event.run_id != event.root_id:
            return  # words of an agent at work for this one: its trace has them
        key = (event.run_id, event.data["part"])
        passage = self._passages.setdefault(key, _Passage(len(self._passages)))
        if self._open is not passage:
            yield from self.flush(now, final=True)
            self._open = passage
        if event.data["offset"] < passage.md.length:
            passage.md.cut(event.data["offset"])
        passage.md.put(event.data["text"])
        passage.upto = event.cursor
        yield from self.flush(now)

    def _data(self, event: Event) -> Mapping[str, Any] | None:
        """Give what the browser gets of an event; None for what is not for it."""
        data = event.data
        match event.type:
            case EventType.TOOL_CALL:
                card = self._card(event)
                return self._with({**data, "card": card}, event, lambda: self._running(event, card))
            case EventType.TOOL_RESULT:
                call = self._calls.get((event.run_id, data["call_id"]), _Called(0, data, event.epoch))
                call.answered = True
                brief = {name: value for name, value in data.items() if name != "result"} | {"card": call.card}
                return self._with(brief, event, lambda: self._cards.tool(call.data, data, key=call.card))
            case EventType.RESUMED:
                return self._forget(data)
            case EventType.PLAN_STEP:
                self._plans.append(event.cursor)
                return self._with(data, event, lambda: self._cards.plan(data["plan"], self._run.thread_id))
            case EventType.INTERRUPT:
                self._asked[data["request_id"]] = data
                return self._with(data, event, lambda: self._ask(data, None))
            case EventType.INTERRUPT_RESPONSE:
                asked = self._asked.get(data["request_id"])
                return self._with(data, event, lambda: self._ask(asked, data)) if asked else data
            case EventType.USAGE:
                self._model = data.get("model") or self._model
                return data
            case EventType.ERROR:
                self._error = data
                return data
            case EventType.COMPLETE:
                return self._with(data, event, lambda: self._end(event)) if event.run_id == event.root_id else None
            case _:
                return data

    def _with(self, data: Mapping[str, Any], event: Event, draw: Callable[[], str]) -> Mapping[str, Any]:
        return data if event.cursor <= self._after else {**data, "html": draw()}

    def _card(self, event: Event) -> int:
        """Give the number of a call's card: that of the call it makes again, if the process before died on it."""
        key = (event.run_id, event.data["call_id"])
        before = self._calls.get(key)
        if before is not None and not before.answered and before.epoch < event.epoch:
            card = before.card
        else:
            card = self._cards_made = self._cards_made + 1
        self._calls[key] = _Called(card, event.data, event.epoch)
        return card

    def _running(self, event: Event, card: int) -> str:
        since = max(0.0, (self._clock.now() - event.ts).total_seconds())
        return self._cards.tool(event.data, key=card, since_ms=round(since * 1000))

    def _forget(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Forget what is taken back, and say what that is on the page."""
        self._passages = {key: passage for key, passage in self._passages.items() if key[1] < data["part"]}
        self._plans = [place for place in self._plans if place <= Cursor.parse(data["after"])]
        return {**data, "seg": len(self._passages), "plans": len(self._plans)}

    def _ask(self, asked: Mapping[str, Any], end: Mapping[str, Any] | None) -> str:
        back = f"/chat/{self._run.thread_id}" if self._run.thread_id else "/inbox"
        card = told_card(self._cards, asked, end, principal_id=self._run.principal_id, back=back)
        return draw(self._cards, card)

    def _end(self, event: Event) -> str:
        data = event.data
        ms = (event.ts - (self._began or event.ts)).total_seconds() * 1000
        facts = used(
            self._cards.model(self._model), data.get("usage") or {}, int(data.get("cost") or 0), ms, self._cards.reading
        )
        status = Status(data["status"])
        return self._cards.end(turn_end(self._run, status, facts, data.get("error") or self._error, retry=True))


async def html_frames(
    events: AsyncGenerator[Event, None], *, cards: Cards, run: Run, clock: Clock, after: Cursor = START
) -> AsyncGenerator[Frame, None]:
    """Map a root run's events, from the first on, to frames behind `after`.

    Text that waits for its turn is sent when it is due, also while no further event comes.
    """
    painter = Painter(cards, run, clock, after)
    pending = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            now = clock.monotonic()
            due = painter.due_in(now)
            done, _ = await asyncio.wait({pending}, timeout=due)
            if not done:
                for frame in painter.flush(now + (due or 0.0)):
                    yield frame
                continue
            event = pending.result()
            if event is None:
                break
            for frame in painter.take(event, clock.monotonic()):
                yield frame
            pending = asyncio.ensure_future(anext(events, None))
        for frame in painter.flush(clock.monotonic(), final=True):
            yield frame
    finally:
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)


class HtmlRenderer:
    """The `html` way to show a run's events, for `metier.api.build`."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, runs: Runs, actor: Actor, run: Run, after: Cursor) -> AsyncGenerator[Frame, None]:
        """Follow a run, which the caller has checked the actor may see."""
        cards = await cards_for(self._pages, actor)
        events = runs.follow(run.root_id, after=START)
        async with (
            aclosing(events),
            aclosing(html_frames(events, cards=cards, run=run, clock=self._pages.metier.clock, after=after)) as frames,
        ):
            async for frame in frames:
                yield frame


async def cards_for(pages: Pages, actor: Actor) -> Cards:
    """Give the cards as this person reads them."""
    names = {model.id: model.label for model in pages.metier.catalog.models()}
    return Cards(pages, await pages.metier.records.objects(actor), pages.reading(actor), names, actor)
