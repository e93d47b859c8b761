"""Writing records: values as JSON in, checked field by field, columns out. For now only inserting.

`{"name": "Acme", "amount": {"amount_micros": 5000000, "currency_code": "EUR"}, "company": "<id>"}`
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from metier.errors import BadFilter, Invalid, Problem, UnknownField
from metier.filters import Here, Kind, snake, storable_text
from metier.filters.operands import is_list, is_object, read_value
from metier.records import columns as cols
from metier.records.catalog import View
from metier.records.compile import compose_labels
from metier.records.names import comparable
from metier.records.policy import WORKSPACE
from metier.records.shape import Field, FieldType, ObjectType
from metier.store import Json, Transaction

MOST_ROWS = 1_000  # of one call
LONGEST_TEXT = 100_000  # characters
LONGEST_NAME = 500  # characters of what is indexed: titles, parts of a person's name, e-mail addresses
LONGEST_LIST = 100  # further addresses or links

Row = Mapping[str, Any]  # Any: JSON values, checked here
Columns = dict[str, Any]  # Any: JSON values as `jsonb_to_recordset` reads them


@dataclass(frozen=True)
class Draft:
    """Rows that were read: what goes into the columns, and the ids that must be visible records."""

    rows: list[Columns]
    targets: dict[str, set[UUID]]  # per object


class _Refused(Exception):
    """A value that does not fit, with the reason."""

    def __init__(self, problem: str, example: Any = None, place: str = "") -> None:
        super().__init__(problem)
        self.problem, self.example, self.place = problem, example, place


def read_rows(rows: Sequence[Row], object_type: ObjectType, here: Here, ids: Callable[[], UUID]) -> Draft:
    """Check rows for an object the actor may create.

    Args:
        rows: Values by field name.
        object_type: The object, cut down to what the actor may see.
        here: Now and the person's time zone; default of `created_at` and `updated_at`.
        ids: Makes the ids.

    Raises:
        Invalid: Names every place that is wrong, e.g. `rows.3.amount.currency_code`.
    """
    if len(rows) > MOST_ROWS:
        raise Invalid.of([Problem("rows", f"at most {MOST_ROWS} rows at once, not {len(rows)}")])
    reader = _RowReader(object_type, here)
    drafts = [reader.row(row, f"rows.{i}") for i, row in enumerate(rows)]
    if reader.problems:
        raise Invalid.of(reader.problems, what=f"The new {object_type.name}")
    moment = here.now.isoformat()
    for draft in drafts:
        created = draft.setdefault("created_at", moment)
        draft |= {"id": str(ids()), "updated_at": draft.get("updated_at", created)}
    return Draft(drafts, reader.targets)


async def insert(tx: Transaction, view: View, object_type: ObjectType, draft: Draft) -> list[UUID]:
    """Write checked rows and give their ids.

    Raises:
        Invalid: A relation points to what is no record the actor may see.
    """
    for target, ids in draft.targets.items():
        await _check_targets(tx, view, view.objects[target], ids)
    await tx.execute(insert_sql(view.schema, object_type), {"rows": Json(draft.rows)})
    return [UUID(row["id"]) for row in draft.rows]


def insert_sql(schema: str, object_type: ObjectType) -> str:
    """Give the statement that inserts any number of rows from one JSON document."""
    types = {name: kind for f in object_type.fields for name, kind in cols.columns(f).items()}
    names = ", ".join(f'"{name}"' for name in types)
    typed = ", ".join(f'"{name}" {kind.compile(cols.dialect())}' for name, kind in types.items())
    return (
        f'insert into "{schema}"."{object_type.name}" ({names}) '
        f"select {names} from jsonb_to_recordset(%(rows)s) as x({typed})"
    )


async def _check_targets(tx: Transaction, view: View, target: ObjectType, ids: Iterable[UUID]) -> None:
    statement = compose_labels(view, target.name)
    rows = await tx.rows(statement.sql, {"ids": list(ids), WORKSPACE: view.workspace_id})
    if missing := sorted(set(ids) - {row["id"] for row in rows}):
        raise Invalid.of([Problem(target.name, f"there is no {target.name} {str(one)!r}") for one in missing[:20]])


@dataclass
class _RowReader:
    """Reads rows of one object and collects what is wrong."""

    object_type: ObjectType
    here: Here
    problems: list[Problem] = field(default_factory=list[Problem])
    targets: dict[str, set[UUID]] = field(default_factory=dict[str, set[UUID]])

    def row(self, row: Any, path: str) -> Columns:
        if not is_object(row):
            self.problems.append(Problem(path, "must be an object of field values", example={"name": "Acme"}))
            return {}
        columns: Columns = {}
        for key, value in row.items():
            name = str(key)[:200].encode(errors="replace").decode()  # half a surrogate pair cannot stand in an error
            self._field(name, value, path, columns)
        return columns

    def _field(self, key: str, raw: Any, path: str, columns: Columns) -> None:
        found = self._find(key)
        if found is None:
            known = [f.name for f in self.object_type.fields if f.name != "id"]
            self.problems += UnknownField(key, self.object_type.name, known, path=f"{path}.{key}").problems
            return
        try:
            columns |= self._columns(found, None if raw == "" else raw)
        except _Refused as refused:
            place = f"{path}.{key}{refused.place}"
            self.problems.append(Problem(place, refused.problem, example=refused.example))
        except BadFilter as error:
            self.problems.append(Problem(f"{path}.{key}", error.problems[0].problem, error.problems[0].allowed))

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

    def _columns(self, known: Field, raw: Any) -> Columns:
        """Give the columns of a field's value."""
        if raw is None:
            if known.system:
                raise _Refused("cannot be empty")
            return dict.fromkeys(cols.columns(known))
        if known.type in _COMPOSITES:
            parts = _COMPOSITES[known.type](raw)
            return {f"{known.name}_{name}": value for name, value in parts.items()}
        if known.type is FieldType.RELATION:
            return {f"{known.name}_id": str(self._target(known, raw))}
        return {known.name: self._scalar(known, raw)}

    def _target(self, known: Field, raw: Any) -> UUID:
        given = raw.get("id") if is_object(raw) else raw
        found = read_value(given, comparable(known), self.here, "")
        if not isinstance(found, UUID):
            raise _Refused("expected an id")
        self.targets.setdefault(known.target or "", set()).add(found)
        return found

    def _scalar(self, known: Field, raw: Any) -> Any:
        thing = comparable(known)
        if thing.kind is Kind.TEXT:
            return _text(raw, LONGEST_NAME if known.name == self.object_type.title else LONGEST_TEXT)
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
