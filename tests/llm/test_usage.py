import pytest

from metier.llm.messages import Message, Plan, Request, Text, ToolCall, ToolResult, ToolSpec, Usage, user
from metier.llm.provider import LongContext, ModelInfo
from metier.llm.usage import cost_micros, estimated_usage, output_micros

PRICED = ModelInfo("a/b", input_micros=2_000_000, output_micros=8_000_000, cached_micros=500_000)


@pytest.mark.parametrize(
    ("usage", "micros"),
    [
        (Usage(), 0),
        (Usage(input_tokens=1_000_000), 2_000_000),
        (Usage(output_tokens=1_000_000), 8_000_000),
        (Usage(input_tokens=1_000_000, cached_tokens=1_000_000), 500_000),
        (Usage(input_tokens=100, cached_tokens=60, output_tokens=20), 80 + 30 + 160),
        (Usage(input_tokens=100, output_tokens=20, reasoning_tokens=15), 200 + 160),  # reasoning is part of the output
        (Usage(input_tokens=10, cached_tokens=60), 30),  # a count that cannot be: nothing below zero
    ],
)
def test_the_cost_is_tokens_times_price(usage, micros):
    assert cost_micros(PRICED, usage) == micros


def test_the_cost_is_rounded_to_the_nearest():
    cheap = ModelInfo("a/b", input_micros=50_000, output_micros=50_000)

    assert [cost_micros(cheap, Usage(input_tokens=n)) for n in (9, 10, 29, 30)] == [0, 1, 1, 2]


def test_without_a_price_for_cached_input_it_costs_the_full_price():
    model = ModelInfo("a/b", input_micros=2_000_000, output_micros=8_000_000)

    assert cost_micros(model, Usage(input_tokens=10, cached_tokens=10)) == 20


@pytest.mark.parametrize(
    "model", [ModelInfo("a/b"), ModelInfo("a/b", input_micros=1), ModelInfo("a/b", output_micros=1)]
)
def test_an_unknown_price_is_not_guessed(model):
    assert cost_micros(model, Usage(10, 10)) is None


@pytest.mark.parametrize(("usage", "micros"), [(Usage(100, 20, 60), 160), (Usage(10, 0), 0), (Usage(0, 1), 8)])
def test_the_answers_share_of_the_cost(usage, micros):
    assert output_micros(PRICED, usage) == micros
    assert output_micros(ModelInfo("a/b", output_micros=1), usage) == 0, "an unknown price is not guessed"


def test_the_answers_share_is_dearer_after_a_long_question():
    model = ModelInfo("a/b", input_micros=10, output_micros=10, long_context=LongContext(200_000, 2_000_000, 4_000_000))

    assert output_micros(model, Usage(200_001, 100)) == 400


def test_rules_are_free():
    assert cost_micros(ModelInfo("offline/planner", ai=False), Usage(10, 10)) == 0


def test_a_long_question_makes_the_whole_call_dearer():
    model = ModelInfo("a/b", input_micros=10, output_micros=10, long_context=LongContext(200_000, 2_000_000, 4_000_000))

    assert cost_micros(model, Usage(200_000, 100)) == 2
    assert cost_micros(model, Usage(200_001, 100)) == 400_002 + 400


def test_an_estimate_takes_four_characters_for_a_token():
    request = Request(
        "a/b",
        [
            user("x" * 40),
            Message("assistant", (Text("y" * 8), ToolCall("1", "find", '{"a":1}'), Plan({"not": "sent"}))),
            Message("tool", (ToolResult("1", "find", {"ok": True}),)),
        ],
        system="s" * 12,
        tools=[ToolSpec("find", "Finds", {"type": "object"})],
    )

    chars = 40 + 8 + len('find{"a":1}') + len('{"ok": true}') + 12 + len('findFinds{"type": "object"}')
    assert estimated_usage(request, 9) == Usage(input_tokens=-(-chars // 4), output_tokens=3)
