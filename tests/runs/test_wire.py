"""Old samples of stored events and messages stay readable, and new forms get a sample."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from metier.events import START, Cursor, Event, EventType
from metier.llm.messages import Message, Plan, Text, ToolCall, ToolResult
from metier.runs import event_schema
from metier.runs.form import message_parts, read_events, read_message
from metier.runs.history import sent_messages

WIRE = Path(__file__).parents[1] / "wire"
EVENTS = sorted((WIRE / "events").glob("*.json"))
MESSAGES = sorted((WIRE / "messages").glob("*.json"))
ROOT = UUID(int=5)


def sample(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def row_of(stored: dict[str, Any]) -> dict[str, Any]:
    """Give a sample's row with the types the database gives."""
    return stored | {"run_id": UUID(stored["run_id"]), "ts": datetime.fromisoformat(stored["ts"])}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_stored_event_reads_as_it_always_did(path: Path) -> None:
    stored = sample(path)

    events = read_events(ROOT, row_of(stored["row"]), after=START)

    expected = [one | {"ts": datetime.fromisoformat(one["ts"]).isoformat()} for one in stored["events"]]
    assert [event.to_json() for event in events] == expected
    assert {event.epoch for event in events} == {stored["row"]["epoch"]}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_sample_fits_the_published_schema(path: Path) -> None:
    validator = jsonschema_rs.validator_for(event_schema(), validate_formats=True)

    for event in sample(path)["events"]:
        assert validator.is_valid(event), [error.message for error in validator.iter_errors(event)]


def test_each_type_of_event_has_a_sample() -> None:
    assert {sample(path)["row"]["type"] for path in EVENTS} == {one.value for one in EventType}


@pytest.mark.parametrize(("seq", "left"), [(1, "Acme Über\n"), (2, "me Über\n"), (3, "Über\n"), (4, "")])
def test_batch_is_cut_where_the_reader_was(seq: int, left: str) -> None:
    row = row_of(sample(WIRE / "events" / "token.json")["row"])

    events = read_events(ROOT, row, after=Cursor(1, seq))

    assert "".join(event.data["text"] for event in events) == left
    assert [event.seq for event in events] == list(range(seq + 1, 5))


def test_type_of_a_newer_release_is_passed_over() -> None:
    row = row_of(sample(WIRE / "events" / "stage.json")["row"])

    assert read_events(ROOT, row | {"type": "brand_new"}, after=START) == []


def test_batch_of_another_epoch_is_not_cut() -> None:
    row = row_of(sample(WIRE / "events" / "token.json")["row"]) | {"epoch": 2}

    assert len(read_events(ROOT, row, after=Cursor(1, 99))) == 3


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_stored_message_reads_as_it_always_did(path: Path) -> None:
    stored = sample(path)

    message = read_message(stored["row"])

    assert _told(message) == stored["reads"]
    assert read_message({"role": message.role, "parts": message_parts(message)}) == message


def test_each_kind_of_part_has_a_sample() -> None:
    kinds = {type(part) for path in MESSAGES for part in read_message(sample(path)["row"]).parts}

    assert kinds == {Text, ToolCall, ToolResult, Plan}


def test_what_a_model_call_was_sent_reads_as_it_always_did() -> None:
    stored = sample(WIRE / "model_calls" / "messages.json")
    messages = {
        (place.partition("/")[0], int(place.partition("/")[2])): Message("user", (Text(text),))
        for place, text in stored["stored"].items()
    }

    assert [message.text for message in sent_messages(stored["messages"], messages)] == stored["reads"]


def _told(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role, "text": message.text}
    if message.tool_calls:
        told["calls"] = [[call.id, call.name, call.raw] for call in message.tool_calls]
    if results := [[p.id, p.name, p.output] for p in message.parts if isinstance(p, ToolResult)]:
        told["results"] = results
    if sources := [list(p.reads) for p in message.parts if isinstance(p, ToolResult) and p.reads is not None]:
        told["sources"] = sources
    if plans := [p.plan for p in message.parts if isinstance(p, Plan)]:
        told["plans"] = plans
    return told


def test_events_are_compared_by_value() -> None:
    """The tests above rest on it."""
    row = row_of(sample(WIRE / "events" / "stage.json")["row"])
    [event] = read_events(ROOT, row, after=START)

    assert event == Event(
        ROOT, row["run_id"], 1, 7, row["ts"], EventType.STAGE, {"name": "search", "status": "running"}
    )
