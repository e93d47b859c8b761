"""The published schema of events, and the page that describes them."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from metier.events import EventType
from metier.runs import event_schema

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "events.md").read_text()
EVENT = {"run_id": "01a1fd55-7a80-7000-8000-000000000005", "seq": 1, "ts": "2026-11-21T09:00:00+00:00"}


def is_valid(event: Any) -> bool:
    return jsonschema_rs.validator_for(event_schema(), validate_formats=True).is_valid(event)


def examples(kind: str) -> list[Any]:
    """Give the JSON examples under the heading of a type."""
    section = re.search(rf"^## `{kind}`$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, f"docs/reference/events.md has no heading '## `{kind}`'"
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("kind", EventType)
def test_each_type_has_its_heading_with_an_example_that_fits(kind: EventType) -> None:
    found = examples(kind.value)

    assert found
    for data in found:
        assert is_valid(EVENT | {"type": kind.value, "data": data})


def test_page_names_no_type_that_does_not_exist() -> None:
    headings = re.findall(r"^## `(\w+)`$", PAGE, re.MULTILINE)

    assert headings == [kind.value for kind in EventType]


def test_example_of_the_whole_form_fits() -> None:
    block = re.search(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

    assert block is not None
    assert is_valid(json.loads(block[1]))


def test_schema_itself_is_one() -> None:
    assert jsonschema_rs.meta.is_valid(event_schema())
    assert {one["title"] for one in event_schema()["oneOf"]} == {kind.value for kind in EventType}


@pytest.mark.parametrize(
    "wrong",
    [
        EVENT | {"type": "token", "data": {"part": 0, "offset": 0}},
        EVENT | {"type": "token", "data": {"part": -1, "offset": 0, "text": "x"}},
        EVENT
        | {"type": "complete", "data": {"status": "running", "output": "", "stop_reason": "", "usage": {}, "cost": 0}},
        EVENT | {"type": "tool_call", "data": {"call_id": "1", "name": "find", "arguments": []}},
        EVENT | {"type": "no_such", "data": {}},
        EVENT | {"type": "error", "data": {"error": {}, "message": "x"}},
        {"type": "stage", "data": {"name": "x", "status": "running"}},
    ],
    ids=lambda event: f"{event['type']}",
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    assert not is_valid(wrong)


def test_new_keys_fit() -> None:
    assert is_valid(EVENT | {"type": "stage", "data": {"name": "x", "status": "running", "later": 1}, "later": 1})
