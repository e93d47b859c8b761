"""The values of a record as they come in: JSON by field name, checked one by one, columns out.

`{"name": "Acme", "amount": {"amount_micros": 5000000, "currency_code": "EUR"}, "company": "<id>"}`

A relation is the id of a record, `{"id": …}`, `{"connect": {"id": …}}`, `{"connect": {<unique field>: value}}`, and
nothing by null or `{"disconnect": true}`.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from metier.errors import BadFilter, Invalid, Problem, UnknownField, below
from metier.filters import MICROS, Here, Kind, snake, storable_text
from metier.filters.operands import is_list, is_object, read_value
from metier.records import columns as cols
from metier.records.names import comparable
from metier.records.shape import Field, FieldType, ObjectType

LONGEST_TEXT = 100_000  # characters
LONGEST_NAME = 500  # characters of what is indexed: titles, unique texts, parts of a person's name, e-mail addresses
LONGEST_LIST = 100  # further addresses or links
GIVEN_ON_CREATION = frozenset({"created_at", "updated_at"})  # system fields that whoever creates a record may set

Values = Mapping[str, Any]  # Any: JSON values, checked here
Columns = dict[str, Any]  # Any: JSON values as `jsonb_to_recordset` reads them


@dataclass(frozen=True)
class Wanted:
    """A record that a relation is to point to, named by a unique field's value instead of its id.

    Attributes:
        columns: Where its id belongs.
    """

    target: str
    field: str
    value: Any  # as the column holds it
    columns: Columns
    column: str
    path: str


class _Refused(Exception):
    """A value that does not fit, with the reason."""

    def __init__(self, problem: str, example: Any = None, place: str = "") -> None:
        super().__init__(problem)
        self.problem, self.example, self.place = problem, example, place


@dataclass
class ValueReader:
    """Reads the values of one object's records and collects what is wrong.

    Attributes:
        object_type: The object, cut down to what the actor may see.
        settable: Names of the fields the actor may set.
        objects: What the actor may see of all objects.
        here: Now, the person's time zone, and who `me` is.
        problems: What is wrong, in the order of reading.
        refused: The fields that were given and that the actor may not set.
        targets: The records that relations are to point to, with the first place that names each.
        wanted: Those that are named by a unique field.
    """

    object_type: ObjectType
    settable: frozenset[str]
    objects: Mapping[str, ObjectType]
    here: Here
    problems: list[Problem] = field(default_factory=list[Problem])
    refused: dict[str, str] = field(default_factory=dict[str, str])  # by path
    targets: dict[tuple[str, UUID], str] = field(default_factory=dict[tuple[str, UUID], str])
    wanted: list[Wanted] = field(default_factory=list[Wanted])

    def read(self, values: Any, path: str, *, creating: bool) -> Columns:
        """Give the columns of the fields that are given.

        Args:
            path: Where the values stand in the input.
            creating: Whether `created_at` and `updated_at` may be given.
        """
        if not is_object(values):
            self.problems.append(Problem(path, "must be an object of field values", example={"name": "Acme"}))
            return {}
        columns: Columns = {}
        for key, value in values.items():
            name = str(key)[:200].encode(errors="replace").decode()  # half a surrogate pair cannot stand in an error
            self._field(name, value, below(path, name), columns, creating=creating)
        return columns

    def check(self, what: str) -> None:
        """Refuse what was read if something was wrong.

        Raises:
            Invalid: Names every place.
        """
        if self.problems:
            raise Invalid.of(self.problems, what=what)

    def _field(self, key: str, raw: Any, path: str, columns: Columns, *, creating: bool) -> None:
        found = self._find(key)
        if found is None:
            known = [f.name for f in self.object_type.fields if f.name != "id"]
            self.problems += UnknownField(key, self.object_type.name, known, path=path).problems
            return
        if found.system and not (creating and found.name in GIVEN_ON_CREATION):
            self.problems.append(Problem(path, "is kept by the house and cannot be set"))
            return
        if not found.system and found.name not in self.settable:
            self.refused.setdefault(path, found.name)
            return
        try:
            columns |= self._columns(found, None if raw == "" else raw, path, columns)
        except _Refused as refused:
            self.problems.append(Problem(f"{path}{refused.place}", refused.problem, example=refused.example))
        except BadFilter as error:
            told = error.problems[0]
            self.problems.append(Problem(path, told.problem, told.allowed, did_you_mean=told.did_you_mean))

    def _find(self, key: str) -> Field | None:
        """Find the field of a key; a relation also by `<relation>_id`. The id itself is given by the house."""
        for spelled in (key, snake(key)):
            known = self.object_type.by_name.get(spelled)
            if known is not None and known.name != "id":
                return known
            relation = self.object_type.by_name.get(spelled.removesuffix("_id"))
            if spelled.endswith("_id") and relation is not None and relation.type is FieldType.RELATION:
                return relation
        return None

    def _columns(self, known: Field, raw: Any, path: str, columns: Columns) -> Columns:
        """Give the columns of a field's value."""
        if raw is None or (known.type is FieldType.RELATION and _is_disconnect(raw)):
            if known.system:
                raise _Refused("cannot be empty")
            return dict.fromkeys(cols.columns(known))
        if known.type is FieldType.RELATION:
            return {f"{known.name}_id": self._target(known, raw, path, columns)}
        return self._plain(known, raw)

    def _plain(self, known: Field, raw: Any) -> Columns:
        """Give the columns of a value that is no relation."""
        if known.type in _COMPOSITES:
            parts = _COMPOSITES[known.type](raw)
            if known.unique and len(str(parts[cols.PARTS[known.type][0].name] or "")) > LONGEST_NAME:
                raise _Refused(f"is too long to be unique; at most {LONGEST_NAME} characters are allowed")
            return {f"{known.name}_{name}": value for name, value in parts.items()}
        return {known.name: self._scalar(known, raw)}

    # relations

    def _target(self, known: Field, raw: Any, path: str, columns: Columns) -> str | None:
        """Give the id that a relation points to; None where it is still to be looked up."""
        given: Any = raw
        if is_object(given) and "connect" in given:
            if len(given) > 1:
                raise _Refused("holds more than 'connect'", {"connect": {"id": "01890a5d-ac96-774b-bcce-b302099a8057"}})
            given = given["connect"]
        if is_object(given) and "id" not in given:
            self._want(known, given, path, columns)
            return None
        found = read_value(given.get("id") if is_object(given) else given, comparable(known), self.here, "")
        if not isinstance(found, UUID):
            raise _Refused("expected an id")
        self.targets.setdefault((known.target or "", found), path)
        return str(found)

    def _want(self, known: Field, given: Mapping[Any, Any], path: str, columns: Columns) -> None:
        """Note a record that is named by a unique field: `{"domain_name": "acme.example"}`."""
        target = self.objects[known.target or ""]
        unique = {f.name: f for f in target.fields if f.unique}
        named = unique.get(snake(str(next(iter(given), ""))))
        if len(given) != 1 or named is None:
            ways = ("id", *unique)
            raise _Refused(f"expected one of {', '.join(ways)} of a {target.name}", {"connect": {ways[-1]: "…"}})
        value = next(iter(self._plain(named, next(iter(given.values()))).values()))
        self.wanted.append(Wanted(target.name, named.name, value, columns, f"{known.name}_id", path))

    # single values

    def _scalar(self, known: Field, raw: Any) -> Any:
        thing = comparable(known)
        if thing.kind is Kind.TEXT:
            short = known.unique or known.name == self.object_type.title
            return _text(raw, LONGEST_NAME if short else LONGEST_TEXT)
        found = read_value(raw, thing, self.here, "")
        if thing.kind is Kind.DATE_TIME and not isinstance(found, datetime):
            raise _Refused("expected a time, not only a date", "2026-03-01T09:30:00Z")
        if thing.whole and isinstance(found, float):
            if not found.is_integer():
                raise _Refused("expected a whole number", 100)
            return int(found)
        if isinstance(found, date):  # datetimes too
            return found.isoformat()
        return str(found) if isinstance(found, UUID) else found


def _is_disconnect(raw: Any) -> bool:
    return is_object(raw) and set(raw) == {"disconnect"} and raw["disconnect"] is True


# --- composite values ------------------------------------------------------------------------------------------------


def _text(raw: Any, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(raw, str):
        raise _Refused(f"expected a text, not {str(raw)[:60]!r}", "Acme")
    if len(raw) > longest:
        raise _Refused(f"is too long; at most {longest:,} characters are allowed")
    if not storable_text(raw):
        raise _Refused("holds a character that no record can hold")
    return raw


def _parts(raw: Any, kind: FieldType, example: Mapping[str, Any]) -> dict[str, Any]:
    """Take a composite value apart; empty texts are missing ones."""
    if not is_object(raw):
        raise _Refused("expected an object", example)
    known = [part.name for part in cols.PARTS[kind]]
    given: dict[str, Any] = {snake(str(key)): value for key, value in raw.items()}
    if kind is FieldType.CURRENCY and "amount" in given and "amount_micros" not in given:
        given["amount_micros"] = _micros(given.pop("amount"))
    if strays := sorted(set(given) - set(known)):
        raise _Refused(f"{strays[0][:60]!r} is none of {', '.join(known)}", example)
    return {name: None if given.get(name) == "" else given.get(name) for name in known}


def _currency(raw: Any) -> Columns:
    example = {"amount_micros": 52_000_000_000, "currency_code": "EUR"}
    parts = _parts(raw, FieldType.CURRENCY, example)
    micros, code = parts["amount_micros"], parts["currency_code"]
    if isinstance(micros, bool) or not isinstance(micros, int) or abs(micros) > 2**63 - 1:
        raise _Refused("expected millionths of a unit as a whole number", example["amount_micros"], ".amount_micros")
    if not isinstance(code, str) or not re.fullmatch(r"[A-Z]{3}", code, re.ASCII):
        raise _Refused("expected three capital letters (ISO 4217)", "EUR", ".currency_code")
    return parts


def _micros(amount: Any) -> int:
    """Turn whole units of money into millionths."""
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not math.isfinite(amount):
        raise _Refused("expected a number of whole units", 52_000, ".amount")
    return round(Decimal(str(amount)) * MICROS)


def _emails(raw: Any) -> Columns:
    example: dict[str, Any] = {"primary_email": "ada@example.com", "additional_emails": []}
    parts = _parts({"primary_email": raw} if isinstance(raw, str) else raw, FieldType.EMAILS, example)
    more: Any = parts["additional_emails"] or ()
    if not is_list(more) or len(more) > LONGEST_LIST:
        raise _Refused(f"expected a list of at most {LONGEST_LIST} addresses", [], ".additional_emails")
    if parts["primary_email"] is None:
        if more:
            raise _Refused("needs a first address", example["primary_email"], ".primary_email")
        return dict.fromkeys(parts)
    return {"primary_email": _email(parts["primary_email"]), "additional_emails": [_email(one) for one in more]}


def _email(raw: Any) -> str:
    text = _text(raw, LONGEST_NAME).strip()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise _Refused(f"{text[:60]!r} is no e-mail address", "ada@example.com")
    return text


def _links(raw: Any) -> Columns:
    example: dict[str, Any] = {
        "primary_link_url": "https://example.com",
        "primary_link_label": "",
        "secondary_links": [],
    }
    parts = _parts({"primary_link_url": raw} if isinstance(raw, str) else raw, FieldType.LINKS, example)
    more: Any = parts["secondary_links"] or ()
    if not is_list(more) or len(more) > LONGEST_LIST:
        raise _Refused(f"expected a list of at most {LONGEST_LIST} links", [], ".secondary_links")
    if parts["primary_link_url"] is None:
        if more or parts["primary_link_label"]:
            raise _Refused("needs a first link", example["primary_link_url"], ".primary_link_url")
        return dict.fromkeys(parts)
    label = parts["primary_link_label"]
    return {
        "primary_link_url": _url(parts["primary_link_url"]),
        "primary_link_label": None if label is None else _text(label, LONGEST_NAME),
        "secondary_links": [_secondary(one) for one in more],
    }


def _secondary(raw: Any) -> dict[str, str]:
    if not is_object(raw) or not set(raw) <= {"url", "label"}:
        raise _Refused("expected links with url and label", [{"url": "https://example.com", "label": "Home"}])
    return {"url": _url(raw.get("url")), "label": _text(raw.get("label") or "", LONGEST_NAME)}


def _url(raw: Any) -> str:
    """Take a web address; without a scheme it gets `https://`. Others, such as `javascript:`, are refused."""
    text = _text(raw, 2_000).strip()
    whole = text if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:(?!\d)", text) else f"https://{text}"
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", whole, re.IGNORECASE):
        raise _Refused(f"{text[:60]!r} is no web address", "https://example.com")
    return whole


def _full_name(raw: Any) -> Columns:
    parts = _parts(raw, FieldType.FULL_NAME, {"first_name": "Ada", "last_name": "Park"})
    return {name: None if value is None else _text(value, LONGEST_NAME // 2) for name, value in parts.items()}


_COMPOSITES: Mapping[FieldType, Callable[[Any], Columns]] = {
    FieldType.CURRENCY: _currency,
    FieldType.EMAILS: _emails,
    FieldType.LINKS: _links,
    FieldType.FULL_NAME: _full_name,
}
