"""What may follow a field: a comparison, options, a time, a text, a record; by the field's type.

employees · more than 200      stage · is won or lost      city · contains "x"      owner · is me      name · is empty
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from metier.builtin.providers.offline import moments
from metier.builtin.providers.offline.dates import When, idle_at, when_at
from metier.builtin.providers.offline.lexicon import HEAD, Entry
from metier.builtin.providers.offline.names import Name, after_joiner, listed, look_up, name_at
from metier.builtin.providers.offline.numbers import Quantity
from metier.builtin.providers.offline.reader import Reader
from metier.builtin.providers.offline.schema import MEMBER
from metier.builtin.providers.offline.spec import Condition, Node, Path, any_of, negated, one_of
from metier.records.shape import Field, FieldType

_PLAIN = frozenset(("is", "are", "was", "were", "=", "==", ":", "equals", "equal", "be"))


@dataclass(frozen=True)
class Value:
    """What follows a field, as conditions."""

    nodes: tuple[Node, ...]
    end: int


@dataclass(frozen=True)
class Ask:
    """Where a value is looked for.

    Attributes:
        start: After the copula.
        negated: "not" stood there.
        direct: Nothing stands between.
        plain: The copula says equality ("is", "="), so that what follows is the value, however written.
    """

    entry: Entry
    field: Field
    start: int
    negated: bool
    plain: bool
    direct: bool

    @property
    def path(self) -> Path:
        return self.entry.path


def value_after(reader: Reader, entry: Entry, start: int, *, asked: bool = False) -> Value | None:
    """Read what follows a field's name at `start`; None if nothing there is a value for it.

    Args:
        asked: The field is what is asked ("which language is …"): words written small after it are no value.
    """
    if entry.field is None:
        return None
    ask = _skip_copula(reader, entry, entry.field, start)
    if asked:
        ask = replace(ask, plain=False)
    for read in (_emptiness, *_BY_TYPE.get(entry.field.type, ())):
        found = read(reader, ask)
        if found is None:
            continue
        if not ask.negated:
            return found
        opposites = [negated(node) for node in found.nodes]
        if len(opposites) == 1 and opposites[0] is not None:
            return Value((opposites[0],), found.end)
    return None


def _skip_copula(reader: Reader, entry: Entry, field: Field, start: int) -> Ask:
    i, is_negated, plain = start, False, False
    for _ in range(4):
        if reader.low(i) in ("not", "n't", "neither", "never"):
            is_negated, i = True, i + 1
        elif reader.cue("filled", i) or reader.cue("empty", i):
            break
        elif (end := reader.cue("copula", i)) is not None and not _is_comparison(reader, i, end):
            plain = plain or reader.low(i) in _PLAIN
            i = end
    return Ask(entry, field, i, is_negated, plain, i == start)


def _is_comparison(reader: Reader, i: int, end: int) -> bool:
    found = reader.match(reader.language.comparisons, i)
    return found is not None and found[1] > end and found[0] not in ("eq", "neq")


# emptiness -----------------------------------------------------------------------------------------


def _emptiness(reader: Reader, ask: Ask) -> Value | None:
    for table, value in (("filled", "not_null"), ("empty", "null")):
        end = reader.cue(table, ask.start)
        if end and (ask.plain or ask.negated) and not _option_at(reader, ask):
            return Value((Condition(ask.path, "is", value),), end)
    return None


def _option_at(reader: Reader, ask: Ask) -> bool:
    return any(entry.path == ask.path for _, entry in reader.entries(ask.start, "option"))


# numbers -------------------------------------------------------------------------------------------


def _number(reader: Reader, ask: Ask) -> Value | None:
    for read in (_number_list, _span_of_numbers, _compared_number, _year):
        if found := read(reader, ask):
            return found
    return None


def _span_of_numbers(reader: Reader, ask: Ask) -> Value | None:
    span = span_at(reader, ask.start)
    if span is None:
        return None
    low, high = span
    condition = Condition(ask.path, "between", [low.value, high.value])
    return Value(
        (condition, *currency_conditions(ask.path, ask.field, low, high)), skip_unit(reader, high.end, ask.field)
    )


def span_at(reader: Reader, start: int) -> tuple[Quantity, Quantity] | None:
    """Read "between 10 and 20", "from 10 to 20", "10 - 20"."""
    opener = reader.low(start)
    low = reader.quantity(start + 1 if opener in ("between", "from") else start)
    if low is None:
        return None
    joiners = ("-", "–", "to", {"between": "and", "from": "until"}.get(opener, "through"))
    if reader.low(low.end) not in joiners:
        return None
    high = reader.quantity(low.end + 1)
    return (low, high) if high else None


def _number_list(reader: Reader, ask: Ask) -> Value | None:
    """Read "1, 2 or 3", "neither 1 nor 2"."""
    first = reader.quantity(ask.start)
    if first is None or first.currency:
        return None
    numbers, end = [first.value], first.end
    while (joined := after_joiner(reader, end)) is not None and (more := reader.quantity(joined)):
        if reader.low(joined - 1) == "and" and len(numbers) == 1 and reader.low(end) == "and":
            break
        numbers.append(more.value)
        end = more.end
    if len(numbers) == 1 or _names_a_field(reader, end):
        return None
    return Value((one_of(ask.path, [(number, "") for number in numbers]),), end)


def _names_a_field(reader: Reader, i: int) -> bool:
    return bool(reader.fields(i))


def _compared_number(reader: Reader, ask: Ask) -> Value | None:
    compared = comparison_at(reader, ask.start)
    if compared is None:
        return None
    op, number, end = compared
    if reader.entries(end, "object") or (not ask.plain and number.end == ask.start + 1 and _counts_rows(reader, end)):
        return None  # "grades with 4 or more pupils", "areas of the 5 largest countries"
    nodes = (Condition(ask.path, op, number.value), *currency_conditions(ask.path, ask.field, number))
    return Value(nodes, skip_unit(reader, end, ask.field))


def _year(reader: Reader, ask: Ask) -> Value | None:
    """Read "after 2013", "since 2010" for a number that is a year."""
    if reader.language.stems.of("year") not in reader.language.stems.phrase(ask.field.label):
        return None
    found = when_at(reader.tokens, ask.start, reader.world.clock, tense="past", typed=True)
    if found is None or found[0].stretch.days is None:
        return None
    return Value((year_condition(ask.path, found[0]),), found[1])


def year_condition(path: Path, when: When) -> Condition:
    """Give the condition that a number, being a year, lies so to a time."""
    year = when.stretch.days.start.year if when.stretch.days else 0
    if when.last is not None and when.last.days is not None:
        return Condition(path, "between", [year, when.last.days.start.year])
    op = {"before": "lt", "after": "gt", "since": "gte", "until": "lte", "in": "eq"}[when.relation]
    return Condition(path, op, year)


def _counts_rows(reader: Reader, i: int) -> bool:
    """Whether a number stands before a superlative: "areas of the 5 largest countries"."""
    superlatives = (reader.language.sorting["high"], reader.language.sorting["low"], reader.language.sorting["newest"])
    is_superlative = reader.match(reader.language.adjectives, i) or any(reader.end_of(t, i) for t in superlatives)
    return bool(is_superlative)


def comparison_at(reader: Reader, start: int) -> tuple[str, Quantity, int] | None:
    """Read "more than 200", "at least 5", "50k or more", "200"; gives operator, number and end."""
    found = reader.match(reader.language.comparisons, start)
    op, i = found or ("eq", start)
    if reader.low(i) == "a" and reader.low(i + 1) == "of":
        i += 2
    number = reader.quantity(i)
    if number is None and found and reader.low(i) in ("the", "about", "value"):
        number = reader.quantity(i + 1)
    if number is None:
        return None
    after = reader.match(reader.language.after_number, number.end)
    if after and op == "eq":
        return after[0], number, after[1]
    return op, number, number.end


def currency_conditions(path: Path, field: Field, *numbers: Quantity) -> list[Node]:
    """Give the condition on the currency that was named with an amount, if the field has one."""
    codes = {number.currency for number in numbers if number.currency}
    if field.type is not FieldType.CURRENCY or len(codes) != 1:
        return []
    return [Condition((*path, "currency_code"), "eq", codes.pop())]


def skip_unit(reader: Reader, i: int, field: Field) -> int:
    """Skip the unit after a number: the field's own or a general one."""
    low = reader.low(i)
    if low and (low in reader.language.measures or low == field.unit.lower()) and not reader.fields(i):
        i += 1
        if reader.low(i) in ("old", "long", "tall", "high"):
            i += 1
    return i


# dates ---------------------------------------------------------------------------------------------


def _time(reader: Reader, ask: Ask) -> Value | None:
    clock = reader.world.clock
    days = _day_list(reader, ask)
    if days:
        return days
    idle = idle_at(reader.tokens, ask.start, clock) if ask.negated or reader.negate else None
    if idle:
        return Value((moments.condition(ask.path, ask.field.type, idle[0], clock),), idle[1])
    for start in dict.fromkeys((ask.start, ask.start - 1)):
        if start >= 1 and (found := when_at(reader.tokens, start, clock, tense=reader.tense(ask.field), typed=True)):
            when, end = found
            if not moments.fits(when, ask.field.type):
                return None
            return Value((moments.condition(ask.path, ask.field.type, when, clock),), end)
    return None


def _day_list(reader: Reader, ask: Ask) -> Value | None:
    """Read "is 3 May 2026 or 4 May 2026", "is neither 3 May 2026 nor 4 May 2026"."""
    if not ask.plain:
        return None
    values: list[Any] = []
    i, end = ask.start, ask.start
    while found := when_at(reader.tokens, i, reader.world.clock, tense=reader.tense(ask.field), typed=True):
        condition = moments.condition(ask.path, ask.field.type, found[0], reader.world.clock)
        if condition.op != "eq":
            break
        values.append(condition.value)
        end = found[1]
        joined = after_joiner(reader, end)
        if joined is None:
            break
        i = joined
    return Value((one_of(ask.path, [(value, "") for value in values]),), end) if len(values) > 1 else None


# choices -------------------------------------------------------------------------------------------


def _options(reader: Reader, ask: Ask) -> Value | None:
    found = options_at(reader, ask.start, ask.path)
    return Value((found[0],), found[1]) if found else None


def options_at(reader: Reader, start: int, path: Path) -> tuple[Node, int] | None:
    """Read options of one field: "won", "won or lost", "won and lost" (any of them)."""
    values: list[tuple[Any, str]] = []
    i, end, is_negated = start, start, False
    while True:
        if reader.low(i) in ("not", "neither") and not values:
            is_negated, i = True, i + 1
        match = _option_at_path(reader, reader.after_determiners(i), path)
        if match is None:
            break
        end = match[0]
        values.append((match[1].value, ""))
        joined = after_joiner(reader, end)
        if joined is None:
            break
        i = joined
    if not values:
        return None
    node: Node = one_of(path, values)
    return (negated(node) or node) if is_negated else node, end


def _option_at_path(reader: Reader, i: int, path: Path) -> tuple[int, Entry] | None:
    matches = reader.entries(i, "option") or reader.quoted_options(i)
    return next(((end, entry) for end, entry in matches if entry.path == path), None)


def _truth(reader: Reader, ask: Ask) -> Value | None:
    for table, value in (("yes", True), ("no", False)):
        end = reader.cue(table, ask.start)
        if end and ask.plain:
            return Value((Condition(ask.path, "eq", value),), end)
    return None


# texts ---------------------------------------------------------------------------------------------


def _text(reader: Reader, ask: Ask) -> Value | None:
    return _text_operation(reader, ask) or _text_value(reader, ask)


def _text_operation(reader: Reader, ask: Ask) -> Value | None:
    found = reader.match(reader.language.text, ask.start)
    if found is None:
        return None
    op = "contains" if found[0] == "mentions" else found[0]
    start = after_text_words(reader, found[1])
    name = name_at(reader, start, small=True) or literal_at(reader, start)
    if name is None:
        return None
    names, end = listed(reader, name, small=True) if op == "contains" else ([name], name.end)
    if len(names) > 1 and any(reader.low(i) == "and" for i in range(start, end)):
        return None  # "contains a and b": any or all of them?
    return Value((any_of(Condition(ask.path, op, one.text) for one in names),), end)


def after_text_words(reader: Reader, i: int) -> int:
    """Skip "the letter", "the word", "the text" before a text."""
    while reader.low(i) in reader.language.sets["before_texts"]:
        i += 1
    return i


def literal_at(reader: Reader, start: int) -> Name | None:
    """Give a word or number as a value, whatever else it means: after "starts with"."""
    if start >= len(reader.tokens) or reader.tokens[start].kind not in ("word", "number"):
        return None
    found = name_at(reader, start, small=True)
    is_label = any(entry.weight >= HEAD for _, entry in reader.entries(start, "field", "object"))
    if found or is_label or reader.match(reader.language.adjectives, start):
        return found
    return Name(reader.tokens[start].text, start + 1, False)


def _text_value(reader: Reader, ask: Ask) -> Value | None:
    first = name_at(reader, ask.start, small=ask.plain)
    if first is None and reader.tokens[ask.start : ask.start + 1] and reader.tokens[ask.start].kind == "number":
        first = literal_at(reader, ask.start)
    if first is None or (not first.sure and not ask.plain):
        return None
    if not (ask.plain or ask.direct or reader.tokens[ask.start].kind in ("quoted", "address", "number")):
        return None  # "names of Acme" is no name
    names, end = listed(reader, first, small=ask.plain)
    if ask.field.type is FieldType.LINKS and not first.quoted:  # "acme.com" is part of https://acme.com
        return Value((any_of(Condition(ask.path, "contains", name.text) for name in names),), end)
    return Value((text_equals(ask.path, names),), end)


def text_equals(path: Path, names: Sequence[Name]) -> Node:
    """Give the condition that a text is one of these: as written, in any case if one is written small, unquoted."""
    if any(name.text.islower() and not name.quoted for name in names):
        return any_of(Condition(path, "ilike", _literal_pattern(name.text)) for name in names)
    return one_of(path, [(name.text, "") for name in names])


def _literal_pattern(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _uuid(reader: Reader, ask: Ask) -> Value | None:
    ids: list[tuple[Any, str]] = []
    i, end = ask.start, ask.start
    while i < len(reader.tokens) and reader.tokens[i].kind == "uuid":
        ids.append((str(UUID(reader.tokens[i].text)), ""))
        end = i + 1
        joined = after_joiner(reader, end)
        if joined is None:
            break
        i = joined
    return Value((one_of(ask.path, ids),), end) if ids else None


# relations -----------------------------------------------------------------------------------------


def _record(reader: Reader, ask: Ask) -> Value | None:
    target = ask.field.target
    i = ask.start + (reader.low(ask.start) in ("by", "to"))
    if target == MEMBER and reader.cue("person", i):
        return Value((Condition(ask.path, "eq", "me"),), i + 1)
    if (end := reader.cue("empty", i)) and i > ask.start:
        return Value((Condition(ask.path, "is", "null"),), end)
    small = ask.plain or i > ask.start
    first = name_at(reader, reader.after_determiners(i), small=small)
    if first is None:
        return None
    names, end = listed(reader, first, small=small)
    pairs: list[tuple[Any, str]] = []
    for name in names:
        found = look_up(reader, name.text, lambda hit: hit.object == target)
        if found is None:
            if reader.world.can_look_up:
                reader.missing.append(name.text)
            return None
        pairs += [(hit.id, hit.label) for hit in found.hits] or [("", name.text)]
    return Value((one_of(ask.path, pairs),), end)


_Read = Callable[[Reader, Ask], Value | None]
_BY_TYPE: dict[FieldType, tuple[_Read, ...]] = {
    FieldType.NUMBER: (_number,),
    FieldType.CURRENCY: (_number,),
    FieldType.DATE: (_time,),
    FieldType.DATE_TIME: (_time,),
    FieldType.SELECT: (_options,),
    FieldType.BOOLEAN: (_truth,),
    FieldType.TEXT: (_text,),
    FieldType.FULL_NAME: (_text,),
    FieldType.EMAILS: (_text,),
    FieldType.LINKS: (_text,),
    FieldType.UUID: (_uuid,),
    FieldType.RELATION: (_record,),
}
