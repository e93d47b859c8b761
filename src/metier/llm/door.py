"""The one door to models: reserve, call, settle, record.

request → resolve → reserve (durable), while the request is under way → chunks → settle, on every path
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from metier.actor import Actor
from metier.clock import Clock
from metier.errors import MetierError, ProviderDown
from metier.llm.catalog import ModelCatalog
from metier.llm.messages import Chunk, Finish, PlanNote, ReasoningDelta, Request, TextDelta, ToolCall, Usage
from metier.llm.provider import ModelInfo
from metier.llm.usage import cost_micros, estimated_usage, output_micros, too_long, with_end

#: Kinds of faults of a call that no model has worked on, if nothing of an answer came.
REFUSED = frozenset({"auth", "rejected", "rate_limited", "network", "context"})


@dataclass(frozen=True)
class CallStart:
    """A model call about to be made.

    Attributes:
        actor: Who asks, as looked up for this call.
        request: What is asked; its `model` is the full id.
        model: Whom, with prices.
        started_at: When.
    """

    actor: Actor
    request: Request
    model: ModelInfo
    started_at: datetime


@dataclass(frozen=True)
class CallEnd:
    """How a model call ended.

    Attributes:
        status: `settled` for a finished answer, `stopped` for one closed early by who asked, `failed` for a fault.
        usage: Tokens used; an estimate if `estimated` says so.
        cost_micros: In micro-dollars; None if the model's price is unknown.
        first_ms: Milliseconds until the first chunk; None if there was none.
        ms: Milliseconds in all.
        error: The fault as `MetierError.to_json()`, or None.
        output_micros: What of `cost_micros` the answer cost.
    """

    status: Literal["settled", "stopped", "failed"]
    usage: Usage
    estimated: bool
    cost_micros: int | None
    first_ms: float | None
    ms: float
    ended_at: datetime
    error: Mapping[str, Any] | None = None
    output_micros: int = 0


class Ledger(Protocol):
    """Keeps the account of model calls. One reserve is followed by exactly one settle.

    Attributes:
        limited: Whether there are budgets that may refuse a call. Then nothing is sent before it is reserved, and an
            answer has at most `metier.llm.usage.ANSWER_MOST` tokens, so that it is known what a call can use.
    """

    @property
    def limited(self) -> bool: ...

    async def reserve(self, call: CallStart) -> UUID:
        """Write down durably that a call is made, before anything of its answer is used; give the call's id.

        Raises:
            OverBudget: The call may not be made.
        """
        ...

    async def settle(self, call_id: UUID, end: CallEnd) -> None:
        """Write down how the call ended."""
        ...


class Models:
    """Asks models, and keeps account of each call in a ledger.

    Close it at the end: settlements of calls that were cancelled may still be on their way.
    """

    def __init__(self, catalog: ModelCatalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._settling: set[asyncio.Task[None]] = set()

    async def ask(self, request: Request, *, actor: Actor, ledger: Ledger) -> AsyncGenerator[Chunk, None]:
        """Ask a model; iterate under `contextlib.aclosing`.

        The reservation is written while the request is on its way, and waited for before the first chunk is given;
        where budgets may refuse it, before the request is sent. Whatever happens then (end, fault, closed early,
        cancelled), the call is settled once, and has been when the iteration is over. The Finish given here always
        carries usage: what the provider counted, or an estimate that says so.

        Raises:
            NoModel: Nothing answers to the request's model.
            OverBudget: The ledger refused.
            ProviderDown: The provider failed.
        """
        model = self._catalog.resolve(request.model)
        request = replace(request, model=model.id)
        if limited := ledger.limited:
            request = with_end(request, model)
        call = _Call(CallStart(actor, request, model, self._clock.now()), ledger, self._clock)
        fault: BaseException | None = None
        try:
            if limited:
                await call.allowed()
            async with aclosing(self._catalog.provider_of(model).stream(request)) as stream:
                async for chunk in stream:
                    if call.first_ms is None:
                        await call.reserved()
                    if isinstance(chunk, Finish):
                        chunk = call.finished(chunk)
                        self._settle(call, None)
                    else:
                        call.chars += _length(chunk)
                    yield chunk
                    if limited and too_long(request, call.chars) and not isinstance(chunk, Finish):
                        finish = call.finished(Finish("length"))  # its provider has not kept to the limit
                        self._settle(call, None)
                        yield finish
                        break
        except BaseException as error:
            fault = error
            raise
        finally:
            await _settled(self._settle(call, fault), fault)

    async def aclose(self) -> None:
        """Wait for the settlements on their way."""
        if self._settling:
            await asyncio.wait(self._settling)

    def _settle(self, call: "_Call", fault: BaseException | None) -> asyncio.Task[None]:
        if call.settling is None:
            call.settling = asyncio.ensure_future(call.settle(fault))
            self._settling.add(call.settling)
            call.settling.add_done_callback(self._settling.discard)
        return call.settling


async def _settled(settling: asyncio.Task[None], fault: BaseException | None) -> None:
    await asyncio.wait([settling])  # unlike `await settling`, a second cancellation leaves the account alone
    error = settling.exception()
    if error is not None and fault is None:
        raise error
    if error is not None and fault is not None:  # the first fault is the one to tell
        fault.add_note(f"Besides, the call could not be settled: {error!r}")


class _Call:
    """One call under way."""

    def __init__(self, start: CallStart, ledger: Ledger, clock: Clock) -> None:
        self.start = start
        self.first_ms: float | None = None
        self.chars = 0
        self.settling: asyncio.Task[None] | None = None
        self._finish: Finish | None = None
        self._ledger = ledger
        self._clock = clock
        self._began = clock.monotonic()
        self._reserving = asyncio.ensure_future(ledger.reserve(start))

    async def allowed(self) -> None:
        """Wait for the reservation before anything is sent; who is cancelled meanwhile reserves nothing.

        Raises:
            OverBudget: The call may not be made.
        """
        await self._reserving

    async def reserved(self) -> None:
        """Note the time of the first chunk and wait for the reservation."""
        self.first_ms = self._ms()
        await asyncio.shield(self._reserving)

    def finished(self, finish: Finish) -> Finish:
        """Complete the provider's Finish with usage and cost."""
        usage, estimated = self._usage() if finish.usage is None else (finish.usage, False)
        cost = cost_micros(self.start.model, usage)
        self._finish = replace(finish, usage=usage, estimated=estimated, cost_micros=cost)
        return self._finish

    async def settle(self, fault: BaseException | None) -> None:
        """Write down the end; a call whose reservation failed has none."""
        await asyncio.wait([self._reserving])
        if not self._reserving.cancelled() and self._reserving.exception() is None:
            await self._ledger.settle(self._reserving.result(), self._end(fault))

    def _end(self, fault: BaseException | None) -> CallEnd:
        finish = self._finish
        usage, estimated = (finish.usage, finish.estimated) if finish and finish.usage else self._usage(fault)
        return CallEnd(
            status=_status(finish, fault),
            usage=usage,
            estimated=estimated,
            cost_micros=cost_micros(self.start.model, usage),
            first_ms=self.first_ms,
            ms=self._ms(),
            ended_at=self._clock.now(),
            error=None if finish else _told(fault),
            output_micros=output_micros(self.start.model, usage),
        )

    def _usage(self, fault: BaseException | None = None) -> tuple[Usage, bool]:
        """Guess what was used, and say whether it is a guess: rules use nothing, and a refused call neither."""
        refused = isinstance(fault, ProviderDown) and fault.kind in REFUSED and self.first_ms is None
        if refused or not self.start.model.ai:
            return Usage(), False
        return estimated_usage(self.start.request, self.chars), True

    def _ms(self) -> float:
        return (self._clock.monotonic() - self._began) * 1000


def _status(finish: Finish | None, fault: BaseException | None) -> Literal["settled", "stopped", "failed"]:
    if finish is not None:
        return "settled"
    return "stopped" if isinstance(fault, (GeneratorExit, asyncio.CancelledError)) else "failed"


def _told(fault: BaseException | None) -> Mapping[str, Any] | None:
    match fault:
        case None | GeneratorExit() | asyncio.CancelledError():
            return None
        case MetierError():
            return fault.to_json()
        case _:
            return {"error": type(fault).__name__, "message": str(fault)}


def _length(chunk: TextDelta | ReasoningDelta | ToolCall | PlanNote) -> int:
    match chunk:
        case TextDelta(text) | ReasoningDelta(text):
            return len(text)
        case ToolCall(name=name, raw=raw):
            return len(name) + len(raw)
        case PlanNote():
            return 0
