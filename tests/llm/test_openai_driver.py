"""The provider on the wire: faults, tries, time, secrets, connections."""

import logging
import traceback
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from metier.builtin.providers.openai import providers
from metier.egress import Egress, Limits
from metier.errors import ProviderDown
from metier.llm.messages import Finish, Message, TextDelta, ToolCall, user
from metier.llm.provider import ModelInfo
from metier.settings import Settings
from metier.testing.faults import ModelServer, Reply, fails, hangs_up, says, words
from tests.llm.wire import KEY, answer, ask, partly, text_of

# --- what is asked ---------------------------------------------------------------------------------------------------


async def test_the_request_carries_key_and_question(server, provider):
    server.then(says("Hi"))
    await answer(provider, ask(user("Hello"), system="Be brief.", max_tokens=9))

    (asked,) = server.chats
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.body["model"] == "test"
    assert asked.body["max_tokens"] == 9


async def test_a_server_without_key_is_sent_none(server, make):
    server.then(says("Hi"))
    await answer(make(key=None))

    assert "authorization" not in server.chats[0].headers


async def test_a_conversation_with_an_open_call_is_not_sent(server, provider):
    broken = ask(user("Hi"), Message("assistant", (ToolCall("1", "find", "{}"),)), user("and?"))

    _, fault = await partly(provider, broken)

    assert (fault.kind, fault.retryable) == ("rejected", False)
    assert "the call '1' of 'find' has no result" in fault.message
    assert server.requests == []


async def test_connections_are_used_again(server, provider):
    server.then(says("a"), says("b"), says("c"))
    for _ in range(3):
        await answer(provider)

    assert server.connections == 1


async def test_a_connection_that_ends_a_moment_after_the_answer_is_used_again(server, provider):
    late_end = Reply((says("a").body, b"\n"), between_s=0.03)
    server.then(late_end, says("b"))
    for _ in range(2):
        await answer(provider)

    assert server.connections == 1


# --- faults and tries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        *[(fails(429), "rate_limited"), (fails(500), "server"), (fails(503), "server"), (fails(408), "timeout")],
        (hangs_up(), "network"),
        (says("Hi").cut(0), "cut_off"),
    ],
)
async def test_what_may_pass_is_tried_three_times(server, provider, clock, reply, kind):
    server.then(reply, reply, says("Hi"), reply, reply, reply)

    assert text_of(await answer(provider)) == "Hi"
    assert clock.monotonic() == 1.5
    _, fault = await partly(provider)
    assert (fault.kind, fault.retryable) == (kind, True)
    assert len(server.chats) == 6


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        *[(fails(401), "auth"), (fails(400), "rejected"), (fails(404), "rejected"), (fails(413), "context")],
        (fails(429, code="insufficient_quota"), "rate_limited"),
        (fails(400, "maximum context length is 8192 tokens"), "context"),
        (Reply(status=307, headers={"Location": "http://127.0.0.1:1/v1/chat/completions"}), "rejected"),
        (Reply((b"<html>",), headers={"Content-Type": "text/html; charset=utf-8"}), "malformed"),
    ],
)
async def test_what_stays_is_tried_once(server, provider, clock, reply, kind):
    server.then(reply)

    _, fault = await partly(provider)

    assert (fault.kind, fault.retryable) == (kind, False)
    assert (len(server.chats), clock.monotonic()) == (1, 0)


async def test_retry_after_is_honoured(server, provider, clock):
    later = format_datetime(clock.now() + timedelta(seconds=10), usegmt=True)
    server.then(fails(429, retry_after="3"), fails(503, retry_after=later), says("Hi"))

    assert text_of(await answer(provider)) == "Hi"
    assert clock.monotonic() == 3 + 7  # the date lies 10 s after the start, of which 3 had passed


async def test_retry_after_of_more_than_20_seconds_is_told_at_once(server, provider, clock):
    server.then(fails(429, retry_after="60"))

    _, fault = await partly(provider)

    assert (fault.retry_after_s, clock.monotonic(), len(server.chats)) == (60, 0, 1)


async def test_nothing_is_tried_again_after_the_first_word(server, provider):
    server.then(says("Two companies").cut(400))

    chunks, fault = await partly(provider)

    assert "Two companies".startswith(text_of(chunks))
    assert text_of(chunks)
    assert fault.kind == "cut_off"
    assert len(server.chats) == 1


async def test_nobody_listening_is_told(make, egress):
    gone = make(base_url="http://127.0.0.1:9/v1", egress=egress.trusting("http://127.0.0.1:9/v1"))

    _, fault = await partly(gone)

    assert fault.kind == "network"
    assert "nothing listens there" in fault.message


async def test_loopback_is_refused_to_a_provider_that_was_not_trusted_with_it(server, make, egress):
    _, fault = await partly(make(egress=egress))

    assert (fault.kind, fault.retryable) == ("rejected", False)
    assert server.connections == 0


# --- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slowness", "limits", "said"),
    [
        ({"first_s": 5}, Limits(first_byte_s=0.1), ""),
        ({"between_s": 5}, Limits(between_s=0.1), ""),
        ({"between_s": 0.05}, Limits(total_s=0.25), None),
    ],
)
async def test_a_slow_server_is_given_up(server, make, slowness, limits, said):
    server.then(*[says("one two three four five six").slow(**slowness)] * 3)

    chunks, fault = await partly(make(limits=replace(limits, redirects=0)))

    assert fault.kind == "timeout"
    assert said is None or text_of(chunks) == said


async def test_slow_but_steady_is_fine(server, make):
    server.then(says("one two three").slow(first_s=0.05, between_s=0.02))

    assert text_of(await answer(make(limits=Limits(first_byte_s=1, between_s=0.5)))) == "one two three"


async def test_words_are_given_as_they_come(server, provider):
    server.then(says("one two three").slow(between_s=0.03))

    chunks = await answer(provider)

    assert [c.text for c in chunks if isinstance(c, TextDelta)] == words("one two three")


async def test_closing_early_closes_the_connection(server, provider):
    server.then(says("one two three four").slow(between_s=0.02))

    async with aclosing(provider.stream(ask())) as stream:
        async for chunk in stream:
            assert chunk == TextDelta("one")
            break

    await server.idle()
    assert len(server.chats) == 1


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        *[fails(status, f"bad key {KEY}") for status in (400, 401, 403, 404, 429, 500)],
        *[hangs_up(), says("Hi").cut(0), says("Hi").slow(first_s=1)],
        Reply((f'data: {{"error": {{"message": "key {KEY}"}}}}\n\n'.encode(),)),
        Reply((f"data: {{oops {KEY}\n\n".encode(),)),
        Reply((KEY.encode(),), headers={"Content-Type": "text/plain"}),
    ],
)
async def test_the_key_shows_in_no_fault_and_no_log(server, make, reply, caplog):
    """S-33, S-34: the vendor may repeat the key in its own words."""
    caplog.set_level(logging.DEBUG)
    server.then(*[reply] * 3)
    provider = make(limits=Limits(first_byte_s=0.1))

    _, fault = await partly(provider)

    shown = "".join(traceback.format_exception(fault)) + repr(fault) + str(fault.__dict__) + repr(provider)
    assert isinstance(fault, ProviderDown)
    assert KEY not in shown + str(fault.to_json())
    assert KEY not in caplog.text


def locals_of(fault):
    """Give what a crash report with local variables would print."""
    for frame, _ in traceback.walk_tb(fault.__traceback__):
        if "/metier/" in frame.f_code.co_filename and "/tests/" not in frame.f_code.co_filename:
            yield repr(frame.f_locals)


@pytest.mark.parametrize("reply", [fails(401), hangs_up(), says("Hi").cut(0), says("Hi").slow(first_s=1)])
async def test_the_key_shows_in_no_variable_of_a_crash_report(server, make, reply):
    server.then(*[reply] * 3)

    _, fault = await partly(make(limits=Limits(first_byte_s=0.1)))

    assert KEY not in "".join(locals_of(fault))


# --- which providers there are ---------------------------------------------------------------------------------------


def configured(tmp_path, clock, egress, **given):
    return {p.name: p for p in providers(Settings.for_tests(tmp_path, **given), egress, clock)}


async def test_nothing_is_there_that_was_not_configured(tmp_path, clock, egress):
    assert configured(tmp_path, clock, egress) == {}
    assert configured(tmp_path, clock, egress, openai_base_url="https://proxy.example/v1") == {}


async def test_a_key_turns_a_vendor_on(tmp_path, clock, egress):
    found = configured(tmp_path, clock, egress, openai_api_key="k", xai_api_key="k")

    assert list(found) == ["openai", "xai"]
    assert "openai/gpt-4.1" in [m.id for m in found["openai"].models()]
    assert "xai/grok-4.3" in [m.id for m in found["xai"].models()]
    assert "xai/grok-3-mini" not in [m.id for m in found["xai"].models()]
    assert found["openai"].named("gpt-4.1").input_micros == 2_000_000
    assert found["openai"].named("gpt-99") == ModelInfo("openai/gpt-99", "gpt-99")


async def test_vendors_are_asked_at_their_own_address_with_their_word_for_the_limit(tmp_path, clock):
    seen = []

    async def look_up(host, port):
        seen.append((host, port))
        return []

    async with Egress(look_up=look_up) as egress:
        for provider in configured(tmp_path, clock, egress, openai_api_key="k", xai_api_key="k").values():
            await partly(provider)

    assert sorted(set(seen)) == [("api.openai.com", 443), ("api.x.ai", 443)]


@pytest.mark.parametrize("vendor", ["openai", "xai"])
async def test_a_vendors_address_may_be_moved_even_to_loopback(tmp_path, clock, egress, server, vendor):
    given = {f"{vendor}_api_key": KEY, f"{vendor}_base_url": server.base_url}
    provider = configured(tmp_path, clock, egress, **given)[vendor]
    server.then(says("Hi"))

    assert text_of(await answer(provider, ask(max_tokens=5))) == "Hi"
    assert server.chats[0].body["max_completion_tokens"] == 5


async def test_a_compatible_server_offers_the_models_that_were_named(tmp_path, clock, egress, server):
    given = {"openai_compatible_base_url": server.base_url, "openai_compatible_model_names": ("llama3.1", "org/m")}
    provider = configured(tmp_path, clock, egress, **given)["compatible"]
    server.then(says("Hi"))

    assert [m.id for m in provider.models()] == ["compatible/llama3.1", "compatible/org/m"]
    await answer(provider, replace(ask(), model="compatible/org/m"))
    assert server.chats[0].body["model"] == "org/m"
    assert [asked.path for asked in server.requests] == ["/v1/chat/completions"]


async def test_without_names_the_servers_first_model_is_asked(tmp_path, clock, egress):
    async with ModelServer([says("Hi"), says("Hi"), says("Hi")], models=["alpha", "beta"]) as server:
        provider = configured(tmp_path, clock, egress, openai_compatible_base_url=server.base_url)["compatible"]
        before = [m.id for m in provider.models()]
        for model in ("default", "default", "beta"):
            await answer(provider, replace(ask(), model=f"compatible/{model}"))

        assert before == ["compatible/default"]
        assert [m.id for m in provider.models()] == ["compatible/alpha", "compatible/beta"]
        assert [asked.body["model"] for asked in server.chats] == ["alpha", "alpha", "beta"]
        assert [asked.path for asked in server.requests].count("/v1/models") == 1


async def test_a_server_that_lists_nothing_says_what_to_set(tmp_path, clock, egress):
    async with ModelServer(models=[]) as server:
        provider = configured(tmp_path, clock, egress, openai_compatible_base_url=server.base_url)["compatible"]
        _, fault = await partly(provider, replace(ask(), model="compatible/default"))

    assert "OPENAI_COMPATIBLE_MODEL_NAMES" in fault.message


async def test_finish_is_the_last_chunk(server, provider):
    server.then(says("Hi"))

    chunks = await answer(provider)

    assert [isinstance(c, Finish) for c in chunks] == [False, True]
