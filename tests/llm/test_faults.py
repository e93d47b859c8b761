from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from metier.errors import ProviderDown, RefusedAddress, Unreachable
from metier.llm.faults import of_connection, of_error, of_status, retry_after_s, with_back_off
from metier.llm.messages import Finish, TextDelta

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def status(code, body=b"", **headers):
    return of_status("openai", code, {k.replace("_", "-"): v for k, v in headers.items()}, body, now=NOW, hide=["sk-1"])


def error(message="no", **fields):
    import orjson

    return orjson.dumps({"error": {"message": message, **fields}})


@pytest.mark.parametrize(
    ("code", "body", "kind", "retryable"),
    [
        *[(401, b"", "auth", False), (403, b"", "auth", False), (400, b"", "rejected", False)],
        *[(402, b"", "rejected", False), (404, b"", "rejected", False), (422, b"", "rejected", False)],
        *[(408, b"", "timeout", True), (409, b"", "rejected", True), (413, b"", "context", False)],
        *[(429, b"", "rate_limited", True), (500, b"", "server", True), (501, b"", "rejected", False)],
        *[
            (502, b"", "server", True),
            (503, b"", "server", True),
            (529, b"", "server", True),
            (307, b"", "rejected", False),
        ],
        (429, error(code="insufficient_quota"), "rate_limited", False),
        (400, error(code="context_length_exceeded"), "context", False),
        (400, error("This model's maximum context length is 8192 tokens"), "context", False),
        (400, error("the prompt is fine"), "rejected", False),
        (500, b"<html>oops</html>", "server", True),
        (500, b"[1]", "server", True),
        (500, b'{"error": null}', "server", True),
        (500, b'{"error": {"message": {"deep": 1}}}', "server", True),
    ],
)
def test_a_status_says_what_kind_of_fault_it_is(code, body, kind, retryable):
    fault = status(code, body)

    assert (fault.kind, fault.retryable) == (kind, retryable)
    assert f"HTTP {code}" in fault.message


@pytest.mark.parametrize("body", [b'{"error": "text"}', b'{"message": "text"}', b'{"detail": "text"}', error("text")])
def test_the_vendors_words_are_passed_on(body):
    assert "'text'" in status(400, body).message


def test_a_key_the_vendor_repeats_is_hidden_and_long_words_are_cut():
    fault = status(401, error("Incorrect API key provided: sk-1.\n" + "x" * 1000))

    assert "sk-1" not in fault.message
    assert "***" in fault.message
    assert len(fault.message) < 400


def test_a_wrong_path_asks_about_the_base_url():
    assert "base URL" in status(404).message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        *[({"Retry-After": "7"}, 7.0), ({"Retry-After": "0.5"}, 0.5), ({"retry-after-ms": "250"}, 0.25)],
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}, 9.0),
        ({"Retry-After": format_datetime(NOW - timedelta(days=1), usegmt=True)}, 0.0),
        *[({"Retry-After": "soon"}, None), ({"Retry-After": "-1"}, None), ({}, None), ({"retry-after-ms": "x"}, None)],
        ({"Retry-After": "Sat, 21 Nov 2026 09:00:10"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, seconds):
    assert retry_after_s(headers, NOW) == seconds


def test_only_a_fault_that_may_pass_says_when():
    assert status(429, Retry_After="3").retry_after_s == 3
    assert status(401, Retry_After="3").retry_after_s is None


@pytest.mark.parametrize(
    ("given", "kind", "retryable"),
    [
        ({"message": "x", "type": "server_error"}, "server", True),
        ({"message": "x", "code": "rate_limit_exceeded"}, "rate_limited", True),
        ({"message": "x", "type": "insufficient_quota"}, "rate_limited", False),
        ({"message": "x", "type": "invalid_request_error"}, "rejected", False),
        ({"message": "maximum context length", "type": "invalid_request_error"}, "context", False),
        ({"message": "x", "code": "context_length_exceeded"}, "context", False),
        ({"message": "x", "code": 429}, "rate_limited", True),
        ({"message": "x", "code": 502}, "server", True),
        ({"message": "x", "code": 401}, "auth", False),
        ("words alone", "server", True),
        (["odd"], "server", True),
    ],
)
def test_an_error_inside_a_stream_has_a_kind(given, kind, retryable):
    fault = of_error("openai", given)

    assert (fault.kind, fault.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    ("connection", "kind", "retryable"),
    [
        *[(Unreachable("h", "x", kind=k), k, True) for k in ("network", "timeout", "cut_off")],
        (Unreachable("h", "x", kind="too_large"), "malformed", False),
        (RefusedAddress("http://127.0.0.1:80", "x"), "rejected", False),
    ],
)
def test_a_failed_connection_has_a_kind(connection, kind, retryable):
    fault = of_connection("openai", connection)

    assert (fault.kind, fault.retryable) == (kind, retryable)


# --- trying again ----------------------------------------------------------------------------------------------------


class Tries:
    """Attempts that fail with the given faults, one after the other, then answer."""

    def __init__(self, *faults, after=()):
        self.faults = list(faults)
        self.after = after
        self.made = 0

    async def __call__(self):
        self.made += 1
        for chunk in self.after:
            yield chunk
        if self.faults:
            raise self.faults.pop(0)
        yield Finish("stop")


async def read(tries, clock, chance=1.0):
    return [chunk async for chunk in with_back_off(tries, clock, jitter=lambda: chance)]


def down(kind="server", **fields):
    return ProviderDown("p", "x", kind=kind, **fields)


async def test_a_fault_that_may_pass_is_tried_again_after_a_growing_wait(clock):
    tries = Tries(down(), down())

    assert await read(tries, clock) == [Finish("stop")]
    assert tries.made == 3
    assert clock.monotonic() == 0.5 + 1.0


async def test_chance_shortens_a_wait_to_no_less_than_half(clock):
    await read(Tries(down(), down()), clock, chance=0.0)

    assert clock.monotonic() == 0.25 + 0.5


async def test_after_three_tries_it_is_over(clock):
    tries = Tries(*[down() for _ in range(5)])

    with pytest.raises(ProviderDown):
        await read(tries, clock)
    assert tries.made == 3


async def test_a_fault_that_stays_is_not_tried_again(clock):
    tries = Tries(down("auth", retryable=False))

    with pytest.raises(ProviderDown):
        await read(tries, clock)
    assert tries.made == 1


async def test_the_server_says_how_long_to_wait(clock):
    await read(Tries(down(retry_after_s=7)), clock)

    assert clock.monotonic() == 7


async def test_a_server_that_asks_for_longer_than_20_seconds_is_not_waited_for(clock):
    tries = Tries(down(retry_after_s=21))

    with pytest.raises(ProviderDown) as caught:
        await read(tries, clock)
    assert (tries.made, clock.monotonic(), caught.value.retry_after_s) == (1, 0, 21)


async def test_nothing_is_tried_again_once_something_was_said(clock):
    tries = Tries(down(), after=[TextDelta("a")])

    with pytest.raises(ProviderDown):
        await read(tries, clock)
    assert tries.made == 1
