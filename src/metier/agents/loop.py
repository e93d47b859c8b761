"""The agent loop: ask the model, run the tools it wants, until it answers or a limit is reached.

history ──▶ model call ──▶ text and tool calls ──▶ tools.dispatch ──▶ results ──┐
               ▲                  │ no calls: answered                          │
               └──────────────────┴─────────────────────────────────────────────┘

Every message is queued for the log before the next model call is reserved, and the reservation waits for the log:
so nothing is asked on the ground of something that could be lost. Authority is looked up again for every step.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from metier.actor import Actor, check_flag
from metier.agents.agent import Agent
from metier.agents.prompt import situation, system_prompt
from metier.context import Context
from metier.errors import MetierError, OverBudget, ProviderDown
from metier.events import EventType, Status
from metier.llm.messages import (
    Chunk,
    Finish,
    Message,
    Part,
    Plan,
    PlanNote,
    ReasoningDelta,
    Request,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
)
from metier.runs import RunLog
from metier.tools import Caution, Dispatcher, Offer, Tool, Toolset, read_in, stopped


@dataclass(frozen=True)
class Outcome:
    """How an agent's run ended.

    Attributes:
        output: The answer's text; what there is of it if the run did not succeed.
        stop_reason: `answered`, `length`, `stopped`, `max_steps`, `max_time`, `max_tokens`, `repetition`,
            `empty_answer`, `provider_error`, `budget` (used up) or `forbidden`.
    """

    status: Status
    output: str
    stop_reason: str
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Parts:
    """The doors a loop goes through; given by the roof.

    Attributes:
        refresh: Looks an actor's authority up again.
    """

    dispatcher: Dispatcher
    toolsets: Mapping[str, Toolset]
    refresh: Callable[[Actor], Awaitable[Actor]]


class _Ended(Exception):  # carries an Outcome out of nested steps; never leaves this module
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


@dataclass
class _Step:
    """What one model call has said so far."""

    text: list[str] = field(default_factory=list[str])
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    notes: list[Plan] = field(default_factory=list[Plan])
    finish: Finish | None = None

    def message(self, *, with_calls: bool) -> Message | None:
        words = "".join(self.text)
        parts: list[Part] = [*self.notes]
        if words:
            parts.append(Text(words))
        if with_calls:
            parts += self.calls
        return Message("assistant", tuple(parts)) if parts else None


class Loop:
    """One run of one agent. Use once: `await Loop(...).run()`."""

    def __init__(
        self, ctx: Context, agent: Agent, log: RunLog, history: Sequence[Message], *, model: str, parts: Parts
    ) -> None:
        self._ctx = ctx
        self._agent = agent
        self._log = log
        self._messages = list(history)
        self._model = model
        self._parts = parts
        self._offer = Offer({})
        self._usage = Usage()
        self._same_calls: Counter[tuple[str, str]] = Counter()
        self._answer: list[str] = []
        self._deadline = ctx.clock.monotonic() + agent.limits.max_seconds

    async def run(self) -> Outcome:
        """Work until an answer, a limit, a fault or a stop.

        Never raises for what model, tools or limits do; the caller closes the log with the Outcome.
        """
        work = asyncio.create_task(self._work())
        stop = asyncio.create_task(self._log.stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
            return await work
        finally:
            stop.cancel()
            work.cancel()

    async def _work(self) -> Outcome:
        try:
            for _ in range(self._agent.limits.max_steps):
                self._check_limits()
                request = await self._request()
                step = await self._ask(request)
                if not step.calls:
                    return self._answered(step)
                await self._call_tools(step.calls)
            return self._limit("max_steps", f"{self._agent.limits.max_steps} model calls")
        except _Ended as end:
            return end.outcome
        except asyncio.CancelledError:
            if not self._log.stopping.is_set():
                raise
            return Outcome(Status.STOPPED, self._text(), "stopped")
        except OverBudget as error:
            return self._failed(error, "budget")
        except ProviderDown as error:
            return self._failed(error, "provider_error")
        except MetierError as error:
            return self._failed(error, "forbidden" if error.status in (401, 403) else "error")

    # before a model call

    def _check_limits(self) -> None:
        self._check_time()
        limits = self._agent.limits
        if self._usage.input_tokens + self._usage.output_tokens > limits.max_tokens:
            raise _Ended(self._limit("max_tokens", f"{limits.max_tokens:,} tokens"))

    def _check_time(self) -> None:
        if self._ctx.clock.monotonic() > self._deadline:
            raise _Ended(self._limit("max_time", f"{self._agent.limits.max_seconds:g} s"))

    async def _refresh(self) -> None:
        """Look the actor's authority up again; who may not use AI any more goes no step further (S-05)."""
        self._ctx = replace(self._ctx, actor=await self._parts.refresh(self._ctx.actor))
        check_flag(self._ctx.actor, "AI")

    async def _request(self) -> Request:
        await self._refresh()
        tools, guides = await self._tools()
        self._offer = Offer.of(tools)
        facts = situation(self._ctx)
        return Request(
            model=self._model,
            messages=tuple(self._messages),
            system=system_prompt(self._agent, guides, facts),
            tools=tuple(tool.spec() for tool in tools),
            situation=facts,
        )

    async def _tools(self) -> tuple[list[Tool], list[str]]:
        tools = list(self._agent.tools)
        guides: list[str] = []
        for name in self._agent.toolsets:
            group = self._parts.toolsets[name]
            tools += await group.tools(self._ctx)
            guides.append(group.guide)
        return tools, guides

    # the model call

    async def _ask(self, request: Request) -> _Step:
        step = _Step()
        try:
            async with aclosing(self._ctx.llm(request, actor=self._ctx.actor)) as stream:
                async for chunk in stream:
                    self._take(step, chunk)
        except BaseException:  # stopped or cut off: keep the words that people have already seen
            self._keep(step.message(with_calls=False))
            raise
        if step.finish and step.finish.usage:
            self._usage += step.finish.usage
        self._keep(step.message(with_calls=True))
        self._log.next_part()
        return step

    def _take(self, step: _Step, chunk: Chunk) -> None:
        self._check_time()
        match chunk:
            case TextDelta(text):
                step.text.append(text)
                self._log.delta(EventType.TOKEN, text)
            case ReasoningDelta(text):
                self._log.delta(EventType.REASONING, text)
            case PlanNote(plan):
                step.notes.append(Plan(plan))
                self._ctx.emit(EventType.PLAN_STEP, {"plan": dict(plan)})
            case ToolCall():
                step.calls.append(chunk)
            case Finish():
                step.finish = chunk

    def _keep(self, message: Message | None) -> None:
        if message is None:
            return
        self._messages.append(message)
        self._answer = [message.text] if message.text else self._answer
        self._log.put(messages=[message])

    # the tools

    async def _call_tools(self, calls: Sequence[ToolCall]) -> None:
        results: dict[str, ToolResult] = {}
        try:
            self._check_repetition(calls)
            caution = Caution(self._agent.confirm, read_in(self._messages))
            for call in calls:
                await self._refresh()
                results[call.id] = await self._parts.dispatcher.dispatch(self._ctx, call, self._offer, caution)
        finally:  # each call gets its result, also when stopped: a history with open calls is refused by vendors
            unanswered = [stopped(call) for call in calls if call.id not in results]
            message = Message("tool", (*results.values(), *unanswered))
            self._messages.append(message)
            self._log.put(messages=[message])

    def _check_repetition(self, calls: Sequence[ToolCall]) -> None:
        for call in calls:
            self._same_calls[call.name, call.raw] += 1
            if self._same_calls[call.name, call.raw] > self._agent.limits.max_same_call:
                times = self._agent.limits.max_same_call
                raise _Ended(self._limit("repetition", f"{times} calls of {call.name} with the same arguments"))

    # the end

    def _text(self) -> str:
        return "".join(self._answer)

    def _answered(self, step: _Step) -> Outcome:
        if not step.text:
            error = ProviderDown(self._model.partition("/")[0], "it answered with nothing", kind="malformed")
            return self._failed(error, "empty_answer")
        cut = step.finish is not None and step.finish.reason == "length"
        return Outcome(Status.SUCCEEDED, self._text(), "length" if cut else "answered")

    def _limit(self, reason: str, limit: str) -> Outcome:
        message = f"Stopped at the limit of {limit} for one answer of {self._agent.title}."
        error = {"error": "OverBudget", "message": message, "cure": "Ask again with a narrower question."}
        return Outcome(Status.FAILED, self._text(), reason, error)

    def _failed(self, error: MetierError, reason: str) -> Outcome:
        return Outcome(Status.FAILED, self._text(), reason, error.to_json())
