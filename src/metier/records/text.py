"""A record's values in one line of text, as a person wants them written: in tables of chats and the command line."""

from typing import Any
from urllib.parse import urlsplit

from metier.formats.writing import Writing
from metier.records.shape import Field, FieldType

#: Types whose values are written in the person's own forms.
WRITTEN = frozenset({FieldType.NUMBER, FieldType.CURRENCY, FieldType.DATE, FieldType.DATE_TIME})


def value_text(field: Field, value: Any, writing: Writing) -> str:
    """Write a value as people read it, in one line."""
    if value is None:
        return ""
    match field.type:
        case FieldType.NUMBER:
            return writing.number(value, field.decimals or None)
        case FieldType.CURRENCY:
            return writing.money(value)
        case FieldType.DATE:
            return writing.day(value)
        case FieldType.DATE_TIME:
            return writing.moment(value)
        case FieldType.BOOLEAN:
            return "Yes" if value else "No"
        case FieldType.EMAILS:
            return str(value.get("primary_email") or "")
        case FieldType.LINKS:
            return host(str(value.get("primary_link_url") or ""))
        case FieldType.FULL_NAME:
            return f"{value.get('first_name') or ''} {value.get('last_name') or ''}".strip()
        case FieldType.RELATION:
            return str(value.get("label") or "Unnamed")
        case FieldType.SELECT:
            return next((option.label for option in field.options if option.value == value), str(value))
        case _:
            return " ".join(str(value).split())


def host(url: str) -> str:
    """Write where a link leads: `acme.example`, with the path if it has one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    shown = f"{parts.netloc.rpartition('@')[2].removeprefix('www.')}{parts.path.rstrip('/')}"
    return shown or url
