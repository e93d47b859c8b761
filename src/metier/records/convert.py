"""Converters: the declared ways in which the values of a field become values of another type.

Each is total: it says for every value whether it converts, and converts those without failing. A conversion happens
only if all values do, those of deleted records too, so nothing is lost silently.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from metier.errors import Conflict
from metier.records import columns as cols
from metier.records.ddl import quoted
from metier.records.shape import Field, FieldType
from metier.store import Transaction

EXAMPLES = 5  # values shown that do not convert

Columns = Mapping[str, str]  # SQL by the column it fills
Params = dict[str, Any]  # Any: what psycopg adapts


@dataclass(frozen=True)
class Conversion:
    """How the values of one field become those of another.

    Attributes:
        fits: SQL: whether a value that is there converts. Never null, never fails.
        fills: SQL for each column of the new field; evaluated only for values that fit.
        says: What becomes of the values, for people.
        loses: What of a value is gone afterwards; empty if it could be converted back.
        params: Values for the statements.
    """

    fits: str
    fills: Columns
    says: str
    loses: str
    params: Params


@dataclass(frozen=True)
class Preview:
    """What a conversion would do.

    Attributes:
        values: How many records hold a value.
        misfits: How many of those do not convert.
        examples: Some values that do not, as text.
    """

    values: int
    misfits: int
    examples: tuple[str, ...]
    says: str
    loses: str

    def to_json(self) -> dict[str, Any]:
        """Give the preview as clients get it."""
        return {
            "values": self.values,
            "misfits": self.misfits,
            "examples": list(self.examples),
            "says": self.says,
            "loses": self.loses,
        }


def conversion(old: Field, new: Field, time_zone: str) -> Conversion:
    """Give how the values of `old` become those of `new`.

    Args:
        time_zone: IANA name; where a day begins.

    Raises:
        Conflict: No converter is declared for the two types.
    """
    make = _CONVERTERS.get((old.type, new.type))
    if make is None:
        ways = ", ".join(sorted(to.value for of, to in _CONVERTERS if of is old.type and to is not old.type))
        raise Conflict(
            f"The field {old.name!r} holds {old.type.value} and cannot become {new.type.value}.",
            cure=f"It can become {ways}." if ways else "Add a field of another name and move the values over.",
        )
    return make(old, new, {"zone": time_zone})


def targets(kind: FieldType) -> tuple[FieldType, ...]:
    """Give the types that values of `kind` can be converted to."""
    return tuple(to for of, to in _CONVERTERS if of is kind and to is not kind)


async def preview(tx: Transaction, schema: str, table: str, old: Field, how: Conversion) -> Preview:
    """Look at all values, and say what would become of them."""
    shown = _text(old)
    row = await tx.row(
        f"select count(*) filter (where {_is_there(old)}) as values,"
        f" count(*) filter (where {_is_there(old)} and not ({how.fits})) as misfits,"
        f" (array_agg(distinct left({shown}, 100)) filter (where {_is_there(old)} and not ({how.fits})))[:{EXAMPLES}]"
        f" as examples from {quoted(schema, table)}",
        _used(how),
    )
    found = row or {}
    return Preview(found["values"], found["misfits"], tuple(found["examples"] or ()), how.says, how.loses)


async def convert(tx: Transaction, schema: str, table: str, old: Field, new: Field, how: Conversion) -> None:
    """Put the converted values in place of the old ones, in columns that are named after `old`.

    Raises:
        Conflict: Some values do not convert; nothing was changed.
    """
    found = await preview(tx, schema, table, old, how)
    if found.misfits:
        raise misfit(old, new, found)
    where = quoted(schema, table)
    types = cols.columns(replace(new, name=old.name))
    beside = {name: f"+{i}" for i, name in enumerate(types)}  # no field is called so
    for name, kind in types.items():
        await tx.execute(f'alter table {where} add column "{beside[name]}" {kind.compile(cols.dialect())}')
    filled = ", ".join(f'"{beside[name]}" = {sql}' for name, sql in how.fills.items())
    await tx.execute(f"update {where} set {filled} where {_is_there(old)}", _used(how))
    for name in cols.columns(old):
        await tx.execute(f'alter table {where} drop column "{name}"')
    for name, temporary in beside.items():
        await tx.execute(f'alter table {where} rename column "{temporary}" to "{name}"')


def misfit(old: Field, new: Field, found: Preview) -> Conflict:
    """Say that values do not convert."""
    shown = ", ".join(repr(one) for one in found.examples)
    return Conflict(
        f"{found.misfits:,} of {found.values:,} values of {old.name!r} do not become {new.type.value}: {shown}.",
        cure="Correct these values first.",
    )


def _used(how: Conversion) -> Params:
    """Give the parameters that the statements name: none at all if they name none."""
    text = " ".join([how.fits, *how.fills.values()])
    return {name: value for name, value in how.params.items() if f"%({name})s" in text}


def _is_there(field: Field) -> str:
    """Write that a field has a value."""
    names = cols.columns(field) if field.type is FieldType.FULL_NAME else list(cols.columns(field))[:1]
    return "(" + " or ".join(f'"{name}" is not null' for name in names) + ")"


def _text(field: Field) -> str:
    if field.type is FieldType.FULL_NAME:
        first, last = cols.columns(field)
        return f"""btrim(coalesce("{first}", '') || ' ' || coalesce("{last}", ''))"""
    return f"{_column(field)}::text"


def _column(field: Field) -> str:
    """Give the column that a field is compared by."""
    return f'"{next(iter(cols.columns(field)))}"'


# --- the converters --------------------------------------------------------------------------------------------------

_WHOLE_MAX = 2**53  # beyond it a double skips whole numbers
_DIGITS = 15  # that a double keeps


def _number_from_text(old: Field, new: Field, params: Params) -> Conversion:
    text = f"btrim({_column(old)})"
    digits = "^[+-]?[0-9]+$" if not new.decimals else "^[+-]?[0-9]+([.][0-9]+)?$"
    kind = "double precision" if new.decimals else "bigint"
    fits = f"({text} ~ '{digits}' and length(translate({text}, '+-.', '')) <= {_DIGITS})"
    return Conversion(
        fits,
        {old.name: f"case when {fits} then {text}::{kind} end"},
        "Numbers written with digits, with a point before decimals, become numbers.",
        "zeros in front and behind",
        params,
    )


def _number_from_number(old: Field, new: Field, params: Params) -> Conversion:
    column = _column(old)
    if new.decimals:
        fits = f"({column} between -{_WHOLE_MAX} and {_WHOLE_MAX})"
        return Conversion(
            fits, {old.name: f"{column}::double precision"}, "Whole numbers stay as they are.", "", params
        )
    fits = f"({column} = trunc({column}) and {column} between -{_WHOLE_MAX} and {_WHOLE_MAX})"
    filled = f"case when {fits} then {column}::bigint end"
    return Conversion(fits, {old.name: filled}, "Numbers without a fraction stay as they are.", "", params)


def _text_of(says: str, sql: str = "{}::text") -> Callable[[Field, Field, Params], Conversion]:
    def make(old: Field, new: Field, params: Params) -> Conversion:
        return Conversion("true", {old.name: sql.format(_column(old))}, says, "", params)

    return make


def _text_from_select(old: Field, new: Field, params: Params) -> Conversion:
    """Give what people read: the label; the value itself where an option is gone."""
    labels = {f"label{i}": option.label for i, option in enumerate(old.options)}
    values = {f"value{i}": option.value for i, option in enumerate(old.options)}
    cases = " ".join(f"when %(value{i})s then %(label{i})s" for i in range(len(old.options)))
    filled = f"case {_column(old)} {cases} else {_column(old)} end" if cases else _column(old)
    return Conversion("true", {old.name: filled}, "Options become their labels.", "", params | labels | values)


def _select_from_text(old: Field, new: Field, params: Params) -> Conversion:
    """Take a value, a label or another word for an option, whatever its case."""
    word = f"lower(btrim({_column(old)}))"
    meant = _words(new)
    params = params | {f"word{i}": word for i, word in enumerate(meant)}
    params |= {f"to{i}": value for i, value in enumerate(meant.values())}
    cases = " ".join(f"when lower(%(word{i})s) then %(to{i})s" for i in range(len(meant)))
    filled = f"case {word} {cases} end" if cases else "null::text"
    return Conversion(
        f"coalesce({filled}, '') <> ''",
        {old.name: filled},
        "Texts that are an option's value, label or other word become that option.",
        "how the text was written",
        params,
    )


def _words(field: Field) -> dict[str, str]:
    """Give the words that mean an option, in small letters, with its value; what is said first counts."""
    said = [(option.value, option.value) for option in field.options]
    said += [(option.label, option.value) for option in field.options]
    said += [(word, option.value) for option in field.options for word in option.aliases]
    words: dict[str, str] = {}
    for word, value in said:
        words.setdefault(word.lower(), value)
    return words


def _boolean_from_text(old: Field, new: Field, params: Params) -> Conversion:
    word = f"lower(btrim({_column(old)}))"
    fits = f"{word} in ('yes', 'no', 'true', 'false', '1', '0')"
    says = "yes, true and 1 become yes; no, false and 0 become no."
    return Conversion(fits, {old.name: f"{word} in ('yes', 'true', '1')"}, says, "how the text was written", params)


_DAY = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


def _date_from_text(old: Field, new: Field, params: Params) -> Conversion:
    text = f"btrim({_column(old)})"
    fits = _is_day(text)
    filled = f"case when {fits} then {text}::date end"
    return Conversion(fits, {old.name: filled}, "Days written 2026-03-01 become dates.", "", params)


def _is_day(text: str) -> str:
    """Write that a text is a day that the calendar has."""
    month = f"make_date(left({text}, 4)::int, substr({text}, 6, 2)::int, 1)"
    last = f"extract(day from {month} + interval '1 month' - interval '1 day')"
    return (
        f"case when {text} ~ '{_DAY}' and left({text}, 4) <> '0000'"
        f" then substr({text}, 9, 2)::int <= {last} else false end"
    )


#: The days whose moments, and the moments whose days, lie in the years 1 to 9999 in every time zone.
_FIRST, _LAST = "0001-01-02", "9999-12-30"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"


def _date_time_from_text(old: Field, new: Field, params: Params) -> Conversion:
    text = f"btrim({_column(old)})"
    day = f"left({text}, 10)"
    fits = (
        f"case when {text} ~ '^.{{10}}[T ]{_CLOCK}{_OFFSET}?$'"
        f" then {_is_day(day)} and {day} between '{_FIRST}' and '{_LAST}' else false end"
    )
    filled = (
        f"case when {fits} then case when {text} ~ '{_OFFSET}$' then {text}::timestamptz"
        f" else {text}::timestamp at time zone %(zone)s end end"
    )
    says = "Times written 2026-03-01T09:30:00Z become times; without an offset they are in your time zone."
    return Conversion(fits, {old.name: filled}, says, "the offset they were written with", params)


def _date_time_from_date(old: Field, new: Field, params: Params) -> Conversion:
    fits = f"({_column(old)} between '{_FIRST}' and '{_LAST}')"
    filled = f"case when {fits} then {_column(old)}::timestamp at time zone %(zone)s end"
    return Conversion(fits, {old.name: filled}, "Days become their first moment in your time zone.", "", params)


def _date_from_date_time(old: Field, new: Field, params: Params) -> Conversion:
    fits = f"({_column(old)} at time zone 'UTC' between '{_FIRST}' and '{_LAST}')"
    filled = f"({_column(old)} at time zone %(zone)s)::date"
    return Conversion(fits, {old.name: filled}, "Times become their day in your time zone.", "the time of day", params)


def _emails_from_text(old: Field, new: Field, params: Params) -> Conversion:
    text = f"btrim({_column(old)})"
    fits = rf"({text} ~ '^[^@\s]+@[^@\s]+$' and length({text}) <= 500)"
    primary, more = cols.columns(replace(new, name=old.name))
    return Conversion(fits, {primary: text, more: "'{}'::text[]"}, "Each address becomes the first one.", "", params)


def _links_from_text(old: Field, new: Field, params: Params) -> Conversion:
    text = f"btrim({_column(old)})"
    fits = rf"({text} ~* '^https?://[^\s/?#]+[^\s]*$' and length({text}) <= 2000)"
    url, _, more = cols.columns(replace(new, name=old.name))
    says = "Addresses that begin with http:// or https:// become links."
    return Conversion(fits, {url: text, more: "'[]'::jsonb"}, says, "", params)


def _text_from_emails(old: Field, new: Field, params: Params) -> Conversion:
    primary, more = (f'"{name}"' for name in cols.columns(old))
    fits = f"cardinality(coalesce({more}, '{{}}')) = 0"
    return Conversion(fits, {old.name: primary}, "The address becomes text; a second one would be lost.", "", params)


def _text_from_links(old: Field, new: Field, params: Params) -> Conversion:
    url, label, more = (f'"{name}"' for name in cols.columns(old))
    fits = f"({label} is null and coalesce({more}, '[]'::jsonb) = '[]'::jsonb)"
    says = "The address becomes text; a label or a second link would be lost."
    return Conversion(fits, {old.name: url}, says, "", params)


def _text_from_full_name(old: Field, new: Field, params: Params) -> Conversion:
    filled = f"nullif({_text(old)}, '')"
    return Conversion("true", {old.name: filled}, "First and last name become one text.", "which name is which", params)


_T = FieldType
_CONVERTERS: Mapping[tuple[FieldType, FieldType], Callable[[Field, Field, Params], Conversion]] = {
    (_T.TEXT, _T.NUMBER): _number_from_text,
    (_T.TEXT, _T.SELECT): _select_from_text,
    (_T.TEXT, _T.BOOLEAN): _boolean_from_text,
    (_T.TEXT, _T.DATE): _date_from_text,
    (_T.TEXT, _T.DATE_TIME): _date_time_from_text,
    (_T.TEXT, _T.EMAILS): _emails_from_text,
    (_T.TEXT, _T.LINKS): _links_from_text,
    (_T.NUMBER, _T.TEXT): _text_of("Numbers become their digits."),
    (_T.NUMBER, _T.NUMBER): _number_from_number,
    (_T.BOOLEAN, _T.TEXT): _text_of("Yes and no become words.", "case when {} then 'yes' else 'no' end"),
    (_T.SELECT, _T.TEXT): _text_from_select,
    (_T.DATE, _T.TEXT): _text_of("Days are written 2026-03-01.", "to_char({}, 'YYYY-MM-DD')"),
    (_T.DATE, _T.DATE_TIME): _date_time_from_date,
    (_T.DATE_TIME, _T.DATE): _date_from_date_time,
    (_T.DATE_TIME, _T.TEXT): _text_of(
        "Times are written 2026-03-01T09:30:00Z.",
        """to_char({} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    ),
    (_T.EMAILS, _T.TEXT): _text_from_emails,
    (_T.LINKS, _T.TEXT): _text_from_links,
    (_T.FULL_NAME, _T.TEXT): _text_from_full_name,
    (_T.UUID, _T.TEXT): _text_of("Ids become text."),
}
