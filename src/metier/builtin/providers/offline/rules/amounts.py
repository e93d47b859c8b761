"""Rules that begin with a value: "over 50k", "more than 200 employees", "older than 30", "last week"."""

from metier.builtin.providers.offline import moments
from metier.builtin.providers.offline.dates import When, idle_at, when_at
from metier.builtin.providers.offline.lexicon import HEAD, Entry
from metier.builtin.providers.offline.names import after_joiner
from metier.builtin.providers.offline.numbers import Quantity
from metier.builtin.providers.offline.reader import NUMERIC, TEMPORAL, Doubt, Reader, Took
from metier.builtin.providers.offline.rules.ordering import adjective_field, only_number
from metier.builtin.providers.offline.spec import Condition, Path, one_of
from metier.builtin.providers.offline.stretches import Tense
from metier.builtin.providers.offline.values import (
    comparison_at,
    currency_conditions,
    skip_unit,
    span_at,
    value_after,
    year_condition,
)
from metier.records.shape import Field, FieldType


def compared(reader: Reader, i: int) -> Took | None:
    """Read "more than 200 employees", "over 50k", "between 10 and 20 seats", "5 or more rooms"."""
    span = span_at(reader, i)
    if span is not None:
        low, high = span
        return _compare(reader, i, "between", [low.value, high.value], high, high.end)
    found = comparison_at(reader, i)
    if found is None:
        return _compared_field(reader, i)
    op, number, end = found
    plain = op == "eq" and reader.quantity(i) is not None
    return _compare(reader, i, op, number.value, number, end, needs_field=plain)


def money(reader: Reader, i: int) -> Took | None:
    """Read "€50k", "for 5 million dollars" where values are written: the only amount."""
    number = reader.quantity(i + (reader.low(i) in ("for", "at", "worth")))
    only = only_number(reader) if number and number.currency else None
    if number is None or only is None or only.type is not FieldType.CURRENCY or _field_after(reader, number.end):
        return None
    for condition in (Condition((only.name,), "eq", number.value), *currency_conditions((only.name,), only, number)):
        reader.add(condition, i)
    return Took(number.end)


def _compared_field(reader: Reader, i: int) -> Took | None:
    """Read "below age 30", "over a budget of 5": the field stands before the number."""
    found = reader.match(reader.language.comparisons, i)
    if found is None:
        return None
    for stop, entry in reader.fields(reader.after_determiners(found[1]), NUMERIC):
        number = reader.quantity(stop + (reader.low(stop) == "of"))
        if number is not None:
            reader.add(Condition(entry.path, found[0], number.value), i)
            reader.last = entry
            return Took(number.end, entry.weight)
    return None


def same_field(reader: Reader, i: int) -> Took | None:
    """Read "after 2013 or before 2008", "over 10 or under 5": a second value for the field of the last condition."""
    if reader.last is None or reader.low(i - 1) not in ("or", "and", "but") or reader.quantity(i):
        return None
    value = value_after(reader, reader.last, i)
    if value is None or _names_number(reader, value.end) or reader.entries(value.end, "object"):
        return None
    for node in value.nodes:
        reader.add(node, i)
    return Took(value.end, 0.9)


def _names_number(reader: Reader, i: int) -> bool:
    return bool(reader.fields(i, NUMERIC))


def _compare(
    reader: Reader, i: int, op: str, value: object, number: Quantity, end: int, *, needs_field: bool = False
) -> Took | None:
    if reader.entries(end, "object") and not reader.fields(end, NUMERIC):
        return None
    place = _field_after(reader, end) or (None if needs_field else _implied_field(reader, number, end))
    if place is None:
        return None
    path, field, stop, weight = place
    if needs_field and weight < HEAD:
        return None
    stop, op = _after_field(reader, stop, op)
    reader.add(Condition(path, op, value), i)
    for condition in currency_conditions(path, field, number):
        reader.add(condition, i)
    if path in reader.select:
        reader.select.remove(path)
    reader.last = Entry("field", path, field)
    return Took(stop, weight)


def _field_after(reader: Reader, end: int) -> tuple[Path, Field, int, float] | None:
    i = end
    while reader.low(i) in reader.language.sets["between_number_and_field"]:
        i += 1
    for stop, entry in reader.fields(i, NUMERIC):
        if entry.field:
            return entry.path, entry.field, stop, entry.weight
    return None


def _after_field(reader: Reader, stop: int, op: str) -> tuple[int, str]:
    """Read "200 employees or more"."""
    after = reader.match(reader.language.after_number, stop)
    return (after[1], after[0]) if after and op == "eq" else (stop, op)


def _implied_field(reader: Reader, number: Quantity, end: int) -> tuple[Path, Field, int, float] | None:
    field = _by_unit(reader, number, end)
    if field is None and not _may_be_a_field(reader, end):
        field = _just_named(reader) or _topic(reader) or _only(reader, number)
    if field is None:
        return None
    return (field.name,), field, skip_unit(reader, end, field), 0.9


def _may_be_a_field(reader: Reader, i: int) -> bool:
    """Whether an unknown word stands where the number's field would: "more than 6 berths"."""
    return i < len(reader.tokens) and not reader.is_known_word(i) and reader.low(i) not in reader.language.measures


def _by_unit(reader: Reader, number: Quantity, end: int) -> Field | None:
    unit = "%" if number.percent else reader.low(end)
    same = [f for f in reader.type.fields if f.type in NUMERIC and unit and _has_unit(f, unit)]
    return same[0] if len(same) == 1 else None


def _has_unit(field: Field, unit: str) -> bool:
    units = {field.unit.lower(), *field.label.lower().partition("(")[2].rstrip(")").split()}
    if unit == "%":
        return bool(units & {"%", "percent"}) or "probability" in field.name or "percent" in field.name
    return unit in units


def _just_named(reader: Reader) -> Field | None:
    if not reader.select or len(reader.select[-1]) != 1:
        return None
    field = reader.type.by_name[reader.select[-1][0]]
    return field if field.type in NUMERIC else None


def _topic(reader: Reader) -> Field | None:
    field = reader.type.by_name.get(reader.topic[0]) if reader.topic and len(reader.topic) == 1 else None
    return field if field is not None and field.type in NUMERIC else None


def _only(reader: Reader, number: Quantity) -> Field | None:
    only = only_number(reader)
    if only is None:
        return None
    if only.type is FieldType.CURRENCY:
        numbers = [f for f in reader.type.fields if f.type is FieldType.NUMBER]
        return only if number.scaled or number.currency or not numbers or number.value >= 1000 else None
    return None if number.currency else only


def adjective_compared(reader: Reader, i: int) -> Took | None:
    """Read "older than 30", "heavier than 5 kg": the adjective names the field."""
    found = reader.match(reader.language.adjectives, i)
    if found is None or reader.low(found[1]) != "than":
        return None
    adjective, end = found
    number = reader.quantity(end + 1)
    place = adjective_field(reader, adjective)
    if number is None or place is None or place[1]:
        return None
    entry = place[0]
    op = "gt" if adjective.direction == "high" else "lt"
    reader.add(Condition(entry.path, op, number.value), i)
    return Took(skip_unit(reader, number.end, entry.field or reader.type.fields[0]))


# time ----------------------------------------------------------------------------------------------


def timed(reader: Reader, i: int) -> Took | None:
    """Read "last week", "in March", "before 2020" without a field: the object's only date, else when it was created."""
    choice = _implied_date(reader)
    tense: Tense = reader.tense(choice) if choice else "past"
    idle = idle_at(reader.tokens, i, reader.world.clock) if reader.negate else None
    found = idle or when_at(reader.tokens, i, reader.world.clock, tense=tense, typed=False)
    if found is None:
        return None
    when, end = found
    year = _year_field(reader, when)
    if year is not None:
        return _year_compared(reader, i, year, when, end)
    if choice is None:
        _doubt_dates(reader, i, end)
        return Took(end, 0.5)
    if not moments.fits(when, choice.type):
        return None
    reader.add(moments.condition((choice.name,), choice.type, when, reader.world.clock), i)
    if (choice.name,) in reader.select:
        reader.select.remove((choice.name,))
    reader.last = Entry("field", (choice.name,), choice)
    return Took(end, 0.9)


def _implied_date(reader: Reader) -> Field | None:
    named = [reader.type.by_name[path[0]] for path in reader.select if len(path) == 1]
    if reader.topic and len(reader.topic) == 1:
        named.insert(0, reader.type.by_name[reader.topic[0]])
    dates = [f for f in named if f.type in TEMPORAL]
    if dates:
        return dates[-1]
    own = [f for f in reader.type.fields if f.type in TEMPORAL and not f.system and not _is_birth(reader, f)]
    if len(own) == 1:
        return own[0]
    return None if own else reader.type.by_name.get("created_at")


def _is_birth(reader: Reader, field: Field) -> bool:
    return bool(set(reader.language.stems.phrase(field.label)) & reader.language.tenses["born"])


def _doubt_dates(reader: Reader, i: int, end: int) -> None:
    own = [f for f in reader.type.fields if f.type in TEMPORAL and not f.system]
    reader.doubts.append(Doubt(reader.text(i, end), tuple(f.label for f in own)))


def _year_field(reader: Reader, when: When) -> Field | None:
    """Give the object's only number that is a year, if a whole year is meant and no own date could hold it."""
    days = when.stretch.days
    if (
        days is None
        or (days.end - days.start).days < 365
        or any(f.type in TEMPORAL and not f.system for f in reader.type.fields)
    ):
        return None
    stem = reader.language.stems.of("year")
    years = [
        f
        for f in reader.type.fields
        if f.type in (FieldType.NUMBER, FieldType.TEXT) and stem in reader.language.stems.phrase(f.label)
    ]
    return years[0] if len(years) == 1 else None


def _year_compared(reader: Reader, i: int, field: Field, when: When, end: int) -> Took | None:
    path = (field.name,)
    condition = year_condition(path, when)
    if condition.op != "eq" and field.type is FieldType.TEXT:
        return None
    years: list[int] = [condition.value] if condition.op == "eq" else []
    while years and (more := _another_year(reader, end)):
        years.append(more[0])
        end = more[1]
    reader.select = [shown for shown in reader.select if shown != path]
    reader.last = Entry("field", path, field)
    pairs = [(str(year) if field.type is FieldType.TEXT else year, "") for year in years]
    reader.add(one_of(path, pairs) if pairs else condition, i)
    return Took(end)


def _another_year(reader: Reader, i: int) -> tuple[int, int] | None:
    joined = after_joiner(reader, i)
    number = reader.quantity(joined) if joined is not None else None
    if number is None or not isinstance(number.value, int) or not 1000 <= number.value < 3000:
        return None
    return number.value, number.end
