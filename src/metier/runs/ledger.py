"""The account of model calls: a row before each call, settled after, with all that is needed to show what was sent.

System text and tools are the same for many calls and stored once per content (`core.prompt`). Messages are pointed at:
`[["<run id>", 1, 4], …]`, first and last seq of those that follow each other; one that is stored nowhere stands there
itself as `{"role", "parts"}`.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from operator import is_
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.llm.door import CallEnd, CallStart
from metier.llm.messages import Message, Request, ToolSpec, Usage
from metier.runs.form import Ref, encode, message_parts
from metier.runs.run_log import RunLog


class Ledger:
    """The ledger of one run; implements `metier.llm.door.Ledger`."""

    def __init__(self, log: RunLog, actor: Actor) -> None:
        self._log = log
        self._principal_id = actor.principal.id
        self._prompt: tuple[str, Sequence[ToolSpec], str] | None = None  # of the last call: system, tools, SHA-256
        self._models: dict[UUID, str] = {}  # of calls under way
        self._sent: Sequence[Message] = ()  # by the last call
        self._refs: list[Ref] = []

    async def reserve(self, call: CallStart) -> UUID:
        """Write down that a call is made, with what is sent; waits for all that was put before, too.

        Raises:
            RunStopped: It could not be; the run is lost or broken.
        """
        call_id = self._log.log.clock.new_id()
        digest = self._digest(call.request)
        rows = [self._row(call_id, call, digest)]
        if not self._log.known.has_prompt(self._log.run.workspace_id, digest):
            rows.insert(0, self._prompt_row(call.request, digest))
        self._models[call_id] = call.model.id
        try:
            await self._log.reserve_call(call_id, rows)
        except asyncio.CancelledError:  # it may be committed all the same, and nobody else would settle it
            end = CallEnd("stopped", Usage(), False, 0, None, 0.0, self._log.log.clock.now())
            await self.settle(call_id, end)
            raise
        self._log.known.note_prompt(self._log.run.workspace_id, digest)
        return call_id

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
            "first_ms": end.first_ms,
            "ended_at": end.ended_at,
            "error": end.error,
        }
        told = {"model": self._models.pop(call_id, ""), **end.usage.to_json(), "cost_micros": cost_micros}
        if end.estimated:
            told["estimated"] = True
        self._log.settle_call(call_id, ("settlements", encode(row)), end.usage, cost_micros, told)

    def _row(self, call_id: UUID, call: CallStart, digest: str) -> tuple[str, bytes]:
        run = self._log.run
        row = {
            "root_id": run.root_id,
            "workspace_id": run.workspace_id,
            "id": call_id,
            "run_id": run.id,
            "principal_id": self._principal_id,
            "model": call.model.id,
            "status": "reserved",
            "prompt_hash": digest,
            "messages": self._references(call.request.messages),
            **Usage().to_json(),
            "estimated": False,
            "cost_micros": 0,
            "started_at": call.started_at,
        }
        return "calls", encode(row)

    def _digest(self, request: Request) -> str:
        known = self._prompt
        if known is not None and known[0] == request.system and known[1] == request.tools:
            return known[2]
        digest = sha256(encode(_prompt(request))).hexdigest()
        self._prompt = (request.system, request.tools, digest)
        return digest

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


def _prompt(request: Request) -> dict[str, Any]:
    tools = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in request.tools
    ]
    return {"system": request.system, "tools": tools}
