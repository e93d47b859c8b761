"""Sources are read as JSON or TOML, kept as bytes, and what is wrong is told at its line and column (S-48)."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metier.definitions import Format, Source
from metier.definitions.bodies import DEEPEST, LARGEST, Body, check_json
from metier.definitions.places import json_places, line_and_column, toml_places
from metier.definitions.source import read
from metier.errors import BadManifest, Invalid, Problem, below
from metier.filters.operands import is_list, is_object
from tests.scale import cases

JSON_TEXT = """\
{
  "name": "ship",
  "fields": [
    {"name": "a", "type": "text"},
    {"name": "b",
     "type": "blob"}
  ]
}
"""

TOML_TEXT = '''\
name = "ship"
description = """
[[fields]]
type = "nothing"
"""

[[fields]]
name = "a"
type = "text"

[[fields]]
name = "b"
"type" = "blob"
options = [{ value = "x" }]
'''


def _refuse(path: str) -> Callable[[Body], Body]:
    def form(raw: Body) -> Body:
        raise Invalid.of([Problem(path, "is not right", allowed=("text",))], what="The ship")

    return form


def _any(raw: Body) -> Body:
    return raw


@pytest.mark.parametrize(
    ("file", "text", "path", "place"),
    [
        ("o/ship.json", JSON_TEXT, "name", "o/ship.json:2:11"),
        ("o/ship.json", JSON_TEXT, "fields.1.type", "o/ship.json:6:14"),
        ("o/ship.json", JSON_TEXT, "fields.1.colour", "o/ship.json:5:5"),
        ("o/ship.json", JSON_TEXT, "", "o/ship.json:1:1"),
        ("ship.toml", TOML_TEXT, "fields.0.type", "ship.toml:9:1"),
        ("ship.toml", TOML_TEXT, "fields.1.type", "ship.toml:13:1"),
        (
            "ship.toml",
            TOML_TEXT,
            "fields.1.options.0.value",
            "ship.toml:14:1",
        ),
    ],
)
def test_s48_a_wrong_value_is_told_at_its_line_and_column(file: str, text: str, path: str, place: str):
    with pytest.raises(BadManifest) as caught:
        read(Source.named(file, text.encode()), _refuse(path))

    (problem,) = caught.value.problems
    assert problem.path == place
    assert problem.problem.endswith("is not right")
    assert problem.allowed == ("text",)
    assert str(caught.value).startswith(f"{place}: ")


def test_what_a_program_sent_has_no_place_but_a_path():
    with pytest.raises(Invalid) as caught:
        read(Source(JSON_TEXT.encode()), _refuse("fields.1.type"))

    assert not isinstance(caught.value, BadManifest)
    assert caught.value.problems[0].path == "fields.1.type"


UNREADABLE: dict[str, tuple[str, bytes, str]] = {
    "no JSON": ("a.json", b'{"a": 1,\n "b" 2}', "a.json:2:6: is not JSON"),
    "no TOML": ("a.toml", b"a = 1\nb = = 2", "a.toml: is not TOML: Invalid value (at line 2, column 5)"),
    "key twice": ("a.json", b'{"a": 1, "b": {"c": 1, "c": 2}}', "has the key 'c' twice in one object"),
    "no number": ("a.json", b'{"a": NaN}', "holds NaN, which is not JSON"),
    "no UTF-8": ("a.json", b'{"a": "\xff"}', "is not UTF-8 at byte 7"),
    "a list": ("a.json", b"[]", "must be an object"),
    "digits": ("a.json", b'{"a": ' + b"9" * 5_000 + b"}", "is not JSON that can be read"),
    "a big number": ("a.json", b'{"a": 99999999999999999999}', "a: is too big a number"),
    "brackets": ("a.json", b'{"a": ' + b"[" * 100_000, "is not JSON that can be read"),
    "too deep": ("a.json", b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", f"lies more than {DEEPEST} levels deep"),
    "too long": ("a.json", b" " * (LARGEST + 1), f"has {LARGEST + 1:,} bytes"),
    "a day": ("a.toml", b"day = 2026-03-01", "a.toml:1:1: day: must be JSON; write date values as text"),
    "a zero byte": ("a.json", b'{"a": {"b\\u0000": 1}}', "a: has a key that no definition can hold"),
    "half a sign": ("a.json", b'{"a": "\\ud800"}', "a: holds a character that no definition can hold"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_is_refused_with_the_reason(what: str):
    file, data, words = UNREADABLE[what]

    with pytest.raises(BadManifest) as caught:
        read(Source.named(file, data), _any)

    assert words in str(caught.value)
    assert str(caught.value).startswith(file)


def test_a_file_of_another_kind_is_refused_by_its_name():
    with pytest.raises(Invalid, match=r"must end in \.json or \.toml"):
        Source.named("ship.yaml", b"name: ship")

    assert Source.named("SHIP.TOML", b"").format is Format.TOML


@pytest.mark.parametrize("key", ["password", "api_key", "Api-Key", "client_secret", "authorization"])
def test_a_secret_is_named_not_held(key: str):
    with pytest.raises(Invalid) as caught:
        check_json({"http": [{key: "hunter2"}]})

    assert caught.value.problems[0].path == f"http.0.{key}"
    assert "hunter2" not in str(caught.value.to_json())
    assert check_json({"http": [{key: "secret:CRM_KEY"}]})
    assert check_json({key: 5, "fields": [{"name": key}]})


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('abc. "\\é', max_size=3), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=cases(100), deadline=None)
@given(values, st.sampled_from([None, 0, 3]))
def test_every_value_of_a_json_text_is_found(value: Any, indent: int | None):
    text = json.dumps({"root": value}, indent=indent)
    places = json_places(text)

    for path, inner in _paths(value, "root"):
        assert json.JSONDecoder().raw_decode(text, places[path])[0] == inner


def _paths(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, value
    keys: Any = value if is_object(value) else range(len(value)) if is_list(value) else ()
    for key in keys:
        yield from _paths(value[key], below(path, str(key)))


def test_a_key_with_a_point_has_a_place_of_its_own():
    json_text = '{\n"a.b": {"password": "x"},\n"a": {"b": {"password": "y"}},\n"": 1}'
    toml_text = '"a.b" = 1\n[a]\nb = 2\n[c."d.e"]\nf = 3\n'
    plain = {"c.d.e": 4, "c.d.e.f": 5}

    with pytest.raises(BadManifest) as caught:
        read(Source.named("role.json", json_text.encode()), lambda body: body)
    lines = {path: line_and_column(toml_text, at)[0] for path, at in toml_places(toml_text).items()}

    assert [problem.path for problem in caught.value.problems] == ["role.json:2:21", "role.json:3:25"]
    assert lines == {'"a.b"': 1, "a": 2, "a.b": 3, 'c."d.e"': 4, 'c."d.e".f': 5} | plain


def test_lists_of_lists_of_tables_are_counted():
    text = "[[a]]\n[[a.b]]\nx = 1\n[[a.b]]\n[[a]]\n[[a.b]]\nx = 2\n[c.d]\ne.f = 1\n"
    lines = {path: line_and_column(text, at)[0] for path, at in toml_places(text).items()}

    assert lines["a.0.b.0.x"] == 3
    assert lines["a.0.b.1"] == 4
    assert lines["a.1.b.0.x"] == 7
    assert lines["c.d.e.f"] == 9
