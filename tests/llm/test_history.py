import pytest

from metier.llm.history import find_break, mended
from metier.llm.messages import Message, Text, ToolCall, ToolResult, user


def says(text):
    return Message("assistant", (Text(text),))


def calls(*ids):
    return Message("assistant", tuple(ToolCall(call_id, "find", "{}") for call_id in ids))


def results(*ids):
    return Message("tool", tuple(ToolResult(call_id, "find", {}) for call_id in ids))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [user("a"), says("b"), user("c")],
        [user("a"), calls("1"), results("1"), says("b")],
        [user("a"), calls("1", "2"), results("2", "1")],
        [user("a"), calls("1", "2"), results("1"), results("2"), calls("3"), results("3")],
        [user("a"), calls("1"), results("1"), calls("1"), results("1")],
    ],
)
def test_a_conversation_in_which_each_call_has_its_result_is_whole(messages):
    assert find_break(messages) is None


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([calls("1")], "the call '1' of 'find' has no result"),
        ([calls("1"), user("and?")], "the call '1' of 'find' has no result"),
        ([calls("1", "2"), results("1"), says("b")], "the call '2' of 'find' has no result"),
        ([results("1")], "the result '1' of 'find' follows no call"),
        ([calls("1"), results("1", "1")], "the result '1' of 'find' follows no call"),
        ([calls("1"), says("b"), results("1")], "the call '1' of 'find' has no result"),
        ([calls("1", "1"), results("1")], "two tool calls of one message have the same id"),
    ],
)
def test_a_break_is_named(messages, words):
    assert find_break(messages) == words


def test_a_conversation_with_open_calls_is_mended():
    calls = (ToolCall("a", "find", "{}"), ToolCall("b", "mail", "{}"))
    broken = [user("1"), Message("assistant", calls), Message("tool", (ToolResult("a", "find", {}),)), user("2")]

    whole = mended(broken, lambda name: {"message": f"{name} was interrupted"})

    assert find_break(broken)
    assert find_break(whole) is None
    assert [message for message in whole if message not in broken] == [
        Message("tool", (ToolResult("b", "mail", {"message": "mail was interrupted"}, ()),))
    ]
    assert mended(whole, lambda name: {}) == whole


def test_open_calls_at_the_end_are_mended_too():
    whole = mended([Message("assistant", (ToolCall("a", "find", "{}"),))], lambda name: {})

    assert find_break(whole) is None
