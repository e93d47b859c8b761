"""Values of records as Markdown: safe in a table, formatted for the person."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote, urlsplit

from metier.builtin.providers.offline.stretches import Clockwork
from metier.records.shape import Field, FieldType

_LONGEST = 80  # characters of a text in a table
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#!&])")


def escaped(text: str) -> str:
    """Make text safe: no Markdown, no line breaks, no table borders."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def link(label: str, object_name: str, record_id: str) -> str:
    """Give a link to a record's page."""
    return f"[{escaped(shortened(label)) or 'Untitled'}](/o/{quote(object_name)}/{quote(record_id)})"


def cell(value: Any, field: Field, clock: Clockwork) -> str:
    """Give a field's JSON value as Markdown; empty for nothing."""
    if value is None or value == "":
        return ""
    make = _MAKERS.get(field.type)
    return make(value, field, clock) if make else escaped(shortened(str(value)))


def plain_title(value: Any) -> str:
    """Give a record's title field as plain text."""
    if isinstance(value, Mapping):
        name = cast(Mapping[str, Any], value)
        parts: list[str] = [str(name.get(key) or "") for key in ("first_name", "last_name")]
        return " ".join(part for part in parts if part)
    return str(value or "")


def shortened(text: str) -> str:
    """Cut long text."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1].rstrip() + "…"


def _number(value: Any, field: Field, clock: Clockwork) -> str:
    unit = f" {field.unit}" if field.unit and field.unit != "%" else field.unit
    return escaped(f"{clock.writing.exact(value)}{unit}")


def _money(value: Any, field: Field, clock: Clockwork) -> str:
    return _unbroken(escaped(clock.writing.money(value)))


def _truth(value: Any, field: Field, clock: Clockwork) -> str:
    return "Yes" if value else "No"


def _option(value: Any, field: Field, clock: Clockwork) -> str:
    return escaped(next((option.label for option in field.options if option.value == value), str(value)))


def _day(value: Any, field: Field, clock: Clockwork) -> str:
    return _unbroken(clock.writing.day(str(value)))


def _moment(value: Any, field: Field, clock: Clockwork) -> str:
    there = datetime.fromisoformat(str(value)).astimezone(clock.zone)
    return _unbroken(f"{clock.writing.day(there.date())} {clock.writing.clock(there)}")


def _unbroken(moment: str) -> str:
    return moment.replace(" ", "\N{NO-BREAK SPACE}")  # a date over three lines cannot be read in a narrow table


def _record(value: Any, field: Field, clock: Clockwork) -> str:
    return link(str(value.get("label") or ""), field.target or "", str(value["id"]))


def _name(value: Any, field: Field, clock: Clockwork) -> str:
    return escaped(plain_title(value))


def _email(value: Any, field: Field, clock: Clockwork) -> str:
    return escaped(str(value.get("primary_email") or ""))


def _url(value: Any, field: Field, clock: Clockwork) -> str:
    url = str(value.get("primary_link_url") or "")
    parts = urlsplit(url if "//" in url else f"https://{url}")
    if not url or parts.scheme not in ("http", "https") or not parts.hostname:
        return escaped(url)
    shown = str(value.get("primary_link_label") or "") or parts.hostname.removeprefix("www.")
    return f"[{escaped(shortened(shown))}]({quote(parts.geturl(), safe=':/?#@=&%+,;~')})"


_MAKERS: dict[FieldType, Callable[[Any, Field, Clockwork], str]] = {
    FieldType.NUMBER: _number,
    FieldType.CURRENCY: _money,
    FieldType.BOOLEAN: _truth,
    FieldType.SELECT: _option,
    FieldType.DATE: _day,
    FieldType.DATE_TIME: _moment,
    FieldType.RELATION: _record,
    FieldType.FULL_NAME: _name,
    FieldType.EMAILS: _email,
    FieldType.LINKS: _url,
}
