"""The published JSON Schema of events, as they are stored and as the CLI prints them (draft 2020-12).

New keys and new types may be added; what is here stays. Clients pass over what they do not know.
"""

from collections.abc import Mapping
from typing import Any

from metier.events import EventType, Status

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_ID = {"type": "string", "format": "uuid"}
_OBJECT = {"type": "object"}


def event_schema() -> dict[str, Any]:
    """Give the schema of one event: `{run_id, seq, ts, type, data}`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Event of a run",
        "type": "object",
        "required": ["run_id", "seq", "ts", "type", "data"],
        "properties": {
            "run_id": {**_ID, "description": "The run it happened in: the root run or one below it"},
            "seq": {"type": "integer", "minimum": 1, "description": "Counts up within the root run's log"},
            "ts": {"type": "string", "format": "date-time"},
            "type": {"enum": [one.value for one in EventType]},
            "data": _OBJECT,
        },
        "oneOf": [_event(kind, data) for kind, data in _data().items()],
    }


def _event(type: EventType, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": type.value, "properties": {"type": {"const": type.value}, "data": data}}


def _data() -> dict[EventType, dict[str, Any]]:
    """Give the schema of each type's data."""
    delta = _shape(
        {
            "part": {**_COUNT, "description": "Number of the part of text; a new one begins after tool calls"},
            "offset": {**_COUNT, "description": "Unicode characters of the part that stand before this text"},
            "text": _TEXT,
        }
    )
    return {
        EventType.STAGE: _shape({"name": _TEXT, "status": {"enum": ["running", "completed", "failed"]}}),
        EventType.TOKEN: delta,
        EventType.REASONING: delta,
        EventType.TOOL_CALL: _tool_call(),
        EventType.TOOL_RESULT: _tool_result(),
        EventType.PLAN_STEP: _shape({"plan": _OBJECT}),
        EventType.RESUMED: _shape(
            {
                "part": {**_COUNT, "description": "The first part of text that is taken back"},
                "after": {**_TEXT, "description": "Cursor of the last event that stands, or 0-0"},
            }
        ),
        EventType.RECORD_CHANGED: _record_changed(),
        EventType.USAGE: _shape(
            {"model": _TEXT, **_tokens(), "cost_micros": _COUNT}, {"estimated": {"type": "boolean"}}
        ),
        EventType.ERROR: _shape({"error": _TEXT, "message": _TEXT}, {"cure": _TEXT}),
        EventType.COMPLETE: _complete(),
    }


def _tool_call() -> dict[str, Any]:
    return _shape(
        {"call_id": _TEXT, "name": _TEXT, "arguments": _OBJECT},
        {
            "raw": {**_TEXT, "description": "What the model wrote, if it is not taken as arguments"},
            "category": {**_TEXT, "description": "Left out for a tool that does not exist"},
            "effect": {"enum": ["read", "write", "external", "admin"]},
        },
    )


def _tool_result() -> dict[str, Any]:
    error = _shape({"error": _TEXT, "message": _TEXT}, {"cure": _TEXT, "errors": {"type": "array"}})
    return _shape(
        {
            "call_id": _TEXT,
            "name": _TEXT,
            "success": {"type": "boolean"},
            "message": _TEXT,
            "ms": {"type": "number", "minimum": 0},
        },
        {"result": {}, "error": error},
    )


def _record_changed() -> dict[str, Any]:
    return _shape(
        {
            "object": _TEXT,
            "id": _ID,
            "label": {**_TEXT, "description": "What people call the record"},
            "kind": {"enum": ["created", "updated", "deleted", "restored", "destroyed"]},
            "change_id": {**_ID, "description": "Undoes this change"},
            "write_id": {**_ID, "description": "Undoes all that the call changed"},
            "fields": {"type": "array", "items": _TEXT},
        }
    )


def _complete() -> dict[str, Any]:
    return _shape(
        {
            "status": {"enum": [status.value for status in Status if status.ended]},
            "output": {"description": "Any JSON value; the answer's text for an agent"},
            "stop_reason": _TEXT,
            "usage": {"type": "object", "properties": _tokens(), "description": "Empty if no model was asked"},
            "cost": {**_COUNT, "description": "Micro-dollars"},
        }
    )


def _tokens() -> dict[str, Any]:
    return {"input_tokens": _COUNT, "output_tokens": _COUNT, "cached_tokens": _COUNT}


def _shape(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}
