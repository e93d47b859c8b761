"""The one door through which an agent acts: known, allowed, valid, approved, then run and recorded (S-12).

What a model gets back is always `{"success", "message", "result"?, "error"?}`; a call it got wrong is answered with
what was expected, never repaired or taken as empty (S-15).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal, cast
from uuid import UUID

import orjson

from metier.actor import check_flag
from metier.audit import Entry
from metier.context import Context
from metier.errors import (
    GiveUp,
    Invalid,
    MetierError,
    NotFound,
    Problem,
    SchemaMismatch,
    StepInterrupted,
    TryAgain,
    Waiting,
)
from metier.events import EventType
from metier.llm.messages import ToolCall, ToolResult
from metier.redaction import Redactor, get_logger, without_credentials
from metier.registry import fold_name
from metier.runs.requests import Kind, Request, Shown
from metier.schema import Validators
from metier.tools.approval import Careful, Caution, Need
from metier.tools.asking import NOT_NEEDED, Asked, Consent, NeedsPerson, cleaned, consent, look, show
from metier.tools.tool import Output, Tool

TOOL_TIMEOUT_S = 60.0
RULE_MAX = 500  # characters of a refusal's sentence that the audit log keeps
NAME_MAX = 200  # characters of a tool's name that there is not
MAX_ARGUMENTS = 100_000  # characters; a filter of 200 conditions is some 20,000

#: Errors of a tool's run that mean it was not let pass.
_REFUSALS = frozenset({"MissingPermission", "Forbidden", "NobodyToAsk", "RefusedAddress"})


@dataclass(frozen=True)
class Offer:
    """The tools an agent may use in one step, by folded name."""

    tools: Mapping[str, Tool]

    @classmethod
    def of(cls, tools: Sequence[Tool]) -> "Offer":
        """Collect tools; the first of a name wins, and a name before an alias."""
        by_name: dict[str, Tool] = {}
        for name, one in [*((t.name, t) for t in tools), *((alias, t) for t in tools for alias in t.aliases)]:
            by_name.setdefault(fold_name(name), one)
        return cls(by_name)

    def find(self, name: str) -> Tool:
        """Give the tool of this name.

        Raises:
            NotFound: It was not offered; suggests the nearest.
        """
        found = self.tools.get(fold_name(name))
        if found is None:
            raise NotFound("tool", name, {tool.name for tool in self.tools.values() if not tool.hidden})
        return found


class Dispatcher:
    """Calls tools for agents.

    Args:
        redactor: Takes secrets out of what tools give back, before the model, the log or a person sees it (S-34).
        asked: Finds what a person was asked for a call; None where nobody can be asked.
    """

    def __init__(self, redactor: Redactor, asked: Asked | None = None, *, timeout_s: float = TOOL_TIMEOUT_S) -> None:
        self._redactor = redactor
        self._asked = asked
        self._validators = Validators()
        self._timeout_s = timeout_s
        self._logger = get_logger("metier.tools")

    async def dispatch(
        self, ctx: Context, call: ToolCall, offer: Offer, careful: Careful, *, begun: bool = False
    ) -> ToolResult:
        """Run one call and record it; never raises for what the call did wrong.

        A tool that changes something runs only after its `tool_call` event is committed, so that what was begun is
        known even if this process dies. What asks a person does so before: a call that waits has not begun.

        Args:
            begun: An earlier process began the call and died on it (S-37): it is made again if that does no harm, else
                it is told as interrupted. A person was asked before it began.

        Raises:
            NeedsPerson: The call waits for a person; dispatch it again once they have answered.
            asyncio.CancelledError: The run was stopped or let go of meanwhile; nothing is recorded.
            RunStopped: The run is lost or broken, and the call was not made.
        """
        started = ctx.clock.monotonic()
        tool, arguments, unread = self._read(ctx, call, offer)
        if begun and not (tool is not None and tool.repeatable(arguments)):
            return record_result(ctx, call, interrupted_output(call.name), started)
        said, fault = await self._consent(ctx, call, tool, arguments, careful, unread, begun=begun)
        data = self._redactor.value(_call_data(call, tool, arguments), of=ctx.actor.workspace_id)
        noted = ctx.emit(EventType.TOOL_CALL, data)
        if tool is not None and tool.effect != "read":
            await noted
        output = await self._run(ctx, tool, arguments, said) if tool and not fault else _failure(fault)
        output = self._redactor.value(output, of=ctx.actor.workspace_id)
        ctx.note(ctx.actor, _decision(call, tool, output, refused=fault is not None, approval_id=said.request_id))
        return record_result(ctx, call, output, started, tool.brings if tool and not unread else ())

    async def ask_ahead(self, ctx: Context, call: ToolCall, offer: Offer, careful: Careful) -> None:
        """Ask a person for a call that will be made later, if it needs one; nothing runs, nothing is recorded.

        Raises:
            NeedsPerson: It waits for a person.
        """
        tool, arguments, fault = self._read(ctx, call, offer)
        await self._consent(ctx, call, tool, arguments, careful, fault)

    async def show(
        self, ctx: Context, call: ToolCall, offer: Offer, caution: Caution, before: Request
    ) -> tuple[Shown, str]:
        """Give what a person who is asked for this call would see now, and the hash of it.

        Args:
            before: What was asked; a call that needs nobody any more is shown as it was.

        Raises:
            MetierError: It cannot be done any more.
        """
        tool, arguments, fault = self._read(ctx, call, offer)
        if tool is None or fault is not None:
            raise fault or NotFound("tool", call.name)
        if tool.question is not None:
            return before.shown, before.hash
        preview, need = await look(ctx, tool, arguments, caution)
        if need is None:
            need = Need(_kind(before.shown), before.shown.why)
            caution = replace(caution, reads=frozenset(before.shown.reads))
        shown = show(tool, arguments, preview, need, caution)
        return cleaned(shown, self._clean, ctx.actor.workspace_id), shown.digest(ctx.effect_key)

    def _clean(self, value: Any, workspace_id: UUID) -> Any:
        return self._redactor.value(without_credentials(value), of=workspace_id)

    async def _consent(
        self,
        ctx: Context,
        call: ToolCall,
        tool: Tool | None,
        arguments: Mapping[str, Any],
        careful: Careful,
        fault: MetierError | None,
        *,
        begun: bool = False,
    ) -> tuple[Consent, MetierError | None]:
        """Give a person's word on a call, or why it is not to be made."""
        if tool is None or fault is not None or begun:
            return NOT_NEEDED, fault
        try:
            async with asyncio.timeout(self._timeout_s):
                said = await consent(ctx, call, tool, arguments, careful, asked=self._asked, clean=self._clean)
                return said, None
        except (NeedsPerson, Waiting):
            raise
        except MetierError as error:
            return NOT_NEEDED, error
        except TimeoutError:
            return NOT_NEEDED, GiveUp(f"{tool.name} did not say within {self._timeout_s:g} s what it would do.")
        except Exception:  # the edge to tool code, as in _run
            self._logger.exception("preview failed", tool=tool.name, run_id=str(ctx.run_id))
            return NOT_NEEDED, GiveUp(f"{tool.name} failed inside; the operator's log has the cause.")

    def _read(
        self, ctx: Context, call: ToolCall, offer: Offer
    ) -> tuple[Tool | None, Mapping[str, Any], MetierError | None]:
        tool: Tool | None = None
        try:
            tool = offer.find(call.name)
            arguments = parse_arguments(call)
            if tool.flag:
                check_flag(ctx.actor, tool.flag)
            if problems := self._validators.problems(tool.parameters, arguments):
                raise SchemaMismatch(f"The call of {tool.name}", problems)
        except MetierError as error:
            return tool, {}, error
        return tool, arguments, None

    async def _run(self, ctx: Context, tool: Tool, arguments: Mapping[str, Any], said: Consent) -> dict[str, Any]:
        """Run a call that is known, allowed, valid and approved; what goes wrong becomes the output."""
        try:
            if said.answer is not None:
                return _remarked(said.answer, said)
            async with asyncio.timeout(self._timeout_s):
                return _remarked(_success(tool, await tool.run(ctx, arguments)), said)
        except Waiting:
            raise
        except MetierError as error:
            return _failure(error)
        except TimeoutError:
            return _failure(GiveUp(f"{tool.name} did not finish within {self._timeout_s:g} s."))
        except Exception:  # the edge to tool code: the model hears of it, the log has the cause
            self._logger.exception("tool failed", tool=tool.name, run_id=str(ctx.run_id))
            return _failure(GiveUp(f"{tool.name} failed inside; the operator's log has the cause."))


def _remarked(output: Mapping[str, Any], said: Consent) -> dict[str, Any]:
    remark = f" The person remarks: {said.remark}" if said.remark else ""
    return {**output, "message": f"{output['message']}{remark}"}


def _kind(shown: Shown) -> Literal["confirm", "approval"]:
    return "approval" if shown.kind is Kind.APPROVAL else "confirm"


def parse_arguments(call: ToolCall) -> Mapping[str, Any]:
    """Read a call's arguments strictly.

    Raises:
        Invalid: Not a JSON object, too long, or a name that starts with `__`.
    """
    if len(call.raw) > MAX_ARGUMENTS:
        raise _bad_arguments(call, f"longer than {MAX_ARGUMENTS} characters")
    try:
        value = orjson.loads(call.raw)
    except orjson.JSONDecodeError as error:
        raise _bad_arguments(call, f"not JSON ({error})") from error
    if not isinstance(value, dict):
        raise _bad_arguments(call, f"a JSON {type(value).__name__}, not an object")
    arguments = cast("dict[str, Any]", value)  # JSON has text keys
    if stray := next((name for name in arguments if name.startswith("__")), None):
        raise _bad_arguments(call, f"a reserved name, {stray!r}")
    return arguments


def stopped(call: ToolCall) -> ToolResult:
    """Give what stands in the history for a call that was stopped."""
    return ToolResult(call.id, call.name, {"success": False, "message": "Stopped before it finished."}, ())


def interrupted_output(name: str) -> dict[str, Any]:
    """Give what stands in the history for a call whose process died, and which may have taken effect."""
    unknown = f"The process that ran {name} died, and nobody knows whether the call took effect."
    return _failure(StepInterrupted(f"{unknown} Find out before you call it again, or tell the person."))


def record_result(
    ctx: Context, call: ToolCall, output: Mapping[str, Any], started: float, reads: Sequence[str] = ()
) -> ToolResult:
    """Record what a call came to, and give that to the model.

    Args:
        started: When it began, by the clock's monotonic time.
        reads: Whose words the output may hold.
    """
    ms = round((ctx.clock.monotonic() - started) * 1000, 3)
    ctx.emit(EventType.TOOL_RESULT, {"call_id": call.id, "name": call.name, **output, "ms": ms, "reads": list(reads)})
    return ToolResult(call.id, call.name, output, tuple(reads))


def _bad_arguments(call: ToolCall, problem: str) -> Invalid:
    sentence = f"the arguments are {problem}; send one JSON object"
    return Invalid.of([Problem("", sentence, example={})], what=f"The call of {call.name}")


def _call_data(call: ToolCall, tool: Tool | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    shown = without_credentials(arguments)
    data: dict[str, Any] = {"call_id": call.id, "name": call.name, "arguments": shown}
    if tool is None or (not arguments and call.raw.strip() not in ("{}", "")):
        data["raw"] = _raw_shown(call.raw)[:2_000]
    return data | ({"category": tool.category, "effect": tool.effect} if tool else {})


def _raw_shown(raw: str) -> str:
    try:
        return orjson.dumps(without_credentials(orjson.loads(raw))).decode()
    except (orjson.JSONDecodeError, TypeError):
        return raw


def _decision(
    call: ToolCall, tool: Tool | None, output: Mapping[str, Any], *, refused: bool, approval_id: UUID | None
) -> Entry:
    """Give what the audit log keeps of a call: whether it was let pass, by which rule, and never its arguments."""
    error = output.get("error", {}).get("error", "")
    refused = refused or error in _REFUSALS
    held = f", holds {tool.flag}" if tool and tool.flag else ""
    return Entry(
        "tool.called",
        decision="refused" if refused else "allowed",
        rule=f"{error}: {output['message']}"[:RULE_MAX] if refused or tool is None else f"{tool.effect}{held}",
        tool=tool.name if tool else call.name[:NAME_MAX],
        arguments_hash=sha256(call.raw.encode("utf-8", "surrogatepass")).hexdigest(),
        rows=_touched(output),
        approval_id=approval_id,
        details={"call_id": call.id, "success": output["success"]} | ({"error": error} if error else {}),
    )


def _touched(output: Mapping[str, Any]) -> int | None:
    result = output.get("result")
    records = cast("dict[str, Any]", result).get("records") if isinstance(result, dict) else None
    return len(cast("list[Any]", records)) if isinstance(records, list) else None


def _success(tool: Tool, given: Any) -> dict[str, Any]:
    output = given if isinstance(given, Output) else Output("Done.", given)
    body: dict[str, Any] = {"success": output.success, "message": output.message}
    if output.result is None:
        return body
    try:
        orjson.dumps(output.result)
    except TypeError as error:
        raise GiveUp(f"{tool.name} gave back something that is not JSON: {error}.") from error
    return body | {"result": output.result}


def _failure(error: MetierError | None) -> dict[str, Any]:
    assert error is not None
    hint = "Try again with other arguments: " if isinstance(error, TryAgain) else ""
    return {"success": False, "message": f"{hint}{error.message}", "error": error.to_json()}
