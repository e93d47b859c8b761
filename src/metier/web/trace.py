"""A run as its trace shows it: the tree of runs, and in each the model calls and tool calls in order, on one time line.

runs of a tree + prompts as sent + events ──▶ frozen views ──▶ templates/runs/*.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from typing import Any, Literal
from uuid import UUID

from markupsafe import Markup

from metier.events import START, Cursor, Event, EventType, Status
from metier.formats.writing import Writing
from metier.llm.messages import Message, Plan, Text, ToolCall, ToolResult
from metier.runs import PromptSent, Run
from metier.web.asking import draw, told_card
from metier.web.cards import Cards, json_html
from metier.web.mdstream import code_html
from metier.web.wording import cost, duration, first_line, run_ms, used

SCALE = 1000  # the width of the time line
_LATEST = Cursor(2**31, 0)


@dataclass(frozen=True)
class Bar:
    """Where a step lies on the time line of the whole tree, 0 to 1000."""

    x: float
    width: float


@dataclass(frozen=True)
class Step:
    """One thing a run did, or asked a person.

    Attributes:
        line: Arguments of a tool call; tokens of a model call.
        problem: The first line of what went wrong.
        card: A tool call's card, as the chat shows it.
    """

    number: int
    kind: Literal["model", "tool", "person"]
    name: str
    line: str
    status: Status
    took: str
    bar: Bar
    problem: str = ""
    card: Markup | None = None


@dataclass(frozen=True)
class Branch:
    """One run of the tree and its steps. `depth` counts from the root."""

    run: Run
    depth: int
    facts: Sequence[str]
    steps: Sequence[Step]


@dataclass(frozen=True)
class _Span:
    """A step before it is numbered. `place` is that of its event in the log, for steps that began together."""

    run_id: UUID
    start: datetime
    place: Cursor
    ms: float | None
    kind: Literal["model", "tool", "person"]
    name: str
    line: str
    status: Status
    problem: str = ""
    card: Markup | None = None


@dataclass(frozen=True)
class SentMessage:
    """A message of a prompt, part by part: (what it is, how it reads)."""

    role: str
    parts: Sequence[tuple[str, Markup]]


def branches(
    runs: Sequence[Run],
    prompts: Mapping[UUID, Sequence[PromptSent]],
    events: Sequence[Event],
    cards: Cards,
    now: datetime,
) -> list[Branch]:
    """Lay out a tree.

    Args:
        runs: The root and what runs below it, in any order.
        prompts: Model calls by run.
        events: Of the whole tree, in order.
    """
    spans = [
        *_model_spans(prompts, events, cards.reading),
        *_tool_spans(runs, events, cards),
        *_person_spans(runs, events, cards),
    ]
    spans.sort(key=lambda span: (span.start, span.place))
    line = _TimeLine(runs, now)
    steps: dict[UUID, list[Step]] = {}
    for number, span in enumerate(spans, start=1):
        steps.setdefault(span.run_id, []).append(_step(number, span, line))
    return [Branch(run, depth, run_facts(run, cards.reading), steps.get(run.id, ())) for run, depth in _in_order(runs)]


def run_facts(run: Run, writing: Writing, model: str = "") -> list[str]:
    """Give what a run used: model, tokens, cost, time."""
    return used(model, run.usage, run.cost_micros, run_ms(run), writing)


class _TimeLine:
    def __init__(self, runs: Sequence[Run], now: datetime) -> None:
        self._start = min(run.started_at or run.created_at for run in runs)
        end = max(run.ended_at or now for run in runs)
        self._whole = max((end - self._start).total_seconds() * 1000, 1.0)

    def bar(self, start: datetime, ms: float | None) -> Bar:
        begin = max(0.0, (start - self._start).total_seconds() * 1000)
        length = self._whole - begin if ms is None else ms
        x = min(SCALE * begin / self._whole, SCALE - 4)
        return Bar(round(x, 1), round(max(4.0, min(SCALE * length / self._whole, SCALE - x)), 1))


def _in_order(runs: Sequence[Run]) -> list[tuple[Run, int]]:
    """Give each run after the one it works for, with its depth."""
    known = {run.id for run in runs}
    below: dict[UUID | None, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.created_at):
        below.setdefault(run.parent_id if run.parent_id in known else None, []).append(run)
    found: list[tuple[Run, int]] = []

    def visit(parent: UUID | None, depth: int) -> None:
        for run in below.get(parent, ()):
            found.append((run, depth))
            visit(run.id, depth + 1)

    visit(None, 0)
    return found


def _step(number: int, span: _Span, line: _TimeLine) -> Step:
    bar = line.bar(span.start, span.ms)
    return Step(
        number,
        span.kind,
        span.name,
        span.line,
        span.status,
        duration(span.ms),
        bar,
        first_line(span.problem),
        span.card,
    )


def _model_spans(
    prompts: Mapping[UUID, Sequence[PromptSent]], events: Sequence[Event], writing: Writing
) -> list[_Span]:
    places: dict[UUID, list[Cursor]] = {}
    for event in events:
        if event.type is EventType.USAGE:  # one at the end of each model call, unless the process died
            places.setdefault(event.run_id, []).append(event.cursor)
    spans: list[_Span] = []
    for run_id, calls in prompts.items():
        told = chain(places.get(run_id, ()), repeat(_LATEST))
        spans += [_model_span(run_id, call, START if _is_lost(call) else next(told), writing) for call in calls]
    return spans


def _is_lost(call: PromptSent) -> bool:
    return (call.error or {}).get("error") == "StepInterrupted"


def _model_span(run_id: UUID, call: PromptSent, place: Cursor, writing: Writing) -> _Span:
    return _Span(
        run_id,
        call.started_at,
        place,
        call.ms,
        "model",
        call.model,
        ", ".join(call_facts(call, writing)),
        _CALL_STATUS.get(call.status, Status.FAILED),
        problem=str((call.error or {}).get("message") or ""),
    )


_CALL_STATUS = {
    "reserved": Status.RUNNING,
    "settled": Status.SUCCEEDED,
    "stopped": Status.STOPPED,
    "failed": Status.FAILED,
}


def call_facts(call: PromptSent, writing: Writing) -> list[str]:
    """Give what a model call used: `1,204 tokens in (900 cached)`, `88 out`, `first token after 120 ms`, `$0.0010`."""
    if call.status == "reserved":
        return []
    if _is_lost(call) and not call.usage.input_tokens:
        return ["tokens unknown"]
    about = "about " if call.estimated else ""
    spent = call.usage
    cached = f" ({writing.number(spent.cached_tokens)} cached)" if spent.cached_tokens else ""
    facts = [f"{about}{writing.number(spent.input_tokens)} tokens in{cached}"]
    facts.append(f"{about}{writing.number(spent.output_tokens)} out")
    if call.first_ms is not None:
        facts.append(f"first token after {duration(call.first_ms)}")
    return [*facts, *filter(None, [cost(call.cost_micros, writing)])]


def _tool_spans(runs: Sequence[Run], events: Sequence[Event], cards: Cards) -> list[_Span]:
    status = {run.id: run.status for run in runs}
    spans: list[_Span] = []
    for event, answer, again in _calls(events):
        left = again or status.get(event.run_id, Status.RUNNING).ended
        card = cards.tool_view(event.data, answer, ended=Status.INTERRUPTED if left else Status.RUNNING)
        problem = card.said if card.status in (Status.FAILED, Status.STOPPED) else ""
        ms = (answer or {}).get("ms")
        spans.append(
            _Span(
                event.run_id,
                event.ts,
                event.cursor,
                ms,
                "tool",
                card.name,
                card.line,
                card.status,
                problem,
                cards.inside(card),
            )
        )
    return spans


def _person_spans(runs: Sequence[Run], events: Sequence[Event], cards: Cards) -> list[_Span]:
    """Give what was asked of a person: a span from the question to the answer."""
    asked: dict[str, list[Event]] = {}
    ends: dict[str, Event] = {}
    for event in events:
        if event.type is EventType.INTERRUPT:
            asked.setdefault(event.data["request_id"], []).append(event)
        elif event.type is EventType.INTERRUPT_RESPONSE:
            ends[event.data["request_id"]] = event
    ended = all(run.status.ended for run in runs)
    return [_person_span(told, ends.get(request_id), cards, ended=ended) for request_id, told in asked.items()]


def _person_span(told: Sequence[Event], end: Event | None, cards: Cards, *, ended: bool) -> _Span:
    first, last = told[0], told[-1]
    card = told_card(cards, last.data, end.data if end else None)
    status = Status.WAITING if not ended else Status.STOPPED
    if end is not None:
        status = Status.SUCCEEDED if card.granted else Status.FAILED
    ms = (end.ts - first.ts).total_seconds() * 1000 if end else None
    return _Span(
        first.run_id, first.ts, first.cursor, ms, "person", card.title, card.said, status, card=draw(cards, card)
    )


def _calls(events: Sequence[Event]) -> list[tuple[Event, Mapping[str, Any] | None, bool]]:
    """Give each tool call with its answer, and whether it was made again because a process died on it."""
    found: list[tuple[Event, Mapping[str, Any] | None, bool]] = []
    waiting: dict[tuple[UUID, str], int] = {}
    for event in events:
        key = (event.run_id, str(event.data.get("call_id")))
        if event.type is EventType.TOOL_CALL:
            if key in waiting:
                found[waiting[key]] = (found[waiting[key]][0], None, True)
            waiting[key] = len(found)
            found.append((event, None, False))
        elif event.type is EventType.TOOL_RESULT and key in waiting:
            place = waiting.pop(key)
            found[place] = (found[place][0], event.data, False)
    return found


# --- the prompt as sent ----------------------------------------------------------------------------------------------


def known_messages(messages: Sequence[Message], before: Sequence[Message]) -> int:
    """Say how many of the first messages are those of the call before; they need not be shown again."""
    return len(before) if tuple(messages[: len(before)]) == tuple(before) else 0


def sent_messages(messages: Sequence[Message]) -> list[SentMessage]:
    """Give messages of a prompt, readable."""
    return [SentMessage(message.role, [_sent_part(part) for part in message.parts]) for message in messages]


def _sent_part(part: object) -> tuple[str, Markup]:
    match part:
        case Text(text):
            return "", Markup(code_html(text))
        case ToolCall(name=name, raw=raw):
            return f"calls {name}", Markup(code_html(raw))
        case ToolResult(name=name, output=output):
            return f"result of {name}", json_html(output)
        case Plan(plan):
            return "plan", json_html(plan)
        case _:
            return "", Markup("")


def tool_schemas(tools: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, Markup]]:
    """Give the tools of a prompt: name, description, JSON Schema."""
    return [
        (str(tool.get("name", "")), str(tool.get("description", "")), json_html(tool.get("parameters", {})))
        for tool in tools
    ]
