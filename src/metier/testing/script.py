"""A model that says what a test wrote down: `Script().calls("find_companies", limit=1).then_says("Acme.")`."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from metier.errors import MetierError
from metier.llm.messages import Chunk, Finish, ReasoningDelta, Request, TextDelta, ToolCall, Usage
from metier.llm.provider import ModelInfo


@dataclass
class _Step:
    chunks: list[Chunk] = field(default_factory=list[Chunk])
    fault: MetierError | None = None
    hold: asyncio.Event | None = None


class Script:
    """What the model answers, one step per model call. Methods give the script itself, so they chain.

    `asked` are the requests it got, in order.
    """

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._call_ids = 0
        self.asked: list[Request] = []

    def calls(self, tool: str, **arguments: Any) -> Self:
        """Call one tool with these arguments."""
        return self.calls_raw(tool, orjson.dumps(arguments).decode())

    def says_and_calls(self, text: str, tool: str, **arguments: Any) -> Self:
        """Say something, then call one tool with these arguments."""
        return self._add([TextDelta(text), self._call(tool, orjson.dumps(arguments).decode())], "tool_calls")

    def calls_raw(self, tool: str, raw: str) -> Self:
        """Call a tool with arguments as they are, right or wrong."""
        return self._add([self._call(tool, raw)], "tool_calls")

    def calls_all(self, *calls: tuple[str, dict[str, Any]]) -> Self:
        """Call several tools at once."""
        return self._add([self._call(name, orjson.dumps(args).decode()) for name, args in calls], "tool_calls")

    def then_says(self, text: str, *, thinking: str = "") -> Self:
        """Answer, word by word."""
        words = [TextDelta(word) for word in text.replace(" ", " \x00").split("\x00") if word]
        thoughts: list[Chunk] = [ReasoningDelta(thinking)] if thinking else []
        return self._add([*thoughts, *words], "stop")

    says = then_says

    def then_fails(self, fault: MetierError, *, after: str = "") -> Self:
        """Say some words, then fail as a provider fails."""
        self._steps.append(_Step([TextDelta(after)] if after else [], fault))
        return self

    def then_hangs(self, *, after: str = "") -> Self:
        """Say some words, then say nothing until the request is closed or `go_on` is called."""
        self._steps.append(_Step([TextDelta(after)] if after else [], hold=asyncio.Event()))
        return self

    def go_on(self) -> None:
        """Let the step that hangs finish."""
        for step in self._steps:
            if step.hold:
                step.hold.set()

    def next_step(self, request: Request) -> _Step:
        """Take the step for this request (the provider calls this).

        Raises:
            AssertionError: The script has no more steps.
        """
        self.asked.append(request)
        if len(self.asked) > len(self._steps):
            raise AssertionError(f"the script has {len(self._steps)} steps, and the model was asked once more")
        return self._steps[len(self.asked) - 1]

    def _call(self, tool: str, raw: str) -> ToolCall:
        self._call_ids += 1
        return ToolCall(f"call-{self._call_ids}", tool, raw)

    def _add(self, chunks: list[Any], reason: Any) -> Self:
        said = sum(len(chunk.text) for chunk in chunks if isinstance(chunk, TextDelta))
        usage = Usage(input_tokens=10, output_tokens=max(1, said // 4))
        self._steps.append(_Step([*chunks, Finish(reason, usage)]))
        return self


class ScriptedModel:
    """A provider with one model, `scripted/model`, that follows whatever Script is put into `script`."""

    name = "scripted"

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.on_ask: Callable[[Request], None] | None = None

    def models(self) -> list[ModelInfo]:
        """Give the one model."""
        return [ModelInfo("scripted/model", "Scripted", 100_000, 1_000_000, 2_000_000, 500_000)]

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Say the next step."""
        if self.on_ask:
            self.on_ask(request)
        step = self.script.next_step(request)
        for chunk in step.chunks:
            yield chunk
            await asyncio.sleep(0)
        if step.hold:
            await step.hold.wait()
            yield Finish("stop", Usage(10, 1))
        if step.fault:
            raise step.fault

    async def aclose(self) -> None:
        """Nothing to let go of."""
