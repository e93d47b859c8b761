"""What an object type is: its fields, their types, and the columns and JSON they take.

An object type is data (a definition of kind `object`), so a test or a person can make one at run time. The same JSON,
cut down to what an actor may see, annotates the tools that search the object.

field type   columns                                     JSON value
text         <f>                                         "…"
number       <f> double precision / bigint (decimals 0)  12.5
boolean      <f>                                         true
date         <f>                                         "2026-03-01"
date_time    <f> timestamptz                             "2026-03-01T09:30:00+00:00"
select       <f> text (an option's value)                "won"
currency     <f>_amount_micros, <f>_currency_code        {"amount_micros": 52000000000, "currency_code": "EUR"}
emails       <f>_primary_email, <f>_additional_emails    {"primary_email": "…", "additional_emails": []}
links        <f>_primary_link_url, …_label, …secondary   {"primary_link_url": "…", "primary_link_label": "…", …}
full_name    <f>_first_name, <f>_last_name               {"first_name": "Ada", "last_name": "Park"}
relation     <f>_id                                      {"id": "…", "label": "Acme"}
uuid         <f>                                         "…"
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from metier.errors import Invalid, Problem
from metier.filters.operands import is_list, is_object

DEFAULT_CURRENCY = "EUR"  # of an amount that is typed without one
MOST_DECIMALS = 15  # a double holds no more
NAME = re.compile(r"[a-z][a-z0-9_]{0,48}\Z")


class FieldType(StrEnum):
    """Types a field can have."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "date_time"
    SELECT = "select"
    CURRENCY = "currency"
    EMAILS = "emails"
    LINKS = "links"
    FULL_NAME = "full_name"
    RELATION = "relation"
    UUID = "uuid"


#: Types whose values can be unique.
UNIQUE = frozenset({FieldType.TEXT, FieldType.NUMBER, FieldType.EMAILS, FieldType.LINKS, FieldType.UUID})


@dataclass(frozen=True)
class Option:
    """One value of a select field. `color` is a tone: ok, info, warn, bad, accent or grey."""

    value: str
    label: str
    color: str = "grey"
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One property of an object.

    Attributes:
        decimals: For numbers: digits after the point; 0 stores whole numbers.
        options: For selects, in their natural order (a pipeline's first stage first).
        target: For relations: the name of the object that one record of is pointed to.
        terminal: For selects: the option values after which nothing more is to be done (`won`, `done`).
        unique: No two records that are not deleted have the same value, whatever its case; of e-mails and links the
            first one counts. For the types in `UNIQUE`.
        system: Kept by the house (id, created_at …); shown last.
        universal_identifier: A UUID as text that stays when the name changes, so that the values do too.
    """

    name: str
    label: str
    type: FieldType
    description: str = ""
    options: tuple[Option, ...] = ()
    target: str | None = None
    decimals: int = 0
    unit: str = ""
    terminal: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    unique: bool = False
    system: bool = False
    universal_identifier: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the field as data; empty properties are left out."""
        body: dict[str, Any] = {"name": self.name, "label": self.label, "type": self.type.value}
        if self.options:
            body["options"] = [
                {"value": o.value, "label": o.label, "color": o.color}
                | ({"aliases": list(o.aliases)} if o.aliases else {})
                for o in self.options
            ]
        for key in ("description", "target", "unit", "decimals", "unique", "system", "universal_identifier"):
            if value := getattr(self, key):
                body[key] = value
        for key in ("terminal", "aliases"):
            if value := getattr(self, key):
                body[key] = list(value)
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read a field from data that `ObjectType.from_json` has checked."""
        return cls(
            name=body["name"],
            label=body["label"],
            type=FieldType(body["type"]),
            description=body.get("description", ""),
            options=tuple(
                Option(o["value"], o["label"], o.get("color", "grey"), tuple(o.get("aliases", ())))
                for o in body.get("options", ())
            ),
            target=body.get("target"),
            decimals=body.get("decimals", 0),
            unit=body.get("unit", ""),
            terminal=tuple(body.get("terminal", ())),
            aliases=tuple(body.get("aliases", ())),
            unique=body.get("unique", False),
            system=body.get("system", False),
            universal_identifier=_identifier(body),
        )


#: Fields every stored object has.
SYSTEM_FIELDS = (
    Field("id", "Id", FieldType.UUID, system=True),
    Field("created_at", "Created", FieldType.DATE_TIME, system=True, aliases=("added", "new")),
    Field("updated_at", "Updated", FieldType.DATE_TIME, system=True, aliases=("changed", "modified")),
)


@dataclass(frozen=True)
class ObjectType:
    """A kind of record.

    Attributes:
        name: Singular identifier, e.g. `company`; also the table's name.
        plural: Plural identifier, e.g. `companies`; names the tool `find_companies` and the page.
        title: The field that names a record in links and chips (text or full_name); `id` where that may not be seen.
        fields: Own fields in display order, then the system fields.
        read_only: Kept by another room (`member`); `records` only reads it.
        universal_identifier: A UUID as text that stays when the name changes.
    """

    name: str
    plural: str
    label: str
    label_plural: str
    title: str
    fields: tuple[Field, ...]
    icon: str = "box"
    description: str = ""
    aliases: tuple[str, ...] = ()
    read_only: bool = False
    universal_identifier: str | None = None
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {f.name: f for f in self.fields})

    @property
    def has_title(self) -> bool:
        """Whether records are called by words that can be searched for, not by their ids."""
        return self.title != "id"

    def to_json(self) -> dict[str, Any]:
        """Give the object type as data."""
        body: dict[str, Any] = {
            "name": self.name,
            "plural": self.plural,
            "label": self.label,
            "label_plural": self.label_plural,
            "title": self.title,
            "icon": self.icon,
            "fields": [f.to_json() for f in self.fields],
        }
        for key in ("description", "read_only", "universal_identifier"):
            if value := getattr(self, key):
                body[key] = value
        if self.aliases:
            body["aliases"] = list(self.aliases)
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any], *, cut: bool = False) -> Self:
        """Read and check an object type; system fields are added when they are missing.

        Args:
            cut: It is cut down to what somebody may see: nothing is added.

        Raises:
            Invalid: Names every place that is wrong.
        """
        if problems := list(_problems(body)):
            raise Invalid.of(problems, what=f"The object type {body.get('name', '')!r}")
        own = tuple(Field.from_json(f) for f in body["fields"])
        have = {f.name for f in own}
        return cls(
            name=body["name"],
            plural=body["plural"],
            label=body["label"],
            label_plural=body["label_plural"],
            title=body["title"],
            fields=own if cut else own + tuple(f for f in SYSTEM_FIELDS if f.name not in have),
            icon=body.get("icon", "box"),
            description=body.get("description", ""),
            aliases=tuple(body.get("aliases", ())),
            read_only=body.get("read_only", False),
            universal_identifier=_identifier(body),
        )


def _problems(body: Mapping[str, Any]) -> Sequence[Problem]:
    found: list[Problem] = []
    for key in ("name", "plural"):
        value = body.get(key)
        if not isinstance(value, str) or not NAME.match(value):
            found.append(
                Problem(key, f"{value!r} must match [a-z][a-z0-9_]*, at most 49 characters", example="company")
            )
    needed = ("label", "label_plural", "title")
    found += [Problem(key, "must be a non-empty text") for key in needed if not _is_filled_text(body.get(key))]
    found += _word_problems(body, "")
    fields: Any = body.get("fields")
    if not is_list(fields):
        return [*found, Problem("fields", "must be a list of fields")]
    names: set[str] = set()
    for i, raw in enumerate(fields):
        found += _field_problems(raw, f"fields.{i}", names)
    if isinstance(body.get("title"), str) and body["title"] not in names:
        found.append(Problem("title", f"{body['title']!r} is not one of the fields", allowed=tuple(sorted(names))))
    return found


def _field_problems(raw: Any, path: str, names: set[str]) -> list[Problem]:
    if not is_object(raw):
        return [Problem(path, "must be an object with name, label and type")]
    body: Mapping[Any, Any] = raw  # checked key by key below
    found: list[Problem] = []
    name = body.get("name")
    if not isinstance(name, str) or not NAME.match(name):
        found.append(Problem(f"{path}.name", f"{name!r} must match [a-z][a-z0-9_]*, at most 49 characters"))
    elif name in names:
        found.append(Problem(f"{path}.name", f"{name!r} is there twice"))
    else:
        names.add(name)
    if not _is_filled_text(body.get("label")):
        found.append(Problem(f"{path}.label", "must be a non-empty text"))
    types = tuple(t.value for t in FieldType)
    if body.get("type") not in types:
        found.append(Problem(f"{path}.type", f"{body.get('type')!r} is not a field type", allowed=types))
    if body.get("type") == "relation" and not isinstance(body.get("target"), str):
        found.append(Problem(f"{path}.target", "a relation names its target object", example="company"))
    return found + _detail_problems(body, path)


def _detail_problems(body: Mapping[Any, Any], path: str) -> list[Problem]:
    """Check what only some field types have."""
    found: list[Problem] = []
    options: Any = body.get("options", ())
    right = [{"value": "a", "label": "A"}]
    if body.get("type") == "select" and not options:
        found.append(Problem(f"{path}.options", "a select has at least one option", example=right))
    elif not is_list(options) or not all(is_object(o) and _is_filled_text(o.get("value")) for o in options):
        found.append(Problem(f"{path}.options", "options are objects with value and label", example=right))
    elif not all(_is_filled_text(o.get("label")) for o in options):
        found.append(Problem(f"{path}.options", "every option has a label", example=right))
    decimals: Any = body.get("decimals", 0)
    if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= MOST_DECIMALS:
        found.append(Problem(f"{path}.decimals", f"must be a whole number from 0 to {MOST_DECIMALS}", example=2))
    if not isinstance(body.get("unique", False), bool):
        found.append(Problem(f"{path}.unique", "must be true or false"))
    elif body.get("unique") and body.get("type") not in UNIQUE:
        found.append(Problem(f"{path}.unique", "is for fields of certain types only", allowed=tuple(sorted(UNIQUE))))
    return [*found, *_word_problems(body, f"{path}.")]


def _word_problems(body: Mapping[Any, Any], path: str) -> list[Problem]:
    """Check what objects and fields both have."""
    found = [
        Problem(f"{path}{key}", "must be a list of texts")
        for key in ("aliases", "terminal")
        if not is_list(body.get(key, ())) or not all(isinstance(word, str) for word in body.get(key, ()))
    ]
    found += [
        Problem(f"{path}{key}", "must be a text")
        for key in ("description", "icon", "unit")
        if not isinstance(body.get(key, ""), str)
    ]
    if body.get("universal_identifier") is not None and _identifier(body) is None:
        problem = Problem(
            f"{path}universal_identifier", "must be a UUID", example="b3c4d5e6-f7a8-9012-bcde-f34567890123"
        )
        found.append(problem)
    return found


def _identifier(body: Mapping[Any, Any]) -> str | None:
    """Give the universal identifier in its usual form, or None if there is none that can be read."""
    try:
        return str(UUID(body["universal_identifier"]))
    except (KeyError, ValueError, AttributeError, TypeError):
        return None


def _is_filled_text(raw: Any) -> bool:
    return isinstance(raw, str) and bool(raw)
