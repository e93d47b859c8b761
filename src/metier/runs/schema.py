"""The published JSON Schema of events, as they are stored and as the CLI prints them (draft 2020-12).

New keys and new types may be added; what is here stays. Clients pass over what they do not know.
"""

from collections.abc import Mapping
from typing import Any

from metier.events import EventType, Status
from metier.runs.requests.request import Kind, State, Verdict

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
        EventType.INTERRUPT: _interrupt(),
        EventType.INTERRUPT_RESPONSE: _interrupt_response(),
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
        {
            "result": {},
            "error": error,
            "reads": {"type": "array", "items": _TEXT, "description": "Whose words it may hold: records, web, …"},
        },
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


def _interrupt() -> dict[str, Any]:
    return _shape(
        {
            "request_id": _ID,
            "call_id": _TEXT,
            "kind": {"enum": [kind.value for kind in Kind]},
            "title": _TEXT,
            "hash": {**_TEXT, "description": "Of what is shown; an answer names it"},
            "expires_at": {"type": "string", "format": "date-time"},
            "default": _answer(),
        },
        {
            "text": _TEXT,
            "why": _TEXT,
            "tool": {"type": ["object", "null"]},
            "arguments": {"type": ["object", "null"]},
            "changes": {"type": "array", "items": _OBJECT},
            "more": _COUNT,
            "options": {"type": "array", "items": _OBJECT},
            "schema": {"type": ["object", "null"]},
            "reads": {"type": "array", "items": _TEXT},
            "audience": {**_OBJECT, "description": "Who may answer"},
        },
    )


def _interrupt_response() -> dict[str, Any]:
    status = {"enum": [state.value for state in State if state is not State.OPEN]}
    by = {"type": ["string", "null"], "description": "Who answered; null if nobody did"}
    return _shape(
        {"request_id": _ID, "call_id": _TEXT, "status": status, "answer": _answer()}, {"by": by, "note": _TEXT}
    )


def _answer() -> dict[str, Any]:
    return _shape({"verdict": {"enum": [verdict.value for verdict in Verdict]}}, {"value": {}})


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
