"""Streams of all kinds: what comes back is whole, or a fault that says so; never a wrong call."""

import asyncio

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metier.builtin.providers.openai.answer import Reading
from metier.errors import ProviderDown
from metier.llm.messages import Finish, Message, TextDelta, ToolCall, ToolResult, Usage, user
from metier.llm.sse import SseReader
from metier.testing.faults import USAGE, Call, Reply, calls, chunk, says, stream
from tests.llm.wire import answer, ask, partly, text_of, thought_of

COUNTED = Usage(input_tokens=100, output_tokens=20, cached_tokens=60, reasoning_tokens=5)
ARGUMENTS = '{"where": {"name": {"like": "Größe – 😀%"}}, "limit": 2}'


# --- whole answers ---------------------------------------------------------------------------------------------------


async def test_words_come_with_how_it_ended_and_usage(server, provider):
    server.then(says("Two companies: Acme and Größe 😀."))

    chunks = await answer(provider)

    assert text_of(chunks) == "Two companies: Acme and Größe 😀."
    assert chunks[-1] == Finish("stop", COUNTED)


async def test_reasoning_comes_before_the_words(server, provider):
    server.then(says("Yes.", thinking="Let me see"))

    chunks = await answer(provider)

    assert (thought_of(chunks), text_of(chunks)) == ("Let me see", "Yes.")
    assert [type(c).__name__ for c in chunks] == ["ReasoningDelta", "TextDelta", "Finish"]


async def test_a_tool_call_comes_once_and_whole(server, provider):
    server.then(calls(Call("find", ARGUMENTS, id="c1"), text="Looking."))

    assert await answer(provider) == [
        TextDelta("Looking."),
        ToolCall("c1", "find", ARGUMENTS),
        Finish("tool_calls", COUNTED),
    ]


async def test_parallel_calls_keep_their_order_and_arguments(server, provider):
    wanted = [Call(f"tool_{n}", orjson.dumps({"n": n, "x": "é" * n}).decode(), id=f"c{n}") for n in range(5)]
    server.then(calls(*wanted))

    found = [c for c in await answer(provider) if isinstance(c, ToolCall)]

    assert [(c.id, c.name, c.raw) for c in found] == [(c.id, c.name, c.arguments) for c in wanted]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("way", ["plain", "crlf", "cr", "no space", "comments"])
async def test_framing_and_pieces_make_no_difference(server, provider, size, way):
    reply = calls(Call("find", ARGUMENTS, id="c1"), text="Größe 😀 ")
    reply = {
        "plain": lambda: reply,
        "crlf": lambda: reply.with_line_ends(b"\r\n"),
        "cr": lambda: reply.with_line_ends(b"\r"),
        "no space": reply.without_spaces,
        "comments": reply.with_comments,
    }[way]()
    server.then(reply.in_pieces_of(size))

    chunks = await answer(provider)

    assert text_of(chunks) == "Größe 😀 "
    assert chunks[-2:] == [ToolCall("c1", "find", ARGUMENTS), Finish("tool_calls", COUNTED)]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        *[("stop", "stop"), ("length", "length"), ("content_filter", "filtered"), ("max_tokens", "length")],
        *[("eos_token", "stop"), ("tool_calls", "tool_calls")],
    ],
)
async def test_how_an_answer_ended(server, provider, told, reason):
    server.then(says("Well", finish=told))

    assert (await answer(provider))[-1].reason == reason


async def test_calls_that_end_with_stop_are_calls_all_the_same(server, provider):
    one = {"index": 0, "id": "c", "function": {"name": "find", "arguments": "{}"}}
    server.then(stream([chunk({"tool_calls": [one]}), chunk({}, "stop")]))

    assert await answer(provider) == [ToolCall("c", "find", "{}"), Finish("tool_calls")]


async def test_arguments_cut_by_the_token_limit_are_passed_on_as_they_are(server, provider):
    one = {"index": 0, "id": "c", "function": {"name": "find", "arguments": '{"a": "b'}}
    server.then(stream([chunk({"tool_calls": [one]}), chunk({}, "length")]))

    assert await answer(provider) == [ToolCall("c", "find", '{"a": "b'), Finish("length")]


@pytest.mark.parametrize("raw", ["", "{", "[1]", "{'a': 1}", '{"a": 1}{"a": 2}', "null", "not json", '{"__x": 1}'])
async def test_malformed_arguments_are_neither_empty_nor_repaired(server, provider, raw):
    """S-15."""
    server.then(calls(Call("find", raw, id="c1")))

    assert [c for c in await answer(provider) if isinstance(c, ToolCall)] == [ToolCall("c1", "find", raw)]


async def test_an_unknown_tool_and_wrong_types_are_passed_on(server, provider):
    server.then(calls(Call("no_such_tool", '{"limit": "many"}', id="c1")))

    assert ToolCall("c1", "no_such_tool", '{"limit": "many"}') in await answer(provider)


# --- usage -----------------------------------------------------------------------------------------------------------


async def test_usage_that_nobody_counted_is_none(server, provider):
    server.then(says("Hi", usage=None))

    assert (await answer(provider))[-1] == Finish("stop", None)


async def test_usage_in_every_event_counts_once(server, provider):
    events = [chunk({"content": "a"}) | {"usage": {"prompt_tokens": 5, "completion_tokens": n}} for n in (1, 2)]
    server.then(stream([*events, chunk({}, "stop")]))

    assert (await answer(provider))[-1].usage == Usage(5, 2)


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 4}, Usage(10, 4)),
        ({"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": None}, Usage()),
        (USAGE, COUNTED),
        (  # xAI: reasoning stands beside completion_tokens, the total includes it
            {
                "prompt_tokens": 37,
                "completion_tokens": 1,
                "total_tokens": 332,
                "completion_tokens_details": {"reasoning_tokens": 294},
            },
            Usage(37, 295, 0, 294),
        ),
    ],
)
async def test_usage_is_read_as_the_vendor_means_it(server, provider, told, usage):
    server.then(says("Hi", usage=told))

    assert (await answer(provider))[-1].usage == usage


# --- servers that differ ---------------------------------------------------------------------------------------------


def deltas(*tool_calls, finish="tool_calls"):
    return stream([*(chunk({"tool_calls": [one]}) for one in tool_calls), chunk({}, finish)])


def wire(name=None, arguments=None, **fields):
    return {**fields, "function": {k: v for k, v in {"name": name, "arguments": arguments}.items() if v is not None}}


async def called(server, provider, reply, request=None):
    server.then(reply)
    return [(c.id, c.name, c.raw) for c in await answer(provider, request) if isinstance(c, ToolCall)]


async def test_calls_without_index_begin_with_their_id(server, provider):
    reply = deltas(wire("a", '{"x":', id="1"), wire(arguments="1}"), wire("b", "{}", id="2"))

    assert await called(server, provider, reply) == [("1", "a", '{"x":1}'), ("2", "b", "{}")]


async def test_calls_all_counted_as_0_are_told_apart_by_id(server, provider):
    reply = deltas(wire("a", "{}", id="1", index=0), wire("a", "{}", id="2", index=0))

    assert await called(server, provider, reply) == [("1", "a", "{}"), ("2", "a", "{}")]


async def test_id_and_name_repeated_in_every_delta_change_nothing(server, provider):
    reply = deltas(wire("a", '{"x":', id="1", index=0), wire("a", "1}", id="1", index=0))

    assert await called(server, provider, reply) == [("1", "a", '{"x":1}')]


async def test_a_name_in_pieces_is_put_together(server, provider):
    reply = deltas(wire("find_", id="1", index=0), wire("companies", "{}", index=0))

    assert await called(server, provider, reply) == [("1", "find_companies", "{}")]


async def test_arguments_as_an_object_become_its_text(server, provider):
    assert await called(server, provider, deltas(wire("a", {"x": "é"}, id="1"))) == [("1", "a", '{"x": "é"}')]


async def test_calls_without_ids_get_ids_of_their_own(server, provider):
    found = await called(server, provider, calls(Call("a", id=None), Call("b", id=None)))

    assert [name for _, name, _ in found] == ["a", "b"]
    assert len({call_id for call_id, _, _ in found if call_id.startswith("call_")}) == 2


async def test_an_id_of_the_conversation_is_not_given_twice(server, provider):
    request = ask(
        user("Hi"),
        Message("assistant", (ToolCall("call_0", "a", "{}"),)),
        Message("tool", (ToolResult("call_0", "a", {}),)),
    )

    ((call_id, name, _),) = await called(server, provider, calls(Call("a", id="call_0")), request)

    assert name == "a"
    assert call_id != "call_0"


async def test_an_answer_that_is_not_streamed_is_read_whole(server, provider):
    message = {"role": "assistant", "content": "Hi.", "tool_calls": [{"id": "1", **wire("a", "{}")}]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": USAGE}
    server.then(Reply((orjson.dumps(body),), headers={"Content-Type": "application/json"}))

    assert await answer(provider) == [TextDelta("Hi."), ToolCall("1", "a", "{}"), Finish("tool_calls", COUNTED)]


async def test_halves_of_a_character_in_two_events_are_joined(server, provider):
    halves = [b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}', b'{"choices":[{"delta":{"content":"\\ude00b"}}]}']
    server.then(stream([*halves, chunk({}, "stop")]).slow(between_s=0.01))

    assert text_of(await answer(provider)) == "a😀b"


async def test_half_a_character_alone_becomes_a_replacement(server, provider):
    lone = b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}'
    in_call = b'{"choices":[{"delta":{"tool_calls":[{"id":"1","function":{"name":"a","arguments":"\\ude00"}}]}}]}'
    server.then(stream([lone, in_call, chunk({}, "stop")]))

    chunks = await answer(provider)

    assert text_of(chunks) == "a\ufffd"
    assert ToolCall("1", "a", "\ufffd") in chunks


async def test_content_as_a_list_of_parts_is_read(server, provider):
    parts = [{"type": "text", "text": "Hi"}, {"type": "thinking", "thinking": []}]
    server.then(stream([chunk({"content": parts}), chunk({}, "stop")]))

    assert text_of(await answer(provider)) == "Hi"


async def test_a_refusal_is_read_as_words(server, provider):
    server.then(stream([chunk({"content": None, "refusal": "I may not."}), chunk({}, "stop")]))

    assert text_of(await answer(provider)) == "I may not."


async def test_events_without_choices_are_passed_over(server, provider):
    filters = chunk({}) | {"choices": [], "prompt_filter_results": []}
    server.then(stream([filters, chunk({"content": "Hi"}), chunk({}, "stop")]))

    assert text_of(await answer(provider)) == "Hi"


async def test_the_end_may_lack_done_or_the_reason_but_not_both(server, provider):
    server.then(
        says("Hi", done=False), stream([chunk({"content": "Hi"})]), stream([chunk({"content": "Hi"})], done=False)
    )

    assert (await answer(provider))[-1].reason == "stop"
    assert (await answer(provider))[-1].reason == "stop"
    chunks, fault = await partly(provider)
    assert (chunks, fault.kind) == ([TextDelta("Hi")], "cut_off")


# --- broken streams --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (stream([b"{not json"]), "malformed"),
        (stream([b'"text"']), "malformed"),
        (stream([b"[1]"]), "malformed"),
        (stream([b'{"choices": 5}']), "malformed"),
        (stream([b'{"choices": [5]}']), "malformed"),
        (stream([b'{"choices": [{"delta": []}]}', b'{"choices": [{"delta": 1}]}']), "malformed"),
        (stream([b'{"choices": [{"delta": {"content": 5}}]}']), "malformed"),
        (stream([b'{"choices": [{"delta": {"tool_calls": [5]}}]}']), "malformed"),
        (stream([b'{"choices": [{"delta": {"tool_calls": [{"function": {"name": 5}}]}}]}']), "malformed"),
        (stream([b'{"usage": 5}']), "malformed"),
        (stream([b'{"choices": [{"delta": {"content": "\xff"}}]}']), "malformed"),
        (stream([]), "malformed"),
        (stream([chunk({}) | {"choices": []}]), "malformed"),
        (deltas(wire(None, "{}", index=0)), "malformed"),
        (stream([{"error": {"message": "overloaded", "type": "server_error"}}], done=False), "server"),
        (stream([{"error": "rate limit", "choices": []}], done=False), "server"),
        (stream([chunk({"role": "assistant"}), {"error": {"message": "slow down", "code": 429}}]), "rate_limited"),
        (stream([], done=False), "cut_off"),
    ],
)
async def test_a_broken_stream_is_a_fault_with_a_kind(server, provider, reply, kind):
    server.then(*[reply] * 3)

    chunks, fault = await partly(provider)

    assert isinstance(fault, ProviderDown)
    assert (chunks, fault.kind) == ([], kind)


async def test_words_before_an_error_in_the_stream_are_kept(server, provider):
    server.then(stream([chunk({"content": "Two "}), {"error": {"message": "overloaded"}}]))

    chunks, fault = await partly(provider)

    assert (chunks, fault.kind) == ([TextDelta("Two ")], "server")
    assert "overloaded" in fault.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("clean", [False, True])
async def test_a_stream_cut_after_any_byte_is_a_clean_beginning_or_the_whole(server, make, clean):
    """Also where a proxy ends the body as if it were whole."""
    reply = calls(Call("find", ARGUMENTS, id="c1"), Call("get", '{"id": 7}', id="c2"), text="Größe 😀: ")
    whole = [ToolCall("c1", "find", ARGUMENTS), ToolCall("c2", "get", '{"id": 7}')]
    length, outcomes, provider = len(reply.body), set(), make()

    for at in range(length + 1):
        server.only(*[reply.cut(at, clean=clean)] * 3)
        chunks, fault = await partly(provider)

        assert "Größe 😀: ".startswith(text_of(chunks))
        found = [c for c in chunks if isinstance(c, ToolCall)]
        if fault is None:
            assert found == whole
            assert isinstance(chunks[-1], Finish)
        else:
            assert found == []
            assert not any(isinstance(c, Finish) for c in chunks)
            assert fault.kind == "cut_off"
        outcomes.add(fault is None)

    assert outcomes == {True, False}


@given(data=st.data())
def test_a_stream_with_a_changed_byte_never_raises_anything_but_a_fault(data):
    stream_bytes = bytearray(calls(Call("find", '{"limit": 2}', id="c1"), text="Hi ").body)
    at = data.draw(st.integers(0, len(stream_bytes) - 1))
    stream_bytes[at] = data.draw(st.integers(0, 255))
    reading, reader = Reading("p", new_id=lambda: "x"), SseReader()

    reading.feed(reader.feed(bytes(stream_bytes)))
    try:
        chunks = reading.end()
    except ProviderDown:
        return
    assert isinstance(chunks[-1], Finish)


async def test_a_stream_that_stays_open_after_its_end_is_not_waited_for(server, provider):
    open_end = Reply((says("Hi").body, b": still here\n\n"), between_s=60)
    server.then(open_end, says("again"))

    async with asyncio.timeout(12):
        assert text_of(await answer(provider)) == "Hi"
        assert text_of(await answer(provider)) == "again"
    assert server.connections == 2


async def test_what_fails_after_the_answer_is_whole_does_not_matter(server, provider):
    whole = says("Hi", usage=None, done=False).body
    server.then(stream([], done=False), Reply((whole, b"data: late")).cut(len(whole)))

    chunks = await answer(provider)

    assert (text_of(chunks), chunks[-1]) == ("Hi", Finish("stop", None))
