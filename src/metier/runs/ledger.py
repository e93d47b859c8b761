"""The account of model calls: a row before each call, settled after, with all that is needed to show what was sent.

System text and tools are the same for many calls and stored once per content (`core.prompt`). Messages are pointed at:
`[["<run id>", 1, 4], …]`, first and last seq of those that follow each other; one that is stored nowhere stands there
itself as `{"role", "parts"}`.

Where the workspace has budgets, a reservation says the most that the call can use (`held_…`), and is refused if a
budget does not allow it. A call whose rest of the budget is only held by calls under way waits for them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, repeat
from operator import is_
from typing import Any
from uuid import UUID

from metier.engine.waiting import happens
from metier.llm.door import CallEnd, CallStart
from metier.llm.messages import Message, Request, ToolSpec, Usage
from metier.llm.usage import CHARS_PER_TOKEN, cost_micros, most_used
from metier.registry import fold_name
from metier.runs.budget import Refusal
from metier.runs.form import Ref, encode, message_parts
from metier.runs.run_log import RunLog

PAUSES_S = (0.02, 0.05, 0.1, 0.2, 0.5)  # between two tries of a call that waits for calls under way
WAIT_S = 60.0  # for them, in all; then it is refused


@dataclass(frozen=True)
class _Prompt:
    """System text and tools of a call, their SHA-256 and their size in bytes."""

    system: str
    tools: Sequence[ToolSpec]
    digest: str
    size: int


@dataclass(frozen=True)
class _Asked:
    """A call under way: its model, the prompt, and how many messages it sent."""

    model: str
    digest: str
    messages: int


class Ledger:
    """The ledger of one run; implements `metier.llm.door.Ledger`."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._prompt: _Prompt | None = None  # of the last call
        self._asked: dict[UUID, _Asked] = {}
        self._sent: Sequence[Message] = ()  # by the last call
        self._refs: list[Ref] = []
        self._meter = Meter()

    @property
    def limited(self) -> bool:
        """Whether there are budgets that may refuse a call."""
        return self._log.log.limited

    async def reserve(self, call: CallStart) -> UUID:
        """Write down that a call is made, with what is sent; waits for all that was put before, too.

        Raises:
            OverBudget: A budget does not allow it.
            RunStopped: It could not be written; the run is lost or broken.
        """
        pauses = chain(PAUSES_S, repeat(PAUSES_S[-1]))
        waited_s = 0.0
        while True:
            call_id = self._log.log.clock.new_id()
            refusal = await self._try(call_id, call)
            if refusal is None:
                return call_id
            if refusal.over or waited_s > WAIT_S:
                raise refusal.error(call.actor)
            if not refusal.unmeasured:
                waited_s += (pause := next(pauses))
                await happens(asyncio.Event(), pause)

    async def _try(self, call_id: UUID, call: CallStart) -> Refusal | None:
        prompt = self._read_prompt(call.request)
        rows = [self._row(call_id, call, prompt)]
        if not self._log.known.has_prompt(self._log.run.workspace_id, prompt.digest):
            rows.insert(0, self._prompt_row(call.request, prompt.digest))
        self._asked[call_id] = _Asked(call.model.id, prompt.digest, len(call.request.messages))
        try:
            refused = await self._log.reserve_call(call_id, rows)
        except asyncio.CancelledError:  # it may be committed all the same, and nobody else would settle it
            end = CallEnd("stopped", Usage(), False, 0, None, 0.0, self._log.log.clock.now())
            await self.settle(call_id, end)
            raise
        self._log.known.note_prompt(self._log.run.workspace_id, prompt.digest)
        if refused is None:
            return None
        del self._asked[call_id]
        return Refusal.of(refused)

    async def settle(self, call_id: UUID, end: CallEnd) -> None:
        """Write down how a call ended, add it to the run's account and tell readers (`usage`); waits for nothing."""
        cost_micros = end.cost_micros or 0
        row = {
            "root_id": self._log.run.root_id,
            "workspace_id": self._log.run.workspace_id,
            "id": call_id,
            "status": end.status,
            **end.usage.to_json(),
            "estimated": end.estimated,
            "cost_micros": cost_micros,
            "output_micros": end.output_micros,
            "first_ms": end.first_ms,
            "ended_at": end.ended_at,
            "error": end.error,
        }
        asked = self._asked.pop(call_id, None)
        told = {"model": asked.model if asked else "", **end.usage.to_json(), "cost_micros": cost_micros}
        if end.estimated:
            told["estimated"] = True
        elif asked and end.status == "settled":
            self._meter.learn(asked.digest, asked.messages, end.usage.input_tokens)
        self._log.settle_call(call_id, ("settlements", encode(row)), end.usage, cost_micros, told)

    def _row(self, call_id: UUID, call: CallStart, prompt: _Prompt) -> tuple[str, bytes]:
        run, actor = self._log.run, call.actor
        row = {
            "root_id": run.root_id,
            "workspace_id": run.workspace_id,
            "id": call_id,
            "run_id": run.id,
            "principal_kind": actor.principal.kind,
            "principal_id": actor.principal.id,
            "role_id": actor.roles[0].id if actor.roles else None,
            "agents": [fold_name(name) for kind, _, name in map(_link, actor.chain) if kind == "agent"],
            "model": call.model.id,
            "status": "reserved",
            "prompt_hash": prompt.digest,
            "messages": self._references(call.request.messages),
            **Usage().to_json(),
            "estimated": False,
            "cost_micros": 0,
            "started_at": call.started_at,
        }
        if self.limited:
            row |= self._held(call, prompt)
        return "calls", encode(row)

    def _held(self, call: CallStart, prompt: _Prompt) -> dict[str, Any]:
        """Give the most that a call can use, and what it counts as if nobody ever settles it: its input."""
        if not call.model.ai:
            return {"held_tokens": 0, "held_micros": 0}
        read = self._meter.most_read(call.request.messages, prompt)
        most = most_used(call.request, read)
        least = Usage(read // CHARS_PER_TOKEN)
        return {
            "held_tokens": most.input_tokens + most.output_tokens,
            "held_micros": cost_micros(call.model, most) or 0,
            "input_tokens": least.input_tokens,
            "cost_micros": cost_micros(call.model, least) or 0,
            "estimated": True,
        }

    def _read_prompt(self, request: Request) -> _Prompt:
        known = self._prompt
        if known is not None and known.system == request.system and known.tools == request.tools:
            return known
        body = encode(_prompt(request))
        self._prompt = _Prompt(request.system, request.tools, sha256(body).hexdigest(), len(body))
        return self._prompt

    def _prompt_row(self, request: Request, digest: str) -> tuple[str, bytes]:
        row = {"workspace_id": self._log.run.workspace_id, "hash": digest, "body": _prompt(request)}
        return "prompts", encode(row)

    def _references(self, messages: Sequence[Message]) -> list[Ref]:
        """Point at each message; goes on from the call before if that sent the same beginning."""
        known = len(self._sent)
        if len(messages) < known or not all(map(is_, self._sent, messages)):
            known, self._refs = 0, []
        for message in messages[known:]:
            self._refer(message)
        self._sent = tuple(messages)
        return self._refs

    def _refer(self, message: Message) -> None:
        place = self._log.known.place(message)
        if place is None:
            self._refs.append({"role": message.role, "parts": message_parts(message)})
            return
        run_id, seq = str(place[0]), place[1]
        last = self._refs[-1] if self._refs else None
        if isinstance(last, list) and last[0] == run_id and last[2] + 1 == seq:
            last[2] = seq
        else:
            self._refs.append([run_id, seq, seq])


class Meter:
    """How many tokens a run's calls read at most: what a provider counted before, and a token for each byte since."""

    def __init__(self) -> None:
        self._messages: Sequence[Message] = ()
        self._sizes: list[int] = []  # bytes of each
        self._learnt = ("", 0, 0)  # of a call before: its prompt, how many messages it sent, tokens it read

    def most_read(self, messages: Sequence[Message], prompt: _Prompt) -> int:
        """Give the most tokens that a provider can count for these messages behind this prompt."""
        if len(messages) < len(self._messages) or not all(map(is_, self._messages, messages)):
            self._sizes, self._learnt = [], ("", 0, 0)
        self._sizes += [len(encode(message_parts(message))) for message in messages[len(self._sizes) :]]
        self._messages = tuple(messages)
        digest, count, tokens = self._learnt
        if digest == prompt.digest:
            return tokens + sum(self._sizes[count:])
        return prompt.size + sum(self._sizes)

    def learn(self, digest: str, messages: int, tokens: int) -> None:
        """Take note of what a provider counted."""
        self._learnt = (digest, messages, tokens)


def _link(link: str) -> tuple[str, str, str]:
    return link.partition(":")


def _prompt(request: Request) -> dict[str, Any]:
    tools = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in request.tools
    ]
    return {"system": request.system, "tools": tools}
