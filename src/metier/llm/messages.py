"""What is said to a model and what comes back: frozen values with one stored JSON form.

A conversation is a sequence of Messages; a Message is a role and Parts. The stored form of a part is
`{"type": "text", "text": …}`, `{"type": "tool_call", "id", "name", "arguments"}`,
`{"type": "tool_result", "id", "name", "output", "reads"?}` or `{"type": "plan", "plan": …}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from metier.formats import Formats

Role = Literal["user", "assistant", "tool"]


@dataclass(frozen=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True)
class ToolCall:
    """A model's wish to call a tool.

    Attributes:
        raw: The arguments exactly as the model wrote them; parsed strictly by `tools.dispatch`, never repaired.
    """

    id: str
    name: str
    raw: str


@dataclass(frozen=True)
class ToolResult:
    """What a tool answered.

    Attributes:
        output: `{success, message, result?, error?}`.
        reads: Whose words it may hold: `records`, `web`, `files`, `mail`, `other`; empty for none, None if nobody noted
            it, as before that was done. Never sent to a vendor.
    """

    id: str
    name: str
    output: Mapping[str, Any]
    reads: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Plan:
    """What the offline planner understood (see `PlanNote`); kept with its answer, never sent to a vendor."""

    plan: Mapping[str, Any]


Part = Text | ToolCall | ToolResult | Plan


@dataclass(frozen=True)
class Message:
    """One message of a conversation; tool results come in messages of role `tool`."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The words of all text parts."""
        return "".join(p.text for p in self.parts if isinstance(p, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls this message asks for."""
        return tuple(p for p in self.parts if isinstance(p, ToolCall))


def user(text: str) -> Message:
    """Make a message of a person."""
    return Message("user", (Text(text),))


def part_to_json(part: Part) -> dict[str, Any]:
    """Give the stored form of a part."""
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case ToolCall(id=call_id, name=name, raw=raw):
            return {"type": "tool_call", "id": call_id, "name": name, "arguments": raw}
        case ToolResult(id=call_id, name=name, output=output, reads=reads):
            body = {"type": "tool_result", "id": call_id, "name": name, "output": dict(output)}
            return body if reads is None else {**body, "reads": list(reads)}
        case Plan(plan):
            return {"type": "plan", "plan": dict(plan)}


def part_from_json(body: Mapping[str, Any]) -> Part:
    """Read a stored part. Old samples in `tests/wire/` stay readable for ever."""
    match body["type"]:
        case "text":
            return Text(body["text"])
        case "tool_call":
            return ToolCall(body["id"], body["name"], body["arguments"])
        case "tool_result":
            reads = body.get("reads")
            return ToolResult(body["id"], body["name"], body["output"], None if reads is None else tuple(reads))
        case "plan":
            return Plan(body["plan"])
        case other:
            raise ValueError(f"unknown part type {other!r}")


@dataclass(frozen=True)
class ToolSpec:
    """A tool as a model is told of it.

    Attributes:
        parameters: JSON Schema of the arguments, an object.
        annotations: What the offline planner reads and no vendor is sent, e.g. `{"kind": "find", "object": {…}}`
            with an object type cut down to what the actor may see (`records.shape`).
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    annotations: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Situation:
    """Facts about the moment that rules need and prompts state in words."""

    now: str  # ISO 8601 with offset, in the person's time zone
    time_zone: str = "UTC"  # IANA name
    locale: str = "en"
    person: str = ""  # label of who asks
    person_id: str = ""
    week_start: int = 0  # the day a week begins with for them, Monday being 0
    formats: Formats = field(default_factory=Formats)  # how they want values written


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes:
        model: Full id, `provider/name`.
        system: Instructions; empty for none.
        max_tokens: Most tokens to answer with; None leaves it to the provider.
    """

    model: str
    messages: Sequence[Message]
    system: str = ""
    tools: Sequence[ToolSpec] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    situation: Situation | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens of one model call. `input_tokens` includes `cached_tokens`; `output_tokens` includes reasoning."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def to_json(self) -> dict[str, int]:
        """Give the stored form."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "reasoning_tokens": self.reasoning_tokens,
        }


# What a provider streams ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextDelta:
    """More words of the answer."""

    text: str


@dataclass(frozen=True)
class ReasoningDelta:
    """More words of the model's reasoning."""

    text: str


@dataclass(frozen=True)
class PlanNote:
    """What the offline planner understood; becomes a `plan_step` event."""

    plan: Mapping[str, Any]


@dataclass(frozen=True)
class Finish:
    """The end of an answer; always the last item of a stream that was not cut off.

    Attributes:
        reason: `stop`, `tool_calls`, `length` (the answer hit its token limit) or `filtered`.
        usage: As the provider counted; None if it did not say. Past the door (`llm.door`) always there.
        estimated: Whether the door estimated `usage`, because the provider did not count.
        cost_micros: What the call cost in micro-dollars, filled in by the door; None if the price is unknown.
    """

    reason: Literal["stop", "tool_calls", "length", "filtered"]
    usage: Usage | None = None
    estimated: bool = False
    cost_micros: int | None = None


Chunk = TextDelta | ReasoningDelta | ToolCall | PlanNote | Finish
