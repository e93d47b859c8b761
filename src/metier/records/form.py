"""The form in which people write an object type: little needs to be said, and nothing that is not known may be.

`{"name": "ship", "fields": [{"name": "name", "type": "text"}, {"name": "built", "type": "date"}]}` is a whole one:
labels, plural and title are made from the names, and the system fields come by themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metier.errors import Invalid, Problem, nearest
from metier.filters.operands import is_list, is_object
from metier.records.shape import SYSTEM_FIELDS, FieldType, ObjectType

Body = dict[str, Any]  # Any: JSON

MOST_FIELDS = 300
MOST_OPTIONS = 500
LONGEST_LABEL = 100  # characters
LONGEST_DESCRIPTION = 2_000
MOST_ALIASES = 50

COLORS = ("grey", "accent", "ok", "info", "warn", "bad")

OBJECT_KEYS = (
    "name",
    "plural",
    "label",
    "label_plural",
    "title",
    "icon",
    "description",
    "aliases",
    "fields",
    "universal_identifier",
)
FIELD_KEYS = (
    "name",
    "label",
    "type",
    "description",
    "options",
    "target",
    "decimals",
    "unit",
    "terminal",
    "aliases",
    "unique",
    "universal_identifier",
)
_OPTION_KEYS = ("value", "label", "color", "aliases")


def read_object(raw: Mapping[str, Any]) -> ObjectType:
    """Read an object type as people write it.

    Raises:
        Invalid: Names every place that is wrong; an unknown key with the nearest that is known.
    """
    if problems := [*_strays(raw), *_size_problems(raw)]:
        raise Invalid.of(problems, what=f"The object type {raw.get('name', '')!r}"[:120])
    return ObjectType.from_json(_completed(raw))


def own_body(object_type: ObjectType) -> Body:
    """Give the canonical body of an object type: its data without the system fields."""
    own = [field.to_json() for field in object_type.fields if field not in SYSTEM_FIELDS]
    return object_type.to_json() | {"fields": own}


def words(name: str) -> str:
    """Give what people read for a name: `close_date` → `Close date`."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize()


def plural_of(name: str) -> str:
    """Give the usual English plural of a name: `ship` → `ships`, `entry` → `entries`, `box` → `boxes`."""
    if name.endswith("y") and name[-2:-1] not in ("a", "e", "i", "o", "u", ""):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"


# --- what is left out ------------------------------------------------------------------------------------------------


def _completed(raw: Mapping[str, Any]) -> Body:
    """Put in what goes without saying. What is there stays, right or wrong."""
    name = raw.get("name")
    made: Body = {}
    if isinstance(name, str):
        plural = raw.get("plural", plural_of(name))
        made = {"plural": plural, "label": words(name), "label_plural": words(str(plural))}
    if is_list(fields := raw.get("fields")):
        made["fields"] = [_completed_field(field) for field in fields]
        if title := _title(made["fields"]):
            made["title"] = title
    return made | {key: value for key, value in raw.items() if value is not None and key != "fields"}


def _completed_field(raw: Any) -> Any:
    if not is_object(raw) or not isinstance(raw.get("name"), str):
        return raw
    said = {key: value for key, value in raw.items() if value is not None}
    field: Body = {"label": words(raw["name"]), **said}
    if is_list(options := field.get("options")):
        field["options"] = [_completed_option(option) for option in options]
    return field


def _completed_option(raw: Any) -> Any:
    """Take an option, or only its value; people read the value, if nothing else is said."""
    option = {"value": raw} if isinstance(raw, str) else raw
    if not is_object(option) or not isinstance(option.get("value"), str):
        return raw
    return {"label": words(option["value"]), **option}


def _title(fields: Sequence[Any]) -> str | None:
    """Give the field that names a record: `name`, or else the first that can."""
    titles = (FieldType.TEXT, FieldType.FULL_NAME)
    able = [field.get("name") for field in fields if is_object(field) and field.get("type") in titles]
    return "name" if "name" in able else able[0] if able else None


# --- what may not be there -------------------------------------------------------------------------------------------


def _strays(raw: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _unknown(raw, OBJECT_KEYS, "")
    for i, field in enumerate(_objects(raw.get("fields"))):
        yield from _unknown(field, FIELD_KEYS, f"fields.{i}.")
        for j, option in enumerate(_objects(field.get("options"))):
            yield from _unknown(option, _OPTION_KEYS, f"fields.{i}.options.{j}.")


def _unknown(body: Mapping[str, Any], known: Sequence[str], path: str) -> Iterator[Problem]:
    for key in body:
        if key not in known:
            problem = f"there is no key {key[:60]!r} here"
            yield Problem(f"{path}{key[:60]}", problem, allowed=tuple(known), did_you_mean=nearest(key, known))


def _size_problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    fields = raw.get("fields")
    if is_list(fields) and len(fields) > MOST_FIELDS:
        yield Problem("fields", f"at most {MOST_FIELDS} fields, not {len(fields)}")
    yield from _text_problems(raw, "")
    for i, field in enumerate(_objects(fields)):
        yield from _text_problems(field, f"fields.{i}.")
        options = field.get("options")
        if is_list(options) and len(options) > MOST_OPTIONS:
            yield Problem(f"fields.{i}.options", f"at most {MOST_OPTIONS} options, not {len(options)}")
        for j, option in enumerate(_objects(options)):
            path = f"fields.{i}.options.{j}."
            yield from _text_problems(option, path)
            if option.get("color", COLORS[0]) not in COLORS:
                yield Problem(f"{path}color", f"{option['color']!r} is not a color"[:100], allowed=COLORS)


def _text_problems(body: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Tell of texts that are too long, or more than a line where a line is meant."""
    for key in ("label", "label_plural", "icon", "unit"):
        text = body.get(key)
        if isinstance(text, str) and (len(text) > LONGEST_LABEL or not text.isprintable() or text != text.strip()):
            yield Problem(f"{path}{key}", f"must be one line of at most {LONGEST_LABEL} characters, no space around")
    description = body.get("description")
    if isinstance(description, str) and len(description) > LONGEST_DESCRIPTION:
        yield Problem(f"{path}description", f"has {len(description):,} characters; at most {LONGEST_DESCRIPTION:,}")
    aliases = body.get("aliases", ())
    if not is_list(aliases) or len(aliases) > MOST_ALIASES or not all(_is_alias(word) for word in aliases):
        yield Problem(f"{path}aliases", f"must be at most {MOST_ALIASES} words of at most {LONGEST_LABEL} characters")


def _is_alias(word: Any) -> bool:
    return isinstance(word, str) and 0 < len(word) <= LONGEST_LABEL


def _objects(items: Any) -> Iterator[Mapping[str, Any]]:
    """Give the items in their places; an empty object for what is none."""
    return (item if is_object(item) else {} for item in items) if is_list(items) else iter(())
