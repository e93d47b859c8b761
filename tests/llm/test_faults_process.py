"""`python -m metier.testing.faults`: the model server as a process, for acceptance tests and demonstrations."""

import asyncio
import sys

import orjson
import pytest

from metier.builtin.providers.openai import providers
from metier.llm.messages import Finish, Request, ToolCall, user
from metier.settings import Settings
from metier.testing.faults import read_script
from tests.llm.wire import answer, partly, text_of, thought_of

SCRIPT = {
    "models": ["demo"],
    "repeat": True,
    "replies": [
        {"status": 429, "message": "busy", "retry_after": "1"},
        {"calls": [{"name": "find_companies", "arguments": {"limit": 2}}, {"name": "x", "arguments": "{oops"}]},
        {"says": "Two companies.", "thinking": "Hm.", "first_s": 0.01, "between_s": 0.001},
        {"says": "cut here", "cut_after": 400},
    ],
}


@pytest.fixture
async def base_url(tmp_path):
    script = tmp_path / "script.json"
    script.write_bytes(orjson.dumps(SCRIPT))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "metier.testing.faults", "--script", str(script)), stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.communicate()


async def test_the_process_follows_its_script_again_and_again(base_url, tmp_path, clock, egress):
    settings = Settings.for_tests(tmp_path, openai_compatible_base_url=base_url)
    (provider,) = providers(settings, egress, clock)
    request = Request("compatible/default", (user("Hi"),))

    for _ in range(2):
        find, oops, finish = await answer(provider, request)
        assert (find.name, find.raw, oops.raw) == ("find_companies", '{"limit":2}', "{oops")
        assert isinstance(find, ToolCall)
        assert isinstance(finish, Finish)
        chunks = await answer(provider, request)
        assert (text_of(chunks), thought_of(chunks)) == ("Two companies.", "Hm.")
        _, fault = await partly(provider, request)
        assert fault.kind == "cut_off"


def test_a_script_is_read_into_replies():
    script = read_script(orjson.dumps(SCRIPT))

    assert [reply.status for reply in script["replies"]] == [429, 200, 200, 200]
    assert (script["models"], script["repeat"]) == (["demo"], True)
    assert script["replies"][3].cut_after == 400
