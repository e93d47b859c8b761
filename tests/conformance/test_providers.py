"""Every provider on the shelf keeps the contract of `metier.llm.provider.Provider`."""

import asyncio
import traceback
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from importlib import import_module
from pathlib import Path

import orjson
import pytest

from metier.egress import Egress
from metier.errors import ProviderDown
from metier.llm.messages import Chunk, Finish, Plan, PlanNote, Request, TextDelta, ToolCall
from metier.llm.provider import ModelInfo
from metier.registry import shelf
from metier.settings import Settings
from metier.testing.clock import FrozenClock

EVERYTHING = {
    "openai_api_key": "k",
    "xai_api_key": "k",
    "anthropic_api_key": "k",
    "openai_compatible_base_url": "http://127.0.0.1:9/v1",
}


def on_the_shelf() -> Iterator[tuple[str, str]]:
    """Give shelf file and name of each provider there is when everything is configured."""
    for module in shelf("providers"):
        for provider in module.providers(Settings.for_tests(Path(), **EVERYTHING), Egress(), FrozenClock()):
            yield module.__name__.rpartition(".")[2], provider.name


@pytest.fixture(params=list(on_the_shelf()), ids="/".join)
async def stage(request, tmp_path, clock):
    """A provider that can answer."""
    module, name = request.param
    async with import_module(f"tests.conformance.stages.{module}").stage(name, tmp_path, clock) as opened:
        yield opened


async def read(provider, request: Request) -> list[Chunk]:
    async with aclosing(provider.stream(request)) as stream:
        return [chunk async for chunk in stream]


async def read_into(chunks: list[Chunk], provider, request: Request) -> None:
    async with aclosing(provider.stream(request)) as stream:
        async for chunk in stream:
            chunks += [chunk]


def calls_of(chunks: Sequence[Chunk]) -> list[ToolCall]:
    return [chunk for chunk in chunks if isinstance(chunk, ToolCall)]


def test_there_are_providers_on_the_shelf():
    assert {"openai", "xai", "compatible"} <= {name for _, name in on_the_shelf()}


async def test_models_carry_the_providers_name(stage):
    models = stage.provider.models()
    ids = [model.id for model in models]

    assert stage.provider.name.isidentifier()
    assert ids
    assert len(set(ids)) == len(ids)
    assert all(isinstance(m, ModelInfo) and m.id.startswith(f"{stage.provider.name}/") and m.label for m in models)


async def test_an_answer_in_words_ends_with_one_finish(stage):
    *said, finish = await read(stage.provider, stage.words())

    assert isinstance(finish, Finish)
    assert finish.reason == "stop"
    assert not any(isinstance(chunk, (Finish, ToolCall)) for chunk in said)
    assert all(chunk.text for chunk in said if isinstance(chunk, TextDelta))
    assert "".join(chunk.text for chunk in said if isinstance(chunk, TextDelta)).strip()


async def test_tool_calls_come_once_and_whole_and_name_a_given_tool(stage):
    request = stage.call()

    chunks = await read(stage.provider, request)

    assert isinstance(chunks[-1], Finish)
    assert chunks[-1].reason == "tool_calls"
    calls = calls_of(chunks)
    assert calls
    assert all(call.id for call in calls)
    assert len({call.id for call in calls}) == len(calls)
    assert {call.name for call in calls} <= {tool.name for tool in request.tools}
    assert all(isinstance(orjson.loads(call.raw), dict) for call in calls)


async def test_results_of_tools_are_answered(stage):
    request = stage.call()
    chunks = await read(stage.provider, request)

    *said, finish = await read(stage.provider, stage.after(request, calls_of(chunks)))

    assert finish.reason == "stop"
    assert any(isinstance(chunk, TextDelta) for chunk in said)


async def test_ids_of_calls_are_new_in_every_answer(stage):
    request = stage.call()
    first = calls_of(await read(stage.provider, request))
    again = stage.after(request, first)
    await read(stage.provider, again)
    follow = stage.call()
    messages = (*again.messages, *follow.messages)
    second = calls_of(await read(stage.provider, Request(follow.model, messages, follow.system, follow.tools)))

    assert not {call.id for call in first} & {call.id for call in second}


async def test_closing_early_is_no_fault_and_the_next_question_is_answered(stage):
    async with aclosing(stage.provider.stream(stage.words())) as stream:
        await anext(stream)

    assert isinstance((await read(stage.provider, stage.words()))[-1], Finish)


async def test_questions_side_by_side_do_not_mix(stage):
    answers = await asyncio.gather(*(read(stage.provider, stage.words()) for _ in range(5)))

    assert all([type(chunk) for chunk in answer].count(Finish) == 1 for answer in answers)
    assert len({"".join(c.text for c in answer if isinstance(c, TextDelta)) for answer in answers}) == 1


async def test_every_failure_is_a_provider_down_without_finish_call_or_secret(stage):
    """S-34."""
    for request in stage.faulty():
        chunks: list[Chunk] = []
        with pytest.raises(ProviderDown) as caught:
            await read_into(chunks, stage.provider, request)

        assert caught.value.provider == stage.provider.name
        assert not any(isinstance(chunk, (Finish, ToolCall)) for chunk in chunks)
        shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.__dict__)
        assert not [secret for secret in stage.secrets if secret in shown]


async def test_a_provider_shows_no_secret(stage):
    assert not [secret for secret in stage.secrets if secret in repr(stage.provider)]


async def test_plans_are_for_people(stage):
    """A note of a plan is JSON, so that it can be stored and shown."""
    for request in (stage.words(), stage.call()):
        notes = [chunk for chunk in await read(stage.provider, request) if isinstance(chunk, PlanNote)]
        assert all(orjson.loads(orjson.dumps(Plan(note.plan).plan)) == note.plan for note in notes)
