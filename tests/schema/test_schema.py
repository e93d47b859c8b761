"""A schema is what it says, not what it points to (S-27); the places of tests/egress count connections."""

from pathlib import Path

import pytest

from metier.errors import Invalid
from metier.schema import Validators


def test_a_schema_that_names_a_file_is_refused_and_the_file_not_read(tmp_path: Path):
    (tmp_path / "other.json").write_text('{"type": "string"}')

    with pytest.raises(Invalid, match="JSON Schema is not valid"):
        Validators().problems({"$ref": (tmp_path / "other.json").as_uri()}, "text")


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "#/nowhere"}, {"pattern": "("}])
def test_what_is_no_schema_is_refused_in_our_words(schema: dict[str, str]):
    with pytest.raises(Invalid, match="JSON Schema is not valid"):
        Validators().problems(schema, "text")


def test_references_within_a_schema_are_followed():
    schema = {"$defs": {"name": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/name"}}}

    assert Validators().problems(schema, {"a": "text"}) == []
    assert [problem.path for problem in Validators().problems(schema, {"a": 1})] == ["a"]
