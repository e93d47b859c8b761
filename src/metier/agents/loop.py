"""The agent loop: ask the model, run the tools it wants, until it answers or a limit is reached.

history ──▶ model call ──▶ text and tool calls ──▶ tools.dispatch ──▶ results ──┐
               ▲                  │ no calls: answered                          │
               └──────────────────┴─────────────────────────────────────────────┘

Every message is queued for the log before the next model call is reserved, and the reservation waits for the log:
so nothing is asked on the ground of something that could be lost. Authority is looked up again for every step.

A run whose process died goes on from its last message: tool calls that have no result are taken up first. The last
words are stored together with the end of the run, so an open run's last message is a question, calls, or results.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from metier.actor import Actor, check_flag
from metier.agents.agent import Agent
from metier.agents.prompt import situation, system_prompt
from metier.context import Context
from metier.errors import MetierError, OverBudget, ProviderDown, Waiting
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
from metier.runs import Left, RunLog
from metier.runs.requests import Request as PersonRequest
from metier.tools import (
    Careful,
    Caution,
    Dispatcher,
    NeedsPerson,
    Offer,
    Tool,
    Toolset,
    read_in,
    record_result,
    stopped,
)


@dataclass(frozen=True)
class Outcome:
    """How an agent's run ended, or that it waits for a person (`Status.WAITING`).

    Attributes:
        output: The answer's text; what there is of it if the run did not succeed.
        stop_reason: `answered`, `length`, `stopped`, `max_steps`, `max_time`, `max_tokens`, `repetition`,
            `empty_answer`, `provider_error`, `budget` (used up), `forbidden` or `waiting`.
        messages: The last words, to be stored with the end.
        asked: What is to be asked of a person, if it waits.
    """

    status: Status
    output: str
    stop_reason: str
    error: Mapping[str, Any] | None = None
    messages: Sequence[Message] = ()
    asked: Sequence[PersonRequest] = ()


@dataclass(frozen=True)
class Parts:
    """The doors a loop goes through; given by the roof.

    Attributes:
        refresh: Looks an actor's authority up again.
        caution: Says how careful the calls of an agent are now, with a model of this id.
    """

    dispatcher: Dispatcher
    toolsets: Mapping[str, Toolset]
    refresh: Callable[[Actor], Awaitable[Actor]]
    caution: Callable[[Actor, Agent, str], Awaitable[Caution]]


class _Ended(Exception):  # carries an Outcome out of nested steps; never leaves this module
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class _Asks(Exception):
    def __init__(self, requests: Sequence[PersonRequest]) -> None:
        self.requests = requests


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
    """One run of one agent. Use once: `await Loop(...).run()`.

    Args:
        before: The conversation up to this run.
        said: The run's own messages so far: the question, and what earlier owners of the run have stored. Limits
            count from the first of them.
    """

    def __init__(
        self,
        ctx: Context,
        agent: Agent,
        log: RunLog,
        before: Sequence[Message],
        said: Sequence[Message],
        *,
        model: str,
        parts: Parts,
    ) -> None:
        self._ctx = ctx
        self._agent = agent
        self._log = log
        self._messages = [*before, *said]
        self._model = model
        self._parts = parts
        self._offer = Offer({})
        self._steps = sum(message.role == "assistant" for message in said)
        self._usage = Usage(**log.run.usage)
        self._same_calls = Counter(_key(call) for message in said[:-1] for call in message.tool_calls)
        self._left_open = said[-1].tool_calls if said else ()
        self._answer: list[str] = []
        self._last: Message | None = None  # said, and not put
        self._deadline = ctx.clock.monotonic() + agent.limits.max_seconds - log.left.worked_s

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
            outcome = await work
            return replace(outcome, messages=(self._last,)) if self._last else outcome
        finally:
            stop.cancel()
            work.cancel()
            await asyncio.wait({work})

    async def _work(self) -> Outcome:
        try:
            if self._left_open:
                await self._call_tools(self._left_open, self._log.left)
            while self._steps < self._agent.limits.max_steps:
                self._check_limits()
                request = await self._request()
                step = await self._ask(request)
                if not step.calls:
                    return self._answered(step)
                await self._call_tools(step.calls, Left())
            return self._limit("max_steps", f"{self._agent.limits.max_steps} model calls")
        except _Ended as end:
            return end.outcome
        except asyncio.CancelledError:
            if not self._log.stopping.is_set():
                raise
            return Outcome(Status.STOPPED, self._text(), "stopped")
        except _Asks as asks:
            return Outcome(Status.WAITING, self._text(), "waiting", asked=asks.requests)
        except Waiting:
            return Outcome(Status.WAITING, self._text(), "waiting")
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
        tools, guides = await self._look_up()
        facts = situation(self._ctx)
        return Request(
            model=self._model,
            messages=tuple(self._messages),
            system=system_prompt(self._agent, guides, facts),
            tools=tuple(tool.spec() for tool in tools if not tool.hidden),
            situation=facts,
        )

    async def _look_up(self) -> tuple[list[Tool], list[str]]:
        """Look up what the actor may do now, and give the tools of the step with their guides."""
        await self._refresh()
        tools, guides = await offered(self._ctx, self._agent, self._parts.toolsets)
        self._offer = Offer.of(tools)
        return tools, guides

    # the model call

    async def _ask(self, request: Request) -> _Step:
        step = _Step()
        try:
            async with aclosing(self._ctx.llm(request, actor=self._ctx.actor)) as stream:
                async for chunk in stream:
                    self._take(step, chunk)
        except BaseException:  # stopped or cut off: the words that people have already seen are the last
            self._say(step.message(with_calls=False))
            raise
        self._steps += 1
        if step.finish and step.finish.usage:
            self._usage += step.finish.usage
        self._say(step.message(with_calls=True))
        if step.calls:
            self._put_last()
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

    def _say(self, message: Message | None) -> None:
        if message is None:
            return
        self._messages.append(message)
        self._answer = [message.text] if message.text else self._answer
        self._last = message

    def _put_last(self) -> None:
        if self._last is not None:
            self._log.put(messages=[self._last])
            self._last = None

    # the tools

    async def _call_tools(self, calls: Sequence[ToolCall], left: Left) -> None:
        """Get each call its result, also when stopped: a history with open calls is refused by vendors.

        Calls are made in their order. From the first that waits for a person on none is made, but what the others
        need is asked at once.
        """
        results = {call.id: left.results[call.id] for call in calls if call.id in left.results}
        try:
            self._check_repetition(calls)
            if not self._offer.tools:  # the calls were left open by an earlier owner
                await self._look_up()
            await self._make(calls, results, left.begun)
        except BaseException as end:
            if not self._is_let_go(end):
                self._put_results(calls, results)
            raise
        self._put_results(calls, results)

    async def _make(self, calls: Sequence[ToolCall], results: dict[str, ToolResult], begun: Collection[str]) -> None:
        waits: list[NeedsPerson] = []

        async def careful() -> Caution:
            caution = await self._parts.caution(self._ctx.actor, self._agent, self._model)
            return replace(caution, reads=read_in(self._messages))

        for number, call in enumerate(calls, start=1):
            await self._refresh()
            ctx = replace(self._ctx, effect_key=f"{self._log.run.id}/{self._log.messages}/{number}")
            try:
                if waits and call.id not in results:
                    await self._parts.dispatcher.ask_ahead(ctx, call, self._offer, careful)
                elif call.id not in results:
                    results[call.id] = await self._call(ctx, call, careful, begun=call.id in begun)
            except NeedsPerson as wait:
                waits.append(wait)
        if waits:
            raise _Asks([wait.request for wait in waits if wait.request])

    async def _call(self, ctx: Context, call: ToolCall, careful: Careful, *, begun: bool) -> ToolResult:
        started = ctx.clock.monotonic()
        try:
            return await self._parts.dispatcher.dispatch(ctx, call, self._offer, careful, begun=begun)
        except asyncio.CancelledError as end:
            if not self._is_let_go(end):
                record_result(ctx, call, stopped(call).output, started)
            raise

    def _is_let_go(self, end: BaseException) -> bool:
        """Say whether the run goes on elsewhere or later, and so the calls that have no result yet."""
        is_stopped = isinstance(end, asyncio.CancelledError) and self._log.stopping.is_set()
        return isinstance(end, _Asks | Waiting | asyncio.CancelledError) and not is_stopped

    def _put_results(self, calls: Sequence[ToolCall], results: Mapping[str, ToolResult]) -> None:
        found = [results.get(call.id) or stopped(call) for call in calls]
        message = Message("tool", tuple(found))
        self._messages.append(message)
        self._log.put(messages=[message])

    def _check_repetition(self, calls: Sequence[ToolCall]) -> None:
        for call in calls:
            self._same_calls[_key(call)] += 1
            if self._same_calls[_key(call)] > self._agent.limits.max_same_call:
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


def _key(call: ToolCall) -> tuple[str, str]:
    return call.name, call.raw


async def offered(ctx: Context, agent: Agent, toolsets: Mapping[str, Toolset]) -> tuple[list[Tool], list[str]]:
    """Give the tools that an agent has for who acts now, and the guides to them."""
    tools = list(agent.tools)
    guides: list[str] = []
    for name in agent.toolsets:
        tools += await toolsets[name].tools(ctx)
        guides.append(toolsets[name].guide)
    return tools, guides
