"""The stored forms of messages and events, and the way to JSON bytes that the database takes.

Old forms stay readable for ever: `tests/wire/` has a sample of each.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson

from metier.events import DELTAS, Cursor, Event, EventType
from metier.llm.messages import Message, part_from_json, part_to_json

#: What a model call was sent: `[run id, first seq, last seq]` of stored messages, or a message itself.
Ref = list[Any] | dict[str, Any]

_TYPES = frozenset(one.value for one in EventType)


def encode(value: Any) -> bytes:
    """Give a JSON value as bytes that PostgreSQL's jsonb takes.

    The character U+0000, which jsonb refuses, is left out; half of a surrogate pair becomes U+FFFD; NaN and
    infinities become null. Dates and UUIDs become text.

    Raises:
        TypeError: It is no JSON value.
    """
    try:
        body = orjson.dumps(value, default=_plain)
    except orjson.JSONEncodeError:  # half surrogates, whole numbers above 64 bit, keys that are no text
        return _encode_cleaned(value)
    return _encode_cleaned(value) if b"\\u0000" in body else body


def clean_text(text: str) -> str:
    """Give a text as it will be stored."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def message_parts(message: Message) -> list[dict[str, Any]]:
    """Give the stored form of a message's parts."""
    return [part_to_json(part) for part in message.parts]


def read_message(row: Mapping[str, Any]) -> Message:
    """Read a stored message. Shape: `{"role": "user", "parts": [{"type": "text", "text": "…"}]}`."""
    return Message(row["role"], tuple(part_from_json(part) for part in row["parts"]))


def read_events(root_id: UUID, row: Mapping[str, Any], *, after: Cursor) -> list[Event]:
    """Read a row of the log that ends behind `after`; a batch of text is cut where `after` lies inside it.

    Shape of a batch: `first_seq` < `seq` or equal, data `{"part": 0, "offset": 12, "pieces": ["Ac", "me"]}`.
    A type that only a newer release knows is passed over.
    """
    if row["type"] not in _TYPES:
        return []
    kind = EventType(row["type"])
    data: dict[str, Any] = row["data"]
    epoch: int = row["epoch"]
    if kind not in DELTAS or "pieces" not in data:
        return [Event(root_id, row["run_id"], epoch, row["seq"], row["ts"], kind, data)]
    events: list[Event] = []
    offset: int = data["offset"]
    for seq, piece in enumerate(data["pieces"], start=row["first_seq"]):
        if (epoch, seq) > after:
            delta = {"part": data["part"], "offset": offset, "text": piece}
            events.append(Event(root_id, row["run_id"], epoch, seq, row["ts"], kind, delta))
        offset += len(piece)
    return events


def _plain(value: Any) -> Any:
    name = type(value).__name__
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))  # Any: the caller's
    if isinstance(value, bytes | bytearray | memoryview) or not isinstance(value, Sequence):
        raise TypeError(f"{name} is no JSON value")
    return list(cast("Sequence[Any]", value))


def _encode_cleaned(value: Any) -> bytes:
    return json.dumps(_clean(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _clean(value: Any) -> Any:
    match value:
        case str():
            return clean_text(str(value))
        case bool() | int() | None:
            return value
        case float():
            return value if abs(value) < float("inf") else None  # NaN compares false
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            pairs = cast("Mapping[Any, Any]", value).items()
            return {clean_text(str(key)): _clean(item) for key, item in pairs}
        case _:
            return [_clean(item) for item in _plain(value)]
