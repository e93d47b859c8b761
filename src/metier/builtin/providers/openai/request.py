"""A Request as the bytes of a chat completions body; what stays the same from call to call is encoded once."""

import weakref
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import orjson

from metier.llm.messages import Message, Request, ToolCall, ToolResult, ToolSpec

TokenLimit = Literal["max_tokens", "max_completion_tokens"]

MAX_TOOLS_KEPT = 512
MAX_SYSTEMS_KEPT = 64


class Encoder:
    """Encodes requests of one provider.

    A message's bytes are kept as long as the message lives, so a call costs what is new in it, not what is long.

    Args:
        token_limit: What this server calls the most tokens to answer with.
    """

    def __init__(self, token_limit: TokenLimit) -> None:
        self._token_limit = token_limit
        self._messages: dict[int, tuple[weakref.ref[Message], bytes]] = {}
        self._tools: dict[tuple[str, str, int], tuple[Mapping[str, Any], bytes]] = {}
        self._systems: dict[str, bytes] = {}

    def body(self, request: Request, model: str) -> bytes:
        """Encode a request to the vendor's model of this name."""
        messages = [encoded for message in request.messages if (encoded := self._message(message))]
        if request.system:
            messages.insert(0, self._system(request.system))
        fields = [
            b'{"model":' + _json(model),
            b'"stream":true,"stream_options":{"include_usage":true}',
            b'"messages":[' + b",".join(messages) + b"]",
        ]
        if request.tools:
            fields.append(b'"tools":[' + b",".join(self._tool(tool) for tool in request.tools) + b"]")
        if request.max_tokens is not None:
            fields.append(b'"%s":%d' % (self._token_limit.encode(), request.max_tokens))
        if request.temperature is not None:
            fields.append(b'"temperature":' + _json(request.temperature))
        return b",".join(fields) + b"}"

    def _message(self, message: Message) -> bytes:
        key = id(message)
        kept = self._messages.get(key)
        if kept is not None and kept[0]() is message:
            return kept[1]
        encoded = b",".join(_json(wire) for wire in _wire_messages(message))
        self._messages[key] = (weakref.ref(message, lambda _: self._messages.pop(key, None)), encoded)
        return encoded

    def _tool(self, tool: ToolSpec) -> bytes:
        key = (tool.name, tool.description, id(tool.parameters))
        kept = self._tools.get(key)
        if kept is not None:  # its parameters are kept with it, so the id is still theirs
            return kept[1]
        function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        encoded = _json({"type": "function", "function": function})
        if len(self._tools) >= MAX_TOOLS_KEPT:
            self._tools.clear()
        self._tools[key] = (tool.parameters, encoded)
        return encoded

    def _system(self, text: str) -> bytes:
        encoded = self._systems.get(text)
        if encoded is None:
            if len(self._systems) >= MAX_SYSTEMS_KEPT:
                self._systems.clear()
            encoded = self._systems[text] = _json({"role": "system", "content": text})
        return encoded


def _wire_messages(message: Message) -> Iterator[dict[str, Any]]:
    """Give a message as the wire's messages: none for one without words or calls, one for each tool result."""
    match message.role:
        case "user":
            yield {"role": "user", "content": message.text}
        case "assistant":
            if message.text or message.tool_calls:
                yield _assistant(message)
        case "tool":
            for part in message.parts:
                if isinstance(part, ToolResult):
                    yield {"role": "tool", "tool_call_id": part.id, "content": _json(part.output).decode()}


def _assistant(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": "assistant", "content": message.text or None}
    if calls := message.tool_calls:
        wire["tool_calls"] = [_call(call) for call in calls]
    return wire


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _arguments(call.raw)}}


def _arguments(raw: str) -> str:
    """Give arguments that a server can read back.

    Servers parse the arguments of past calls and refuse a whole conversation for one broken text. So a broken one
    goes out quoted, inside an object that says what it is; its result has told the model of the error.
    """
    try:
        if isinstance(orjson.loads(raw), dict):
            return raw
    except orjson.JSONDecodeError:
        pass
    return _json({"malformed_arguments": raw}).decode()


def _json(value: Any) -> bytes:  # any JSON value
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:  # half a surrogate pair, from a client or a model
        return orjson.dumps(_without_halves(value), default=_plain)


def _plain(value: Any) -> Any:
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else str(value)


def _without_halves(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case dict():
            fields = cast("dict[str, Any]", value)  # a JSON object's keys are text
            return {_without_halves(name): _without_halves(inner) for name, inner in fields.items()}
        case list():
            return [_without_halves(item) for item in cast("list[Any]", value)]
        case _:
            return value
