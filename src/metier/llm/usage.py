"""What a model call cost, and a guess at its tokens where nobody counted."""

import json
from dataclasses import replace

from metier.llm.messages import Message, Part, Plan, Request, Text, ToolCall, ToolResult, Usage
from metier.llm.provider import LongContext, ModelInfo

CHARS_PER_TOKEN = 4  # rough rule for English with common tokenizers; only for estimates, which say so
ANSWER_MOST = 16_384  # tokens of an answer where a budget has to know; all models of the catalogue can give as many


def cost_micros(model: ModelInfo, usage: Usage) -> int | None:
    """Give the price of a call in micro-dollars, rounded to the nearest; None if the model's price is unknown.

    Cached input is charged at its own rate if the model has one, else at the full rate. A call whose input is longer
    than the model's threshold is charged at the long rates as a whole. Rules that only look like a model are free.
    """
    if not model.ai:
        return 0
    prices = _prices(model, usage)
    if prices.input_micros is None or prices.output_micros is None:
        return None
    cached_rate = prices.input_micros if prices.cached_micros is None else prices.cached_micros
    full = max(0, usage.input_tokens - usage.cached_tokens)
    total = full * prices.input_micros + usage.cached_tokens * cached_rate + usage.output_tokens * prices.output_micros
    return (total + 500_000) // 1_000_000


def output_micros(model: ModelInfo, usage: Usage) -> int:
    """Give what of `cost_micros` the answer cost; the rest is the question's. 0 if the price is unknown."""
    if not cost_micros(model, usage):
        return 0
    return (usage.output_tokens * (_prices(model, usage).output_micros or 0) + 500_000) // 1_000_000


def _prices(model: ModelInfo, usage: Usage) -> ModelInfo | LongContext:
    if model.long_context is not None and usage.input_tokens > model.long_context.over_tokens:
        return model.long_context
    return model


def with_end(request: Request, model: ModelInfo) -> Request:
    """Give the request with a limit on its answer, if it has none.

    A model of which nothing is known is not told: servers refuse a limit that is larger than what they can hold. The
    door ends its answer then (`too_long`).
    """
    if request.max_tokens is not None or model.context_tokens is None:
        return request
    return replace(request, max_tokens=ANSWER_MOST)


def too_long(request: Request, chars: int) -> bool:
    """Say whether an answer is longer than it may be where a budget applies and its model was not told."""
    return request.max_tokens is None and _tokens(chars) > ANSWER_MOST


def most_used(request: Request, input_bytes: int) -> Usage:
    """Give the most that a call can use: a token is at least one byte."""
    return Usage(input_tokens=input_bytes, output_tokens=request.max_tokens or ANSWER_MOST)


def estimated_usage(request: Request, answered_chars: int) -> Usage:
    """Guess the tokens of a call from its length."""
    return Usage(input_tokens=_tokens(_request_chars(request)), output_tokens=_tokens(answered_chars))


def _tokens(chars: int) -> int:
    return -(-chars // CHARS_PER_TOKEN)


def _request_chars(request: Request) -> int:
    tools = sum(len(t.name) + len(t.description) + len(json.dumps(t.parameters, default=dict)) for t in request.tools)
    return len(request.system) + tools + sum(_message_chars(message) for message in request.messages)


def _message_chars(message: Message) -> int:
    return sum(_part_chars(part) for part in message.parts)


def _part_chars(part: Part) -> int:
    match part:
        case Text(text):
            return len(text)
        case ToolCall(name=name, raw=raw):
            return len(name) + len(raw)
        case ToolResult(output=output):
            return len(json.dumps(dict(output), default=str))
        case Plan():
            return 0
