"""Answers in Markdown, made from what a tool gave: heading with the count, a table of linked rows, what was cut."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from metier.builtin.providers.offline.cells import cell, escaped, link, plain_title
from metier.builtin.providers.offline.restate import Teller, filter_words, restate, small
from metier.builtin.providers.offline.spec import Spec
from metier.records.shape import Field, FieldType

COLUMNS = 6  # at most, the title among them
_QUIET = frozenset((FieldType.UUID,))
_LONG = frozenset(("body", "content", "description", "notes", "summary"))

Record = Mapping[str, Any]


def found_records(spec: Spec, teller: Teller, result: Mapping[str, Any]) -> Iterator[str]:
    """Answer with the rows of a find tool, or with their number.

    Args:
        result: `{"object", "records": […], "total", "total_capped", "next_cursor", "filter"}`.
    """
    records: Sequence[Record] = result.get("records") or []
    total = int(result.get("total") or len(records))
    shown_total = f"more than {total:,}" if result.get("total_capped") else f"{total:,}"
    if spec.count:
        yield _count(spec, teller, shown_total, total)
    elif not total:
        yield _none(spec, teller, result)
    else:
        shown = f"{len(records)} of {shown_total}" if spec.limit and len(records) < total else shown_total
        yield f"**{escaped(restate(spec, teller))}: {shown}**\n"
        yield from _cut(spec, len(records), total, shown_total)
        yield "\n"
        yield from table(spec, teller, records)


def _count(spec: Spec, teller: Teller, shown: str, total: int) -> str:
    noun = small(teller.type.label if total == 1 else teller.type.label_plural)
    if not spec.where:
        return f"There {'is' if total == 1 else 'are'} **{shown}** {escaped(noun)}.\n"
    verb = "matches" if total == 1 else "match"
    return f"**{shown[:1].upper()}{shown[1:]}** {escaped(noun)} {verb}: {escaped(filter_words(spec, teller))}.\n"


def _none(spec: Spec, teller: Teller, result: Mapping[str, Any]) -> str:
    noun = escaped(small(teller.type.label_plural))
    words = str(result.get("filter") or "") or filter_words(spec, teller)
    if not spec.where:
        return f"No {noun} were found.\n"
    return f"No {noun} match: {escaped(words)}.\n"


def _cut(spec: Spec, rows: int, total: int, shown_total: str) -> Iterator[str]:
    if rows < total and (spec.limit is None or rows < spec.limit):
        yield f"\nShowing {rows} of {shown_total}.\n"


def table(spec: Spec, teller: Teller, records: Sequence[Record]) -> Iterator[str]:
    """Give a Markdown table, a line at a time."""
    columns = choose_columns(spec, teller, records)
    title = teller.type.by_name[teller.type.title]
    labels = [escaped(field.label) for field in (title, *columns)]
    yield f"| {' | '.join(labels)} |\n"
    yield f"|{'|'.join(' ---: ' if field.type in _RIGHT else ' --- ' for field in (title, *columns))}|\n"
    for record in records:
        name = link(plain_title(record.get(title.name)), teller.type.name, str(record["id"]))
        cells = [cell(record.get(field.name), field, teller.clock) for field in columns]
        yield f"| {' | '.join([name, *cells])} |\n"


_RIGHT = frozenset((FieldType.NUMBER, FieldType.CURRENCY))


def choose_columns(spec: Spec, teller: Teller, records: Sequence[Record]) -> list[Field]:
    """Give the columns beside the title: fields asked for, filtered or sorted by, then the first that say something."""
    fields = teller.type.by_name
    wanted = [fields[path[0]] for path in spec.paths() if path[0] in fields]
    if not spec.select:
        wanted += [
            f for f in teller.type.fields if not f.system and f.name not in _LONG and _says_something(f, records)
        ]
    unique = list(dict.fromkeys(wanted))
    return [f for f in unique if f.type not in _QUIET and f.name != teller.type.title][: COLUMNS - 1]


def _says_something(field: Field, records: Sequence[Record]) -> bool:
    return any(_is_filled(record.get(field.name)) for record in records)


def _is_filled(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_filled(part) for part in cast(Mapping[str, Any], value).values())
    return value is not None and value not in ("", [])


def one_record(spec: Spec, teller: Teller, record: Record) -> Iterator[str]:
    """Answer with one record: the fields asked for, else all that hold something."""
    title = teller.type.by_name[teller.type.title]
    if "id" not in record:
        yield f"{escaped(restate(spec, teller))} was not found.\n"
        return
    name = link(plain_title(record.get(title.name)), teller.type.name, str(record["id"]))
    asked = [teller.type.by_name[path[0]] for path in spec.select if path[0] in teller.type.by_name]
    yield f"**{escaped(teller.type.label)}: {name}**\n\n"
    fields = list(dict.fromkeys(asked)) or [f for f in teller.type.fields if f.type not in _QUIET and f != title]
    for field in fields:
        shown = cell(record.get(field.name), field, teller.clock)
        if shown or asked:
            yield f"- {escaped(field.label)}: {shown or 'empty'}\n"
