"""Rules for order and number of rows: "sorted by", "top 5", "largest", "newest first"."""

from collections.abc import Iterator

from metier.builtin.providers.offline.language import Adjective
from metier.builtin.providers.offline.lexicon import ALIAS, HEAD, Entry
from metier.builtin.providers.offline.reader import NUMERIC, TEMPORAL, Reader, Took
from metier.builtin.providers.offline.spec import MAX_LIMIT, Order, Path
from metier.builtin.providers.offline.values import value_after
from metier.records.shape import Field, FieldType

_CREATED = ("created_at",)


def order_word(reader: Reader, i: int) -> Took | None:
    """Read "sorted", "in order": something to sort by follows."""
    end = reader.end_of(reader.language.sorting["wants"], i)
    if end is None or any(stop >= end and entry.weight >= ALIAS for stop, entry in reader.entries(i)):
        return None
    rest = range(end, len(reader.tokens))
    if not any(reader.end_of(reader.language.sorting["by"], k) or _direction_at(reader, k, None) for k in rest):
        return None
    reader.wants_order = True
    return Took(end)


def direction_word(reader: Reader, i: int) -> Took | None:
    """Read "in descending order", "newest first": for the field behind, the one just sorted by, or the one implied."""
    found = _direction_at(reader, i, None)
    if found is None:
        return None
    end, descending = found
    if _by_follows(reader, end):
        reader.direction = descending
    elif _by_count(reader, end):
        reader.vetoes.append("group or break down records")
    elif reader.sort:
        reader.sort[-1] = Order(reader.sort[-1].path, descending)
    elif path := _implied_order(reader, i):
        reader.order(path, descending=descending)
    elif reader.wants_order:
        reader.direction = descending
    else:
        return None
    return Took(end)


def _by_follows(reader: Reader, i: int) -> bool:
    end = reader.end_of(reader.language.sorting["by"], i)
    return end is not None and bool(reader.fields(_after_direction(reader, end)[0]))


def _by_count(reader: Reader, i: int) -> bool:
    """Whether something is sorted by a number of records: "by number of orders"."""
    end = reader.end_of(reader.language.sorting["by"], i)
    place = reader.after_determiners(end) if end else 0
    counted = reader.cue("count", place) if end else None
    return bool(counted and not reader.fields(place) and not reader.fields(counted, NUMERIC))


def _direction_at(reader: Reader, i: int, kind: FieldType | None) -> tuple[int, bool] | None:
    """Read a direction; "oldest first" turns round for ages."""
    tables = (
        ("descending", True),
        ("ascending", False),
        ("old_first", kind in NUMERIC),
        ("young_first", kind not in NUMERIC),
    )
    for table, descending in tables:
        end = reader.end_of(reader.language.sorting[table], i)
        if end:
            return end, descending
    return None


def _after_direction(reader: Reader, i: int) -> tuple[int, bool | None]:
    """Skip "the", "ascending" and the like before a field."""
    i = reader.after_determiners(i)
    found = _direction_at(reader, i, None)
    return (reader.after_determiners(found[0]), found[1]) if found else (i, None)


def by_field(reader: Reader, i: int) -> Took | None:
    """Read "by amount, highest first, then by name": after "sorted" or a limit, else where an order is natural."""
    start = reader.end_of(reader.language.sorting["by"], i)
    if start is None or (reader.low(i) != "by" and not (reader.wants_order or reader.direction is not None)):
        return None
    if _by_count(reader, i):
        reader.vetoes.append("group or break down records")
        return Took(start)
    taken: Took | None = None
    place: int | None = start
    while place is not None and (found := _sort_field(reader, place)):
        end, entry, fixed = found
        if value_after(reader, entry, end):
            return taken  # "by the rank 1 coach"
        if not _may_sort(reader, entry):
            return _grouping(reader, end, entry)
        end, said = _direction_behind(reader, end, entry)
        reader.order(sort_path(reader, entry), descending=_descending(reader, entry, said, fixed))
        taken = Took(end, entry.weight)
        place = _after_then(reader, end)
    reader.direction = reader.ranked = None
    return taken


def _may_sort(reader: Reader, entry: Entry) -> bool:
    if reader.wants_order or reader.direction is not None or reader.sort:
        return True
    kind = entry.field.type if entry.field else FieldType.TEXT
    limited = reader.limit is not None or reader.ranked is not None or reader.superlative
    return (kind in NUMERIC | TEMPORAL or entry.path == (reader.type.title,)) and (limited or not reader.count)


def _grouping(reader: Reader, end: int, entry: Entry) -> Took | None:
    if entry.weight < HEAD:
        return None
    reader.vetoes.append("group or break down records")
    return Took(end)


def _descending(reader: Reader, entry: Entry, said: bool | None, fixed: bool | None) -> bool:
    """Give the direction: said behind or before the field, else the highest of a ranking, else ascending."""
    for known in (said, fixed, reader.direction, reader.ranked):
        if known is not None:
            return known
    return not reader.wants_order and entry.field is not None and entry.field.type in NUMERIC


def _sort_field(reader: Reader, i: int) -> tuple[int, Entry, bool | None] | None:
    i, fixed = _after_direction(reader, i)
    found = reader.fields(i)
    if not found and (counted := reader.cue("count", i)):  # "by number of sales"
        found = reader.fields(counted, NUMERIC)
    return (*found[0], fixed) if found else None


def _after_then(reader: Reader, i: int) -> int | None:
    start = i
    for word in (",", "and", "then", "by"):
        i += reader.low(i) == word
    joined = i > start and (reader.low(i - 1) in ("then", "by") or (reader.low(i - 1) == "and" and reader.wants_order))
    return i if joined and reader.fields(reader.after_determiners(i)) else None


def _direction_behind(reader: Reader, i: int, entry: Entry) -> tuple[int, bool | None]:
    start = i + (reader.low(i) in (",", "("))
    found = _direction_at(reader, start, entry.field.type if entry.field else None)
    if found is None:
        return i, None
    return found[0] + (reader.low(found[0]) == ")"), found[1]


def sort_path(reader: Reader, entry: Entry) -> Path:
    """Give the path to sort by: of a record pointed to its title."""
    target = reader.world.schema.object(entry.field.target) if entry.field and entry.field.target else None
    return (*entry.path, target.title) if target else entry.path


def _implied_order(reader: Reader, i: int) -> Path | None:
    """Give the field that "alphabetically", "newest first", "cheapest first" or a field just shown means."""
    if reader.end_of(reader.language.sorting["alphabetical"], i) and not reader.select:
        return (reader.type.title,)
    for table in ("newest", "oldest"):
        if reader.end_of(reader.language.sorting[table], i):
            return _dated(reader)
    adjective = reader.match(reader.language.adjectives, i)
    if adjective and (found := adjective_field(reader, adjective[0])):
        return found[0].path
    if reader.low(i) in ("highest", "lowest", "largest", "biggest", "smallest", "greatest", "high", "low", "from"):
        only = only_number(reader)
        return (only.name,) if only else None
    return reader.select[-1] if reader.select else None


# limits --------------------------------------------------------------------------------------------


def first_at_the_end(reader: Reader, i: int) -> Took | None:
    """Read "the smallest companies first": an order, not one row."""
    if reader.low(i) != "first" or not reader.superlative or reader.quantity(i + 1):
        return None
    reader.superlative = False
    return Took(i + 1)


def limited(reader: Reader, i: int) -> Took | None:
    """Read "top 5", "first 10", "last 3", "limit 20"."""
    if reader.is_label(i, i + 1):
        return None
    for table in ("top", "bottom", "last", "first"):
        end = reader.end_of(reader.language.sorting[table], i)
        if end is None:
            continue
        number = reader.quantity(end)
        if number is None and table not in ("top", "bottom"):
            continue
        return _limit(reader, table, number.value if number else None, number.end if number else end)
    return None


def _limit(reader: Reader, table: str, number: int | float | None, end: int) -> Took | None:
    if number is not None:
        if (
            not isinstance(number, int)
            or number < 1
            or reader.low(end) in ("days", "weeks", "months", "years", "hours", "quarters", "minutes")
        ):
            return None
        set_limit(reader, number)
    if table == "last":
        path = _dated(reader)
        if path is None:
            return None
        reader.order(path, descending=True)
    elif table in ("top", "bottom"):
        reader.ranked = table == "top"
    return Took(end)


def set_limit(reader: Reader, number: int) -> None:
    """Ask for so many rows, as many as a call can give."""
    reader.limit = min(number, MAX_LIMIT)


def number_of_rows(reader: Reader, i: int) -> Took | None:
    """Read "5 companies", "the 3 largest": a number right before the object or a superlative."""
    number = reader.quantity(i)
    if number is None or not isinstance(number.value, int) or number.currency or number.scaled or number.value < 1:
        return None
    if reader.match(reader.language.comparisons, i - 1) or reader.low(i - 1) in (
        "than",
        "least",
        "most",
        "and",
        "between",
    ):
        return None
    if reader.low(i) == "one" and reader.low(number.end) in ("of", "with"):
        return None
    if not (reader.entries(number.end, "object") or _is_superlative(reader, number.end)):
        return None
    set_limit(reader, number.value)
    return Took(number.end)


def _is_superlative(reader: Reader, i: int) -> bool:
    tables = ("high", "low", "newest", "oldest")
    if any(reader.end_of(reader.language.sorting[table], i) for table in tables):
        return True
    return reader.match(reader.language.adjectives, i) is not None and not reader.low(i).endswith("er")


# superlatives --------------------------------------------------------------------------------------


def extreme_field(reader: Reader, i: int) -> Took | None:
    """Read "highest amount", "most employees", "latest close date"."""
    for end, descending, wanted in _extremes(reader, i):
        if reader.is_label(i, end):
            return None
        start = end + (reader.low(end) in ("number", "amount", "total", "and") and reader.low(end + 1) == "of") * 2
        for stop, entry in reader.fields(start, wanted) or reader.fields(end, wanted):
            if wanted is not NUMERIC and not _is_time(reader, entry):
                continue
            if not reader.named and not reader.entries(stop, "object"):
                reader.vetoes.append("give only the largest or smallest value of a field")
            extreme(reader, entry.path, descending=descending)
            return Took(stop, entry.weight)
    return None


def _is_time(reader: Reader, entry: Entry) -> bool:
    """Whether a field tells a time: a date, or a number that is a year."""
    if entry.field is None or entry.field.type in TEMPORAL:
        return True
    return reader.language.stems.of("year") in reader.language.stems.phrase(entry.field.label)


def _extremes(reader: Reader, i: int) -> Iterator[tuple[int, bool, frozenset[FieldType]]]:
    for table, descending in (("high", True), ("low", False), ("newest", True), ("oldest", False)):
        if end := reader.end_of(reader.language.sorting[table], i):
            yield end, descending, NUMERIC if table in ("high", "low") else TEMPORAL | {FieldType.NUMBER}
    adjective = reader.match(reader.language.adjectives, i)
    if adjective and not reader.low(i).endswith("er"):
        yield adjective[1], adjective[0].direction == "high", NUMERIC


def extreme_behind(reader: Reader, i: int) -> Took | None:
    """Read "whose amount is the largest", "is worth the most": of the field just named."""
    found = reader.match(reader.language.adjectives, i)
    descending: bool | None = found[0].direction == "high" if found and not reader.low(i).endswith("er") else None
    end = found[1] if found else i
    types = NUMERIC
    for table, is_high in (("high", True), ("low", False), ("newest", True), ("oldest", False)):
        if stop := reader.end_of(reader.language.sorting[table], i):
            descending, end, types = is_high, stop, NUMERIC if table in ("high", "low") else TEMPORAL
    if descending is None or not reader.select or reader.low(end) not in ("", "?", ".", ",", "and"):
        return None
    path = reader.select[-1]
    if len(path) != 1 or reader.type.by_name[path[0]].type not in types:
        return None
    reader.select.pop()
    extreme(reader, path, descending=descending)
    return Took(end)


def extreme(reader: Reader, path: Path, *, descending: bool) -> None:
    """Sort for a superlative; one about the record pointed to ("in the largest city") picks that record, not rows."""
    if reader.scope is not None:
        reader.vetoes.append("pick the first of related records")
    reader.superlative = True
    reader.order(path, descending=descending)


def superlative(reader: Reader, i: int) -> Took | None:
    """Read "largest", "oldest", "cheapest": the adjective names the field."""
    found = reader.match(reader.language.adjectives, i)
    if found is None or reader.low(found[1]) == "than" or reader.low(i).endswith("er") or reader.is_label(i, found[1]):
        return None
    adjective, end = found
    field = adjective_field(reader, adjective)
    if field is None:
        return None
    entry, is_birth = field
    extreme(reader, entry.path, descending=(adjective.direction == "high") != is_birth)
    return Took(end)


def adjective_field(reader: Reader, adjective: Adjective) -> tuple[Entry, bool] | None:
    """Give the field an adjective names, and whether it is a birthday (the order turns round)."""
    shown = [path for path in reader.select if len(path) == 1]
    for names, types, is_birth in ((adjective.names, NUMERIC, False), (adjective.births, TEMPORAL, True)):
        entries = [reader.field_called(reader.language.stems.phrase(name), types) for name in names]
        known = [entry for entry in entries if entry is not None]
        if known:
            return next((entry for entry in known if entry.path in shown), known[0]), is_birth
    only = only_number(reader, adjective.fallback) if adjective.fallback else None
    return (Entry("field", (only.name,), only), False) if only else None


def only_number(reader: Reader, kind: str = "number") -> Field | None:
    """Give the object's only currency, else (but for "currency") its only number."""
    for types in (frozenset((FieldType.CURRENCY,)), *([NUMERIC] if kind == "number" else [])):
        own = [field for field in reader.type.fields if field.type in types]
        if len(own) == 1:
            return own[0]
    return None


def rank_rows(reader: Reader) -> None:
    """Give "top 3 deals" its order where no field was named: the only currency or number."""
    if reader.ranked is None or reader.sort or reader.count:
        return
    only = only_number(reader)
    if only is None:
        reader.vetoes.append("tell what the top is measured by")
    else:
        reader.order((only.name,), descending=reader.ranked)


def newest(reader: Reader, i: int) -> Took | None:
    """Read "latest", "oldest", "newest": by the object's own date, else by when it was created."""
    for table, descending in (("newest", True), ("oldest", False)):
        end = reader.end_of(reader.language.sorting[table], i)
        path = _dated(reader) if end else None
        if end and path and not reader.is_label(i, end):
            extreme(reader, path, descending=descending)
            return Took(end)
    return None


def fresh(reader: Reader, i: int) -> Took | None:
    """Read "new", "recent" without a time: newest first."""
    end = reader.end_of(reader.language.sorting["fresh"], i)
    if end is None or not reader.entries(end, "object") or reader.entries(i, "option"):
        return None
    if _CREATED[0] in reader.type.by_name:
        reader.order(_CREATED, descending=True)
        return Took(end, 0.9)
    return None


def _dated(reader: Reader) -> Path | None:
    """Give the date that tells old from new: the only own one that looks back, else created_at."""
    own = [f for f in reader.type.fields if f.type in TEMPORAL and not f.system and reader.tense(f) == "past"]
    if len(own) == 1:
        return (own[0].name,)
    return _CREATED if _CREATED[0] in reader.type.by_name else None
