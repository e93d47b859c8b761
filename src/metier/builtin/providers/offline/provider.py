"""The provider: understands a question, calls a tool, renders what it gave. No model, no network, no state kept.

user message ─▶ plan + find call      names unknown ─▶ search_records call first      tool results ─▶ Markdown
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from metier.builtin.providers.offline import answer, refusal
from metier.builtin.providers.offline.cells import escaped
from metier.builtin.providers.offline.language import Language, load
from metier.builtin.providers.offline.names import fold
from metier.builtin.providers.offline.outcome import Abstain, Answer, Help, LookUp, Outcome, Unsure
from metier.builtin.providers.offline.plan import plan_json
from metier.builtin.providers.offline.restate import Teller
from metier.builtin.providers.offline.schema import ByTools, read_schema
from metier.builtin.providers.offline.stretches import Clockwork
from metier.builtin.providers.offline.turn import Turn, read_turn
from metier.builtin.providers.offline.understand import Understanding
from metier.builtin.providers.offline.writes.steps import Call, Said, Step, Writing
from metier.clock import Clock
from metier.llm.messages import Chunk, Finish, PlanNote, Request, Situation, TextDelta, ToolCall, ToolSpec, Usage
from metier.llm.provider import ModelInfo

MODEL = "offline/planner"
_MOST_LOOKUPS = 6  # names looked up in one turn


class OfflinePlanner:
    """Answers questions about records by rules.

    Args:
        clock: For the ids of tool calls, and for the time if a request tells none.
    """

    name = "offline"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._language: Language | None = None
        self._understandings: ByTools[Understanding] = ByTools()

    def models(self) -> list[ModelInfo]:
        """Give the one model."""
        return [ModelInfo(MODEL, "Offline planner: rules, not AI", input_micros=0, output_micros=0, ai=False)]

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Answer from the last message: a question with a tool call or words, tool results with words."""
        understanding = self._understanding(request.tools)
        clock = self._clockwork(request.situation, understanding)
        turn = read_turn(request.messages, understanding.schema)
        me = request.situation.person_id if request.situation else ""
        step = Writing(understanding).step(turn, clock, me)
        if step is not None:
            for chunk in self._step(step, turn, understanding, clock):
                yield chunk
            return
        outcome = understanding.outcome(turn.question, clock, known=turn.known, last=turn.last)
        for chunk in self._chunks(turn, outcome, understanding, clock):
            yield chunk

    async def aclose(self) -> None:
        """Nothing is open."""

    def _chunks(self, turn: Turn, outcome: Outcome, understanding: Understanding, clock: Clockwork) -> Iterator[Chunk]:
        if turn.failure:
            return _said([f"I could not search: {escaped(turn.failure)}\n"])
        match outcome:
            case Answer():
                if turn.result is None:
                    return self._call(outcome, understanding, clock)
                return _said(_rendered(outcome, turn, understanding, clock))
            case LookUp():
                return self._look_up(outcome, turn, understanding, clock)
            case Unsure():
                return _said(refusal.doubt(outcome, understanding, clock))
            case Abstain():
                return _said(refusal.abstention(outcome, understanding, clock))
            case Help():
                return _said(refusal.capabilities(understanding, clock))

    def _step(self, step: Step, turn: Turn, understanding: Understanding, clock: Clockwork) -> Iterator[Chunk]:
        match step:
            case Said(lines):
                yield from _said(lines)
            case LookUp():
                yield from self._look_up(step, turn, understanding, clock)
            case Call(tool, arguments, plan):
                if plan is not None:
                    yield PlanNote(plan)
                yield self._tool_call(tool, arguments)
                yield Finish("tool_calls", Usage())

    def _call(self, outcome: Answer, understanding: Understanding, clock: Clockwork) -> Iterator[Chunk]:
        spec, schema = outcome.spec, understanding.schema
        teller = Teller(schema.objects[spec.object], schema, clock)
        tool = schema.find_one[spec.object] if spec.one else schema.find[spec.object]
        plan = plan_json(spec, teller, call=tool, unread=outcome.unread, confidence=outcome.confidence)
        yield PlanNote(plan)
        yield self._tool_call(tool, plan["call"]["arguments"])
        yield Finish("tool_calls", Usage())

    def _look_up(self, outcome: LookUp, turn: Turn, understanding: Understanding, clock: Clockwork) -> Iterator[Chunk]:
        search = understanding.schema.search
        names = [name for name in outcome.names if fold(name) not in turn.fresh]
        if search is None or not names or len(turn.fresh) > _MOST_LOOKUPS:
            yield from _said(refusal.abstention(Abstain(missing=outcome.names), understanding, clock))
            return
        for name in names:
            yield self._tool_call(search, {"text": name})
        yield Finish("tool_calls", Usage())

    def _tool_call(self, name: str, arguments: object) -> ToolCall:
        return ToolCall(f"call_{self._clock.new_id().hex}", name, orjson.dumps(arguments).decode())

    def _understanding(self, tools: Sequence[ToolSpec]) -> Understanding:
        known = self._understandings.get(tools)
        if known is None:
            self._language = self._language or load()
            known = Understanding(read_schema(tools), self._language)
            self._understandings.put(tools, known)
        return known

    def _clockwork(self, situation: Situation | None, understanding: Understanding) -> Clockwork:
        zone = ZoneInfo(situation.time_zone if situation else "UTC")
        now = datetime.fromisoformat(situation.now) if situation and situation.now else self._clock.now()
        there, language = now.astimezone(zone), understanding.language
        if situation is None:
            return Clockwork(there, zone, language, "en")
        return Clockwork(there, zone, language, situation.locale, situation.week_start, situation.formats)


def _said(lines: Iterator[str] | Sequence[str]) -> Iterator[Chunk]:
    for line in lines:
        yield TextDelta(line)
    yield Finish("stop", Usage())


def _rendered(outcome: Answer, turn: Turn, understanding: Understanding, clock: Clockwork) -> Iterator[str]:
    spec, schema = outcome.spec, understanding.schema
    teller = Teller(schema.objects[spec.object], schema, clock)
    if outcome.unread:
        yield f"I did not understand *{escaped(outcome.unread[0])}* and searched without it.\n\n"
    result: Mapping[str, Any] = turn.result[1] if turn.result else {}
    render: Callable[..., Iterator[str]] = answer.one_record if spec.one else answer.found_records
    yield from render(spec, teller, result.get("record", {}) if spec.one else result)
