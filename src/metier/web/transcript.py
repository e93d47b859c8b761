"""A chat as it was stored, as markup: the same that the stream paints while it happens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from uuid import UUID

import orjson
from markupsafe import Markup

from metier.chat import Turn
from metier.events import Status
from metier.llm.messages import Message, Plan, Text, ToolCall, ToolResult
from metier.runs.requests import Request
from metier.web.asking import draw, request_card
from metier.web.cards import Cards, turn_end
from metier.web.mdstream import render
from metier.web.wording import is_object, run_ms, used


@dataclass(frozen=True)
class TurnView:
    """One turn as the page shows it.

    Attributes:
        said: The person's message.
        pieces: Texts, cards and plans, in order.
        end: The foot; None while the turn is at work: then the browser attaches to its stream.
    """

    run_id: UUID
    said: str
    pieces: Sequence[Markup]
    end: Markup | None


def turn_view(
    turn: Turn,
    cards: Cards,
    *,
    model: str = "",
    times: Sequence[tuple[str, float]] = (),
    asked: Mapping[str, Request] | None = None,
    last: bool = False,
) -> TurnView:
    """Draw a turn.

    Args:
        asked: What a person was asked for its calls, by the call's key.
        times: How long its tool calls took: `[(call id, ms)]`.
        model: The id of what answered, for the foot.
        last: Whether it is the thread's last turn; only that one offers Retry.
    """
    run = turn.run
    end = None
    if run.status.ended:
        facts = used(cards.model(model), run.usage, run.cost_micros, run_ms(run), cards.reading)
        end = cards.end(turn_end(run, run.status, facts, run.error, retry=last))
    return TurnView(run.id, _said(turn), tuple(_pieces(turn, cards, times, asked or {})), end)


def text_html(text: str, seg: int) -> Markup:
    """Draw a text of an agent; its blocks carry the numbers that the stream's frames name."""
    blocks = "".join(f'<div data-i="{i}">{html}</div>' for i, html in enumerate(render(text)))
    return Markup(f'<div class="md" data-seg="{seg}">{blocks}</div>')  # render gives safe HTML


def call_data(call: ToolCall) -> dict[str, Any]:
    """Give a stored call in the form of its event."""
    try:
        arguments = orjson.loads(call.raw)
    except orjson.JSONDecodeError:
        arguments = None
    known: dict[str, Any] = {"call_id": call.id, "name": call.name}
    if is_object(arguments):
        return known | {"arguments": arguments}
    return known | {"arguments": {}, "raw": call.raw}


def _said(turn: Turn) -> str:
    first = turn.messages[0] if turn.messages else None
    if first is not None and first.role == "user":
        return first.text
    return turn.run.input if isinstance(turn.run.input, str) else ""


def _pieces(
    turn: Turn, cards: Cards, times: Sequence[tuple[str, float]], asked: Mapping[str, Request]
) -> Iterator[Markup]:
    waiting = list(times)
    seg = calls = 0
    for n, message in enumerate(turn.messages):
        if message.role != "assistant":
            continue
        answers = _answers(turn.messages[n + 1 :])
        keys = {id(call): f"{turn.run.id}/{n + 1}/{number}" for number, call in enumerate(message.tool_calls, start=1)}
        for part in message.parts:
            match part:
                case Text(text):
                    yield text_html(text, seg)
                    seg += 1
                case Plan(plan):
                    yield cards.plan(plan, turn.run.thread_id)
                case ToolCall():
                    if request := asked.get(keys[id(part)]):
                        yield draw(cards, request_card(cards, request, back=f"/chat/{turn.run.thread_id}"))
                    answer = _timed(answers.get(part.id), part.id, waiting)
                    if answer is None and turn.run.status is Status.WAITING:
                        continue  # it has not begun
                    calls += 1
                    yield cards.tool(call_data(part), answer, key=calls, ended=_unanswered(turn.run.status))
                case ToolResult():
                    pass


def _answers(messages: Sequence[Message]) -> dict[str, Mapping[str, Any]]:
    """Give what the tools answered to one message, by call id."""
    results = takewhile(lambda message: message.role == "tool", messages)
    return {part.id: part.output for message in results for part in message.parts if isinstance(part, ToolResult)}


def _timed(
    answer: Mapping[str, Any] | None, call_id: str, waiting: list[tuple[str, float]]
) -> Mapping[str, Any] | None:
    """Add how long the call took, and take that from what is still to be given."""
    found = next((n for n, (known, _) in enumerate(waiting) if known == call_id), None)
    if answer is None or found is None:
        return answer
    return {**answer, "ms": waiting.pop(found)[1]}


def _unanswered(status: Status) -> Status:
    return Status.INTERRUPTED if status.ended else Status.RUNNING
