"""What goes to the vendor."""

import gc

import orjson
import pytest

from metier.builtin.providers.openai.request import Encoder
from metier.llm.messages import Message, Plan, Request, Text, ToolCall, ToolResult, ToolSpec, user


def body(request, *, token_limit="max_tokens", encoder=None):
    return orjson.loads((encoder or Encoder(token_limit)).body(request, "the-model"))


def request(*messages, **fields):
    return Request("p/the-model", messages, **fields)


FIND = ToolSpec("find", "Finds.", {"type": "object", "properties": {}}, {"kind": "find", "object": {"secret": 1}})


def test_a_plain_question():
    assert body(request(user("Hi"), system="Be brief.")) == {
        "model": "the-model",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    }


def test_calls_and_results():
    call = Message("assistant", (Text("Looking."), ToolCall("1", "find", '{"a": 1}'), ToolCall("2", "find", "{}")))
    results = Message("tool", (ToolResult("1", "find", {"success": True}), ToolResult("2", "find", {"n": "é"})))

    assert body(request(user("Hi"), call, results))["messages"][1:] == [
        {
            "role": "assistant",
            "content": "Looking.",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"a": 1}'}},
                {"id": "2", "type": "function", "function": {"name": "find", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": '{"success":true}'},
        {"role": "tool", "tool_call_id": "2", "content": '{"n":"é"}'},
    ]


def test_an_assistant_message_of_calls_alone_has_null_for_words():
    message = body(request(Message("assistant", (ToolCall("1", "find", "{}"),))))["messages"][0]

    assert message["content"] is None


def test_tools_go_out_without_their_annotations():
    assert body(request(user("Hi"), tools=[FIND]))["tools"] == [
        {
            "type": "function",
            "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object", "properties": {}}},
        }
    ]


def test_plans_never_go_out():
    plan = Plan({"canary": "plan-7"})
    sent = body(request(user("Hi"), Message("assistant", (plan, Text("Done."))), Message("assistant", (plan,))))

    assert sent["messages"][1:] == [{"role": "assistant", "content": "Done."}]
    assert "plan-7" not in str(sent)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_each_server_has_its_name_for_the_token_limit(name):
    sent = body(request(user("Hi"), max_tokens=50, temperature=0.2), token_limit=name)

    assert (sent[name], sent["temperature"]) == (50, 0.2)
    assert len({"max_tokens", "max_completion_tokens"} & sent.keys()) == 1


@pytest.mark.parametrize("raw", ["", "{", '{"a": 1', "[1]", "null", '"x"', '{"a": 1}}', "{'a': 1}", "NaN", "\ud83d{"])
def test_broken_arguments_of_the_past_go_out_quoted_whole(raw):
    """S-15: neither `{}` nor repaired, and no fragment that makes each later call fail."""
    sent = body(request(Message("assistant", (ToolCall("1", "find", raw),))))

    arguments = orjson.loads(sent["messages"][0]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"malformed_arguments": raw.replace("\ud83d", "\ufffd")}


@pytest.mark.parametrize("raw", ["{}", ' {"a": [1, 2.50]}\n', '{"a": 1, "a": 2}'])
def test_whole_arguments_of_the_past_go_out_to_the_letter(raw):
    sent = body(request(Message("assistant", (ToolCall("1", "find", raw),))))

    assert sent["messages"][0]["tool_calls"][0]["function"]["arguments"] == raw


def test_half_a_character_does_not_stop_a_question():
    sent = body(request(user("a\ud83db"), Message("tool", (ToolResult("1", "find", {"a": ["\ud83d"]}),))))

    assert sent["messages"][0]["content"] == "a\ufffdb"
    assert sent["messages"][1]["content"] == '{"a":["\ufffd"]}'


def test_a_message_is_encoded_once_and_forgotten_with_its_conversation():
    encoder = Encoder("max_tokens")
    messages = [user(f"{n}") for n in range(5)]
    first = encoder.body(request(*messages, tools=[FIND], system="s"), "m")
    kept = [bytes_ for _, bytes_ in encoder._messages.values()]

    assert encoder.body(request(*messages, tools=[FIND], system="s"), "m") == first
    assert all(a is b for a, (_, b) in zip(kept, encoder._messages.values(), strict=True))

    del messages
    gc.collect()
    assert encoder._messages == {}


def test_tools_made_anew_with_other_parameters_are_encoded_anew():
    encoder = Encoder("max_tokens")
    for kind in ("string", "number"):
        tools = [ToolSpec("find", "Finds.", {"type": kind})]
        sent = body(request(user("Hi"), tools=tools), encoder=encoder)

        assert sent["tools"][0]["function"]["parameters"] == {"type": kind}


def test_the_prompt_in_front_of_the_conversation_stays_the_same_to_the_byte():
    """Vendors cache by prefix."""
    encoder = Encoder("max_tokens")
    one, two = (encoder.body(request(*[user("a"), user("b")][:n], system="s" * 99), "m") for n in (1, 2))

    assert two.startswith(one[: one.index(b'"content":"a"')])
