from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metier.llm import sse
from metier.llm.sse import EventTooLarge, SseReader

STREAM = (
    "\ufeff: hello\n\ndata: one\n\nevent: x\nid: 7\ndata: two\nretry: 5\n\n\n\ndata:three\n\n"
    "data: a\ndata: b\n\ndata\n\n: keep-alive\n\ndata: Grüße 😀\n\ndata: unfinished\n"
).encode()
DATA = [b"one", b"two", b"three", b"a\nb", "Grüße 😀".encode()]


def read(pieces):
    reader = SseReader()
    return [data for piece in pieces for data in reader.feed(piece)]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_only_the_data_of_whole_events_is_given(line_end):
    assert read([STREAM.replace(b"\n", line_end)]) == DATA


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@given(cuts=st.lists(st.integers(0, len(STREAM) + 40), max_size=12))
def test_where_a_stream_is_cut_into_pieces_makes_no_difference(line_end, cuts):
    stream = STREAM.replace(b"\n", line_end)
    places = sorted({0, *cuts, len(stream)})

    assert read(stream[a:b] for a, b in pairwise(places)) == DATA


def test_byte_by_byte():
    for line_end in (b"\n", b"\r\n"):
        stream = STREAM.replace(b"\n", line_end)
        assert read(stream[at : at + 1] for at in range(len(stream))) == DATA


def test_an_event_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    reader = SseReader()

    reader.feed(b"data: " + b"x" * 94)

    with pytest.raises(EventTooLarge):
        reader.feed(b"x")
