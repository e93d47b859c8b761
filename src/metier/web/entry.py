"""Forms for the values of records: what stands in a field's inputs, and which value is meant by what was typed.

An input is called as its field, or `<field>.<part>` where a field takes several. What cannot be read as a value of the
field's type goes on as it was typed, for the data door to judge.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from metier.actor import Actor
from metier.errors import Invalid, MetierError, NoSuchRecord, Problem
from metier.filters.operands import is_object
from metier.formats.writing import Writing, decimal_mark, moment_in
from metier.records import Records
from metier.records.shape import DEFAULT_CURRENCY, Field, FieldType, ObjectType

MOST_MATCHES = 6  # records looked at for a name that was typed
LONGEST_NUMBER = 100  # characters; Python reads none of thousands of digits
#: Offered for money; any other code can be typed over REST.
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "BRL", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK")

Inputs = dict[str, str]  # by the input's name


def currencies(code: str) -> list[str]:
    """Give the currencies to choose from, the present one among them."""
    return list(dict.fromkeys([*CURRENCIES, *([code] if code else [])]))


def names(field: Field) -> tuple[str, ...]:
    """Give the names of a field's inputs."""
    parts = _PARTS.get(field.type, ("",))
    return tuple(f"{field.name}.{part}" if part else field.name for part in parts)


def filled(field: Field, value: Any, writing: Writing) -> Inputs:
    """Give what stands in a field's inputs for a value.

    Args:
        value: As `Records` gives it; Any: JSON.
        writing: How numbers and moments are written for the person.
    """
    texts = _FILL.get(field.type, _fill_plain)(value, writing)
    return dict(zip(names(field), texts, strict=True))


def filler(writing: Writing) -> Callable[[Field, Any], Inputs]:
    """Give what fills inputs for a person, for templates."""
    return lambda field, value: filled(field, value, writing)


def typed(field: Field, inputs: Mapping[str, str], old: Any = None, *, mark: str = ".") -> Any:
    """Give the JSON value that is meant by what stands in a field's inputs.

    Args:
        mark: What the person writes before decimals, `.` or `,`.
        old: The value before, for what the inputs do not show (further links).
    """
    texts = [inputs.get(name, "").strip() for name in names(field)]
    if not any(texts) or (field.type is FieldType.CURRENCY and not texts[0]):
        return None
    if field.type in (FieldType.NUMBER, FieldType.CURRENCY):
        texts[0] = with_point(texts[0], mark)
    return _READ.get(field.type, _read_text)(texts, old)


def sent(fields: Sequence[Field], inputs: Mapping[str, str]) -> list[Field]:
    """Give the fields of which something was sent."""
    return [field for field in fields if any(name in inputs for name in names(field))]


@dataclass(frozen=True)
class Wrong:
    """What is wrong with what was typed.

    Attributes:
        fields: Sentences by field name.
        rest: What belongs to no field.
    """

    fields: Mapping[str, str]
    rest: str = ""

    @classmethod
    def of(cls, error: MetierError, kind: ObjectType) -> "Wrong":
        """Sort an error's problems by field."""
        at = {problem.path.partition(".")[0]: _sentence(problem) for problem in reversed(error.problems)}
        fields = {name: text for name, text in at.items() if name in kind.by_name}
        return cls(fields, "" if fields else error.message)


def _sentence(problem: Problem) -> str:
    text = problem.problem[:1].upper() + problem.problem[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


# --- one field type --------------------------------------------------------------------------------------------------

_PARTS: Mapping[FieldType, tuple[str, ...]] = {
    FieldType.CURRENCY: ("amount", "currency_code"),
    FieldType.LINKS: ("url", "label"),
    FieldType.FULL_NAME: ("first_name", "last_name"),
    FieldType.RELATION: ("", "label"),
}

Fill = Callable[[Any, Writing], Sequence[str]]
Read = Callable[[Sequence[str], Any], Any]


def _fill_plain(value: Any, writing: Writing) -> Sequence[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return ["" if value is None else writing.plain(value) if isinstance(value, float) else str(value)]


def _fill_moment(value: Any, writing: Writing) -> Sequence[str]:
    if value is None:
        return [""]
    return [moment_in(writing.zone, value).replace(tzinfo=None).isoformat(timespec="minutes")]


def _fill_money(value: Any, writing: Writing) -> Sequence[str]:
    if not value:
        return ["", DEFAULT_CURRENCY]
    return [writing.plain(Decimal(value["amount_micros"]).scaleb(-6)), value["currency_code"] or DEFAULT_CURRENCY]


def _fill_emails(value: Any, writing: Writing) -> Sequence[str]:
    return ["\n".join([value["primary_email"], *(value["additional_emails"] or [])]) if value else ""]


def _fill_link(value: Any, writing: Writing) -> Sequence[str]:
    return [value["primary_link_url"] or "", value["primary_link_label"] or ""] if value else ["", ""]


def _fill_name(value: Any, writing: Writing) -> Sequence[str]:
    return [value["first_name"] or "", value["last_name"] or ""] if value else ["", ""]


def _fill_relation(value: Any, writing: Writing) -> Sequence[str]:
    return [value["id"], value["label"]] if value else ["", ""]


_FILL: Mapping[FieldType, Fill] = {
    FieldType.DATE_TIME: _fill_moment,
    FieldType.CURRENCY: _fill_money,
    FieldType.EMAILS: _fill_emails,
    FieldType.LINKS: _fill_link,
    FieldType.FULL_NAME: _fill_name,
    FieldType.RELATION: _fill_relation,
}


def _read_text(texts: Sequence[str], old: Any) -> Any:
    return texts[0]


def _read_number(texts: Sequence[str], old: Any) -> Any:
    return number(texts[0])


def _read_truth(texts: Sequence[str], old: Any) -> Any:
    return {"true": True, "false": False}.get(texts[0], texts[0])


def _read_money(texts: Sequence[str], old: Any) -> Any:
    return {"amount": number(texts[0]), "currency_code": texts[1].upper() or DEFAULT_CURRENCY}


def _read_emails(texts: Sequence[str], old: Any) -> Any:
    first, *more = [part for part in re.split(r"[\s,;]+", texts[0]) if part]
    return {"primary_email": first, "additional_emails": more}


def _read_link(texts: Sequence[str], old: Any) -> Any:
    more: Any = old.get("secondary_links") if is_object(old) else None
    return {"primary_link_url": texts[0], "primary_link_label": texts[1], "secondary_links": more or []}


def _read_name(texts: Sequence[str], old: Any) -> Any:
    return {"first_name": texts[0], "last_name": texts[1]}


_READ: Mapping[FieldType, Read] = {
    FieldType.NUMBER: _read_number,
    FieldType.BOOLEAN: _read_truth,
    FieldType.CURRENCY: _read_money,
    FieldType.EMAILS: _read_emails,
    FieldType.LINKS: _read_link,
    FieldType.FULL_NAME: _read_name,
}

_GROUPED = re.compile(r"[+-]?\d{1,3}([,'’ \u00a0\u202f]\d{3})+(\.\d+)?\Z")
_GROUPED_COMMA = re.compile(r"[+-]?\d{1,3}([.'’ \u00a0\u202f]\d{3})*(,\d+)?(?=\s*[a-zA-Z]*\Z)")
_STEPS = {"k": 1_000, "m": 1_000_000, "bn": 1_000_000_000}


def with_point(text: str, mark: str) -> str:
    """Give a number that was written with another decimal mark as it is written with a point.

    >>> with_point("1.234,5", ","), with_point("1234.5", ","), with_point("1.5M", ".")
    ('1234.5', '1234.5', '1.5M')
    """
    found = _GROUPED_COMMA.match(text) if mark == "," else None
    if found is None:
        return re.sub(r",(?=\d+\s*[a-zA-Z]*\Z)", ".", text) if mark == "," and text.count(",") == 1 else text
    return re.sub(r"[.'’ \u00a0\u202f]", "", found[0]).replace(",", ".") + text[found.end() :]


def number(text: str) -> int | float | str:
    """Read a number as people type it: `12,500`, `12.5`, `50k`; what is none stays a text.

    >>> number("12,500"), number("1.5M"), number("-3"), number("many")
    (12500, 1500000, -3, 'many')
    """
    plain = re.sub(r"[,'’ \u00a0\u202f]", "", text) if _GROUPED.match(text) else text
    found = re.fullmatch(r"([+-]?\d*\.?\d+)\s*(k|m|bn)?", plain, re.IGNORECASE)
    if not found or len(plain) > LONGEST_NUMBER:
        return text
    amount = float(found[1]) * _STEPS.get((found[2] or "").lower(), 1)
    if not found[2] and "." not in found[1]:
        return int(found[1])  # not by way of a float: it may have more digits than one holds
    return int(amount) if amount.is_integer() else amount


# --- records that were typed by their names --------------------------------------------------------------------------


async def values_of(
    records: Records, actor: Actor, fields: Sequence[Field], inputs: Mapping[str, str], old: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the values that a form sent, by field name; relations as ids.

    Args:
        fields: Those of which inputs were sent.
        old: The record before, as `Records` gives it; empty for a new one.

    Raises:
        Invalid: A relation was typed by a name that no record has, or several.
    """
    mark = decimal_mark(actor.me.locale, actor.me.formats)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in fields:
        if field.type is not FieldType.RELATION:
            values[field.name] = typed(field, inputs, old.get(field.name), mark=mark)
            continue
        try:
            values[field.name] = await _target(records, actor, field, inputs, old.get(field.name))
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid.of(problems, what="The form")
    return values


async def _target(
    records: Records, actor: Actor, field: Field, inputs: Mapping[str, str], old: Mapping[str, str] | None
) -> str | None:
    """Give the id that a relation is to hold: the one that was chosen, else the one whose name was typed."""
    chosen, label = (inputs.get(name, "").strip() for name in names(field))
    if not label:
        return None
    before = old or {"id": "", "label": ""}
    if chosen and (chosen != before["id"] or label == before["label"]):
        return chosen
    kind = await records.object(actor, field.target or "")
    for how in ({"ilike": _exactly(label)}, {"contains": label}):
        found = (await records.find(actor, kind.name, where={kind.title: how}, limit=MOST_MATCHES)).records
        if len(found) == 1:
            return str(found[0]["id"])
        if found:
            raise Invalid.of([Problem(field.name, f"several have “{label}” in their name; write it in full")])
    raise Invalid.of([Problem(field.name, f"nothing is called “{label}”")])


async def labelled(records: Records, actor: Actor, kind: ObjectType, inputs: Inputs) -> Inputs:
    """Add what records are called to relations that are given by their id alone; what is not there is left out."""
    found = dict(inputs)
    for field in kind.fields:
        if field.type is not FieldType.RELATION or not inputs.get(field.name):
            continue
        target = await records.object(actor, field.target or "")
        try:
            found[f"{field.name}.label"] = called(target, await records.get(actor, target.name, inputs[field.name]))
        except NoSuchRecord:
            found[field.name] = ""
    return found


def called(kind: ObjectType, record: Mapping[str, Any]) -> str:
    """Give what people call a record."""
    title = record[kind.title]
    return " ".join(str(part) for part in title.values() if part) if is_object(title) else str(title or "")


def _exactly(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)
