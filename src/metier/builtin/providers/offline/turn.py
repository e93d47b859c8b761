"""One turn, as the messages tell it: the question, what was looked up, what the tools answered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from metier.builtin.providers.offline.names import fold
from metier.builtin.providers.offline.schema import Schema
from metier.builtin.providers.offline.spec import Hit
from metier.llm.messages import Message, Plan, ToolCall, ToolResult


@dataclass(frozen=True)
class Turn:
    """Where the conversation stands.

    Attributes:
        question: The person's last message.
        known: What names were looked up, now or before, and found, by folded name.
        fresh: What was found for each name that was looked up in this turn, by folded name. What changes records goes
            by it alone: an earlier search may have shown one of several, or what has another name by now.
        result: The tool's answer to the plan of this turn, with the name of the tool.
        failure: What a tool said that could not answer.
        last: Restatement of the last plan before this turn.
        done: The calls of this turn that were answered, in their order, with the answers.
    """

    question: str
    known: Mapping[str, tuple[Hit, ...]]
    fresh: Mapping[str, tuple[Hit, ...]]
    result: tuple[str, Mapping[str, Any]] | None = None
    failure: str = ""
    last: str = ""
    done: tuple[tuple[ToolCall, Mapping[str, Any]], ...] = ()


def read_turn(messages: Sequence[Message], schema: Schema) -> Turn:
    """Read the state of a conversation."""
    start = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    before, since = list(messages[: max(start, 0)]), list(messages[start + 1 :])
    known: dict[str, tuple[Hit, ...]] = {}
    fresh: dict[str, tuple[Hit, ...]] = {}
    result: tuple[str, Mapping[str, Any]] | None = None
    failure = ""
    for in_turn, call, output in [*_answered(before, False), *_answered(since, True)]:
        if not output.get("success"):
            failure = _failure(output) if in_turn else failure
        elif call.name == schema.search:
            hits = _note_hits(known, call, output)
            fresh |= {fold(_text(call)): hits} if in_turn else {}
        elif in_turn:
            body: Mapping[str, Any] = output.get("result") or {}
            result, failure = (call.name, body), ""
    question = messages[start].text if start >= 0 else ""
    done = tuple((call, output) for _, call, output in _answered(since, True))
    return Turn(question, known, fresh, result, failure, _last_restatement(before), done)


def _answered(messages: Sequence[Message], in_turn: bool) -> Iterator[tuple[bool, ToolCall, Mapping[str, Any]]]:
    calls = {call.id: call for message in messages for call in message.tool_calls}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolResult) and part.id in calls:
                yield in_turn, calls[part.id], part.output


def _note_hits(known: dict[str, tuple[Hit, ...]], call: ToolCall, output: Mapping[str, Any]) -> tuple[Hit, ...]:
    body: Mapping[str, Any] = output.get("result") or {}
    hits = tuple(Hit(str(h["object"]), str(h["id"]), str(h["label"])) for h in body.get("hits", ()))
    known[fold(_text(call))] = hits
    for hit in hits:
        same = known.get(fold(hit.label), ())
        if all(other.id != hit.id for other in same):
            known[fold(hit.label)] = (*same, hit)
    return hits


def _text(call: ToolCall) -> str:
    try:
        body: Any = orjson.loads(call.raw)
    except orjson.JSONDecodeError:
        return ""
    return str(cast(dict[str, Any], body).get("text", "")) if isinstance(body, dict) else ""


def _failure(output: Mapping[str, Any]) -> str:
    error: Mapping[str, Any] = output.get("error") or {}
    return str(error.get("message") or output.get("message") or "the tool failed")


def _last_restatement(messages: Sequence[Message]) -> str:
    for message in reversed(messages):
        for part in message.parts:
            if isinstance(part, Plan):
                return str(part.plan.get("restatement", ""))
    return ""
