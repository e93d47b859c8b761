"""A streamed answer of chat completions, put together event by event.

Text and reasoning go on at once; tool calls are held until the stream has said that it is over, so that a stream cut
anywhere never yields a wrong call. Arguments stay the text the model wrote.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from metier.errors import ProviderDown
from metier.llm.faults import of_error, tidy
from metier.llm.messages import Chunk, Finish, ReasoningDelta, TextDelta, ToolCall, Usage

DONE = b"[DONE]"
MALFORMED = (TypeError, AttributeError, KeyError, IndexError, ValueError)  # what JSON of a wrong shape raises here

Reason = Literal["stop", "tool_calls", "length", "filtered"]

REASONS: Mapping[str, Reason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filtered",
}


class Reading:
    """The answer so far.

    Args:
        provider: Its name, for faults.
        hide: Secrets that must not show in faults.
        taken: Ids of the conversation's earlier calls: a new call gets another.
        new_id: Gives an id for a call that has none of its own.

    Attributes:
        over: The stream said `[DONE]`.
        fault: What the stream said went wrong.
    """

    def __init__(
        self, provider: str, *, hide: Sequence[str] = (), taken: Collection[str] = (), new_id: Callable[[], str]
    ) -> None:
        self.over = False
        self.fault: ProviderDown | None = None
        self._provider = provider
        self._hide = hide
        self._calls = _Calls(set(taken), new_id)
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._any_choice = False
        self._kind: type[TextDelta | ReasoningDelta] = TextDelta
        self._words: list[str] = []
        self._halves = False  # whether half a surrogate pair may be among the words
        self._chunks: list[Chunk] = []

    @property
    def complete(self) -> bool:
        """Whether the answer is whole: what may still come is usage and `[DONE]`."""
        return self.over or self._reason is not None

    def feed(self, events: Iterable[bytes]) -> list[Chunk]:
        """Take the data of the next events and give what can be passed on; text that came together is one delta."""
        for data in events:
            if self.over or self.fault:
                break
            try:
                self._event(data)
            except MALFORMED as error:
                self.fault = self._malformed(f"an event that cannot be read ({type(error).__name__})", data)
        self._flush()
        chunks, self._chunks = self._chunks, []
        return chunks

    def end(self) -> list[Chunk]:
        """Give the tool calls and the Finish.

        Raises:
            ProviderDown: The answer is not whole (`cut_off`), or there is none (`malformed`).
        """
        if self.fault:
            raise self.fault
        if not self.complete:
            raise ProviderDown(self._provider, "the answer ended in the middle", kind="cut_off")
        if not self._any_choice:
            raise ProviderDown(self._provider, "the stream held no answer (no choices)", kind="malformed")
        self._flush(last=True)
        calls = self._calls.whole()
        if any(not call.name for call in calls):
            raise ProviderDown(self._provider, "it called a tool without a name", kind="malformed")
        chunks, self._chunks = self._chunks, []
        return [*chunks, *calls, Finish(self._finish_reason(bool(calls)), self._usage)]

    def _finish_reason(self, has_calls: bool) -> Reason:
        reason = REASONS.get(self._reason or "stop", "stop")
        return "tool_calls" if has_calls and reason == "stop" else reason  # several servers say "stop" after calls

    def _event(self, data: bytes) -> None:
        if data.strip() == DONE:
            self.over = True
            return
        event = self._parsed(data)
        if error := event.get("error"):
            self.fault = of_error(self._provider, error, hide=self._hide)
            return
        if usage := event.get("usage"):
            self._usage = _usage(usage)
        for choice in event.get("choices") or ():
            self._choice(choice)

    def _parsed(self, data: bytes) -> dict[str, Any]:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            # orjson refuses \ud83d without its other half, which servers send when a token ends between the two.
            parsed = json.loads(data)
            self._halves = True
            return parsed

    def _choice(self, choice: dict[str, Any]) -> None:
        if choice.get("index"):
            return  # we ask for one answer
        self._any_choice = True
        delta: dict[str, Any] = choice.get("delta") or choice.get("message") or {}
        if thought := delta.get("reasoning_content") or delta.get("reasoning"):
            self._say(ReasoningDelta, _text(thought))
        if words := delta.get("content") or delta.get("refusal"):
            self._say(TextDelta, _text(words))
        for call in delta.get("tool_calls") or ():
            self._calls.take(call)
        if reason := choice.get("finish_reason"):
            self._reason = str(reason)

    def _say(self, kind: type[TextDelta | ReasoningDelta], words: str) -> None:
        if kind is not self._kind:
            self._flush()
            self._kind = kind
        self._words.append(words)

    def _flush(self, *, last: bool = False) -> None:
        words, held = "".join(self._words), ""
        if self._halves:
            words, held = _whole(words, last=last)
        self._words = [held] if held else []
        if words:
            self._chunks.append(self._kind(words))

    def _malformed(self, what: str, data: bytes) -> ProviderDown:
        shown = tidy(data[:120].decode(errors="replace"), self._hide)
        return ProviderDown(self._provider, f"it sent {what}: {shown!r}", kind="malformed")


def _text(content: Any) -> str:
    """Read text given as such, or as a list of parts (Mistral)."""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part.get("type") == "text")


def _whole(words: str, *, last: bool) -> tuple[str, str]:
    """Join surrogate halves; hold back one at the end whose other half may still come."""
    held = words[-1:] if not last and "\ud800" <= words[-1:] <= "\udbff" else ""
    words = words.removesuffix(held)
    return words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), held


def _usage(usage: dict[str, Any]) -> Usage:
    """Read token counts. xAI leaves reasoning out of `completion_tokens`, OpenAI does not: the total tells."""
    read, written = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    thought = _count(usage.get("completion_tokens_details"), "reasoning_tokens")
    if thought and _count(usage, "total_tokens") == read + written + thought:
        written += thought
    cached = _count(usage.get("prompt_tokens_details"), "cached_tokens")
    return Usage(input_tokens=read, output_tokens=written, cached_tokens=min(cached, read), reasoning_tokens=thought)


def _count(counts: dict[str, Any] | None, key: str) -> int:
    value = counts.get(key) if counts else None
    return value if isinstance(value, int) and value > 0 else 0


# Tool calls ----------------------------------------------------------------------------------------------------------


@dataclass
class _Call:
    id: str
    name: str
    pieces: list[str] = field(default_factory=list[str])


class _Calls:
    """Tool calls from their deltas: `{index, id?, function: {name?, arguments?}}`.

    OpenAI counts the calls with `index` and gives id and name once. Others leave out the index or the id, count every
    call as 0, repeat id and name, or give the arguments as an object.
    """

    def __init__(self, taken: set[str], new_id: Callable[[], str]) -> None:
        self._taken = taken
        self._new_id = new_id
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def take(self, delta: dict[str, Any]) -> None:
        function: dict[str, Any] = delta.get("function") or {}
        name = function.get("name") or ""
        call = self._of(delta.get("index"), delta.get("id") or "", name)
        if name != call.name:
            call.name += name
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            call.pieces.append(arguments)
        elif arguments is not None:
            call.pieces.append(json.dumps(arguments, ensure_ascii=False))

    def _of(self, index: int | None, call_id: str, name: str) -> _Call:
        """Find the call that a delta belongs to, or begin one."""
        last = self._calls[-1] if self._calls else None
        found = last if index is None else self._by_index.get(index)
        if found is not None and not _begins(found, index, call_id, name):
            found.id = found.id or call_id
            return found
        call = _Call(call_id, "")
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call

    def whole(self) -> list[ToolCall]:
        """Give all calls, each with an id of its own."""
        return [ToolCall(self._own_id(call.id), call.name, _joined(call.pieces)) for call in self._calls]

    def _own_id(self, given: str) -> str:
        call_id = given if given and given not in self._taken else f"call_{self._new_id()}"
        self._taken.add(call_id)
        return call_id


def _begins(last: _Call, index: int | None, call_id: str, name: str) -> bool:
    """Say whether a delta that could go on with `last` begins another call."""
    if call_id and last.id:
        return call_id != last.id
    return index is None and bool(name) and bool(last.name)


def _joined(pieces: Sequence[str]) -> str:
    return "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
