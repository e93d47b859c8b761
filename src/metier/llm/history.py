"""Whether a conversation can be sent: vendors refuse one in which a tool call has no result, or a result no call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from metier.llm.messages import Message, ToolCall, ToolResult


def find_break(messages: Sequence[Message]) -> str | None:
    """Say in words where a conversation breaks the rule, or give None.

    The rule: each tool call is answered by exactly one result, in the messages of role `tool` that follow its message
    at once; there are no other results.
    """
    open_calls: dict[str, str] = {}
    for message in messages:
        if message.role == "tool":
            problem = _close(open_calls, message)
        else:
            problem = _unanswered(open_calls)
            open_calls = {call.id: call.name for call in message.tool_calls}
            if len(open_calls) < len(message.tool_calls):
                problem = problem or "two tool calls of one message have the same id"
        if problem:
            return problem
    return _unanswered(open_calls)


def mended(messages: Sequence[Message], output: Callable[[str], Mapping[str, Any]]) -> list[Message]:
    """Give a conversation in which no tool call is open, as a run that was interrupted leaves one.

    Args:
        output: Gives what stands as the result of an open call of the tool of this name.
    """
    whole: list[Message] = []
    open_calls: dict[str, ToolCall] = {}
    for message in messages:
        if message.role != "tool":
            whole += _results(open_calls, output)
            open_calls = {call.id: call for call in message.tool_calls}
        for part in message.parts:
            if isinstance(part, ToolResult):
                open_calls.pop(part.id, None)
        whole.append(message)
    return whole + _results(open_calls, output)


def _results(calls: Mapping[str, ToolCall], output: Callable[[str], Mapping[str, Any]]) -> list[Message]:
    results = tuple(ToolResult(call.id, call.name, output(call.name), ()) for call in calls.values())
    return [Message("tool", results)] if results else []


def _close(open_calls: dict[str, str], message: Message) -> str | None:
    for part in message.parts:
        if isinstance(part, ToolResult) and open_calls.pop(part.id, None) is None:
            return f"the result {part.id!r} of {part.name!r} follows no call"
    return None


def _unanswered(open_calls: dict[str, str]) -> str | None:
    if not open_calls:
        return None
    call_id, name = next(iter(open_calls.items()))
    return f"the call {call_id!r} of {name!r} has no result"
