"""Values of fields as people write them: "50 employees", "due tomorrow", "owner me", "stage = won".

words ─▶ conditions, as in a question ─▶ equalities become values; anything else is refused with what is expected
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from metier.builtin.providers.offline.cells import escaped
from metier.builtin.providers.offline.outcome import LookUp
from metier.builtin.providers.offline.reader import TEXTUAL, Reading
from metier.builtin.providers.offline.restate import Teller, capital, listing, small
from metier.builtin.providers.offline.spec import RANGE, Condition, Hit, Node
from metier.builtin.providers.offline.stretches import At, stretch_at
from metier.builtin.providers.offline.tokens import Token, tokenize
from metier.builtin.providers.offline.writes.choose import chosen_hit
from metier.builtin.providers.offline.writes.deed import Pause, Refusal, Setting
from metier.builtin.providers.offline.writes.hours import Hour, time_in
from metier.builtin.providers.offline.writes.words import QUOTES, Sentence, Words
from metier.filters.operands import is_object
from metier.records.shape import Field, FieldType, ObjectType

_NEAR_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_SEVERAL = (",", ";", "and", "with")


def settings_of(sentence: Sentence, words: Words, kind: ObjectType) -> tuple[Setting, ...]:
    """Read words that give several fields values.

    Raises:
        Pause: A name has to be looked up first, or several records go by it.
        Refusal: They are no values of this object.
    """
    return _with_hour(sentence, words, kind) or _read(sentence, words, kind)


def _with_hour(sentence: Sentence, words: Words, kind: ObjectType) -> tuple[Setting, ...] | None:
    """Read the words around a time of day, which belongs to the one day among them."""
    hour = time_in(words)
    if hour is None:
        return None
    try:
        settings = _read(sentence, [*words[: hour.start], *words[hour.end :]], kind)
    except Refusal:
        return None
    is_told = sum(setting.day for setting in settings) == 1
    return tuple(_at(setting, hour) if setting.day else setting for setting in settings) if is_told else None


def _at(setting: Setting, hour: Hour) -> Setting:
    moment = datetime.fromisoformat(setting.value).replace(hour=hour.hour, minute=hour.minute).isoformat()
    return Setting(setting.field, moment, (Condition((setting.field.name,), "eq", moment),))


def _read(sentence: Sentence, words: Words, kind: ObjectType) -> tuple[Setting, ...]:
    told = _equated(sentence, _without_by(sentence, words), kind)
    reading = sentence.values(told, kind.name)
    _check(sentence, reading, told, kind)
    if not reading.spec.where:
        raise Refusal(f"I did not understand *{escaped(sentence.text(words))}*.", QUOTES, unread=True)
    return tuple(_merged(reading.spec.where, kind, sentence))


def setting_of(sentence: Sentence, name: Words, value: Words, kind: ObjectType) -> tuple[Setting, ...]:
    """Read the value of a field that was named; more fields may follow it.

    Raises:
        Pause, Refusal: As `settings_of` does.
    """
    entry = next(sentence.fields_of(name, kind), None)
    if entry is None or entry.field is None:
        raise no_field(sentence.text(name), kind)
    field = entry.field
    if len(value) == 1 and sentence.is_in(value, 0, "nothing"):
        return (emptied(field),)
    if field.type in TEXTUAL and not any(word.low in _SEVERAL and word.kind != "quoted" for word in value):
        if any(_is_into(sentence, word) for word in value):
            raise Refusal(
                f"{_name(field)} may begin in several places of the sentence.", QUOTES, unread=True, near=True
            )
        return (_of_text(field, sentence.text(value), value),)
    return settings_of(sentence, [*name, _EQUALS, *value], kind)


def text_setting(field: Field, text: str) -> Setting:
    """Make the value of a field that holds text."""
    said = (Condition((field.name,), "eq", text),)
    if field.type is not FieldType.FULL_NAME:
        return Setting(field, text, said)
    first, _, last = text.partition(" ")
    return Setting(field, {"first_name": first, "last_name": last.strip()}, said)


def emptied(field: Field) -> Setting:
    """Make a field empty."""
    return Setting(field, None, (Condition((field.name,), "is", "null"),))


def option_setting(field: Field, value: str) -> Setting:
    """Choose an option."""
    return Setting(field, value, (Condition((field.name,), "eq", value),))


def label_words(sentence: Sentence, field: Field) -> list[Token]:
    """Give a field's label as words that name it."""
    return tokenize(field.label, sentence.world.language.stems)


_BETWEEN = frozenset(("is", "of", "the", "a", "an", "at", "on", "in"))
_EQUALS = Token("symbol", "=", "=", "=", 0, 0)


def _is_into(sentence: Sentence, word: Token) -> bool:
    return word.kind != "quoted" and word.low in sentence.world.language.sets["into"]


def _of_text(field: Field, text: str, value: Words) -> Setting:
    if field.type is FieldType.EMAILS and "@" not in text:
        raise Refusal(f"{_name(field)} takes an e-mail address, not *{escaped(text)}*.")
    if not text:
        raise Refusal(f"{_name(field)} needs a value.", "To empty it, say *clear*.", unread=True)
    return text_setting(field, text)


def _without_by(sentence: Sentence, words: Words) -> Words:
    """Leave out "by" before a day: in what is written, "due by Friday" is due on Friday."""
    clock = sentence.world.clock

    def is_before_day(i: int) -> bool:
        return sentence.is_in(words, i, "by_days") and stretch_at(At(words, i + 1, clock, "future", True)) is not None

    return [word for i, word in enumerate(words) if not is_before_day(i)]


def _equated(sentence: Sentence, words: Words, kind: ObjectType) -> Words:
    """Put "=" for "to" and the like behind a field: "and home port to Kiel"."""

    def is_behind_field(i: int) -> bool:
        return any(next(sentence.fields_of(words[start:i], kind), None) for start in range(max(0, i - 4), i))

    return [_EQUALS if _is_into(sentence, word) and is_behind_field(i) else word for i, word in enumerate(words)]


# what stands in the way -------------------------------------------------------------------------


def _check(sentence: Sentence, reading: Reading, words: Words, kind: ObjectType) -> None:
    spec = reading.spec
    if reading.missing:
        raise Refusal(
            f"I found no record called {listing([f'“{escaped(n)}”' for n in reading.missing], 'or')}.", QUOTES
        )
    if reading.unread:
        raise _unread(sentence, reading, words, kind)
    if spec.select:
        field = kind.by_name[spec.select[0][0]]
        raise Refusal(f"{_name(field)} needs a value.", _takes(field), unread=True, near=True)
    if reading.lookups:
        raise Pause(LookUp(reading.lookups))
    if reading.strangers:
        label = escaped(reading.strangers[0].label)
        raise Refusal(f"No field of {escaped(small(kind.label_plural))} points to “{label}”.", QUOTES)
    if odd := _odd(reading):
        raise Refusal(odd, QUOTES, unread=True)


def _odd(reading: Reading) -> str:
    """Say what of a reading is no value."""
    spec = reading.spec
    if choices := [doubt for doubt in reading.doubts if doubt.choices and not doubt.hits]:
        meant = listing([f"*{escaped(choice)}*" for choice in choices[0].choices], "or")
        return f"*{escaped(choices[0].text)}* may mean {meant}. Name the field."
    if reading.vetoes:
        return f"I cannot {reading.vetoes[0]}."
    if spec.sort or spec.limit is not None or spec.count or spec.one or reading.misfits:
        return "I did not understand which fields are to have which values."
    return ""


def _unread(sentence: Sentence, reading: Reading, words: Words, kind: ObjectType) -> Refusal:
    """Say which words were not understood, and what was expected in their place."""
    first = reading.unread[0]
    run = [i for n, i in enumerate(reading.unread) if i == first + n and words[i] is not _EQUALS]
    run = run or list(range(first + 1, len(words)))
    text = sentence.text([words[i] for i in run])
    field = _field_before(sentence, words, first, kind)
    if field is not None and field.type is FieldType.SELECT:
        return Refusal(f"{_name(field)} has no option *{escaped(text)}*.", _takes(field), unread=True, near=True)
    if field is not None:
        return Refusal(f"{_name(field)} cannot be *{escaped(text)}*.", _takes(field), unread=True, near=True)
    known = _fields(kind)
    cure = f"{escaped(capital(kind.label_plural))} have the fields {known}. {QUOTES}"
    return Refusal(f"I did not understand *{escaped(text)}*.", cure, unread=True)


def _field_before(sentence: Sentence, words: Words, i: int, kind: ObjectType) -> Field | None:
    """Give the field that was named just before a place, whose value should stand there."""
    while i > 0 and (words[i - 1].low in _BETWEEN or words[i - 1] is _EQUALS):
        i -= 1
    for start in range(max(0, i - 4), i):
        for entry in sentence.fields_of(words[start:i], kind):
            return entry.field
    return None


def no_field(name: str, kind: ObjectType) -> Refusal:
    """Say that an object has no such field."""
    plural = escaped(capital(kind.label_plural))
    return Refusal(f"{plural} have no field *{escaped(name)}*.", f"They have {_fields(kind)}.", unread=True)


def _fields(kind: ObjectType) -> str:
    return listing([escaped(field.label) for field in kind.fields if not field.system], "and")


def _name(field: Field) -> str:
    return escaped(capital(field.label))


def _takes(field: Field) -> str:
    """Say what a field takes, with an example."""
    match field.type:
        case FieldType.SELECT:
            return f"It can be {listing([escaped(option.label) for option in field.options], 'or')}."
        case FieldType.RELATION:
            return f"It takes the name of a {small(field.target or 'record')}."
        case _:
            return _EXAMPLES.get(field.type, QUOTES)


_EXAMPLES = {
    FieldType.NUMBER: "It takes a number such as 50.",
    FieldType.CURRENCY: "It takes an amount such as 50,000 EUR.",
    FieldType.BOOLEAN: "It takes yes or no.",
    FieldType.DATE: "It takes a day such as 3 May 2027, tomorrow or next Friday.",
    FieldType.DATE_TIME: "It takes a day such as tomorrow, or a time such as 3 May 2027 14:30.",
    FieldType.EMAILS: "It takes an e-mail address.",
    FieldType.LINKS: "It takes a web address such as acme.example.",
}


# from conditions to values ----------------------------------------------------------------------


def _merged(nodes: Iterable[Node], kind: ObjectType, sentence: Sentence) -> Sequence[Setting]:
    found: dict[str, Setting] = {}
    for node in nodes:
        if not isinstance(node, Condition):
            raise Refusal("A field takes one value, not a choice of several.", unread=True)
        setting = _setting(node, kind, sentence)
        known = found.get(setting.field.name)
        if known is not None:
            setting = _with_currency(known, setting)
        found[setting.field.name] = setting
    return list(found.values())


def _with_currency(known: Setting, more: Setting) -> Setting:
    keys = sorted(str(part) for one in (known, more) if is_object(one.value) for part in one.value)
    if keys != ["amount", "currency_code"]:
        raise Refusal(f"{_name(known.field)} is given two values.", unread=True)
    return replace(known, value=known.value | more.value, said=(*known.said, *more.said))


def _setting(node: Condition, kind: ObjectType, sentence: Sentence) -> Setting:
    field = kind.by_name[node.path[0]]
    if field.type is FieldType.CURRENCY and node.path[1:] == ("currency_code",):
        return Setting(field, {"currency_code": str(node.value).upper()}, (node,))
    if len(node.path) > 1:
        name = Teller(kind, sentence.world.schema, sentence.world.clock).name(node.path)
        cure = "Say the whole name." if field.type is FieldType.FULL_NAME else "Change the other record itself."
        raise Refusal(
            f"*{escaped(capital(name))}* is no field of {escaped(small(kind.label_plural))}.", cure, unread=True
        )
    if node.op == "is" and node.value == "null":
        return emptied(field)
    read = _BY_TYPE.get(field.type, _text)
    return read(node, field, sentence)


def _refused(node: Condition, field: Field) -> Refusal:
    why = f"I did not understand which value {_name(field)} is to have."
    return Refusal(why, _takes(field), unread=True, near=True)


def _text(node: Condition, field: Field, sentence: Sentence) -> Setting:
    if node.op == "ilike":
        return text_setting(field, str(node.value).replace("\\%", "%").replace("\\_", "_").replace("\\\\", "\\"))
    if node.op in ("eq", "contains"):
        return text_setting(field, str(node.value))
    raise _refused(node, field)


def _plain(node: Condition, field: Field, sentence: Sentence) -> Setting:
    if node.op != "eq":
        raise _refused(node, field)
    return Setting(field, node.value, (node,))


def _amount(node: Condition, field: Field, sentence: Sentence) -> Setting:
    return replace(_plain(node, field, sentence), value={"amount": node.value})


def _record(node: Condition, field: Field, sentence: Sentence) -> Setting:
    if node.op == "eq" and node.value == "me":
        if not sentence.me:
            raise Refusal("You have no member of your own here, so *me* is nobody.")
        return Setting(field, sentence.me, (node,))
    if node.op != "in":
        return _plain(node, field, sentence)
    hits = [Hit(field.target or "", str(one), label) for one, label in zip(node.value, node.shown, strict=True)]
    hit = chosen_hit(sentence, f"Several records could be the {small(field.label)}.", hits)
    return Setting(field, hit.id, (Condition(node.path, "eq", hit.id, (hit.label,)),))


def _day(node: Condition, field: Field, sentence: Sentence) -> Setting:
    day = _single_day(node, sentence)
    if day is None:
        raise Refusal(f"{_name(field)} takes one day or time.", _takes(field), unread=True, near=True)
    if field.type is FieldType.DATE:
        return Setting(field, day.isoformat(), (Condition(node.path, "eq", day.isoformat()),))
    ends = set(sentence.world.language.stems.phrase(field.label)) & {
        sentence.world.language.stems.of(word) for word in sentence.world.language.sets["day_ends"]
    }
    moment = datetime.combine(day, time(23, 59) if ends else time(), sentence.world.clock.zone).isoformat()
    return Setting(field, moment, (Condition(node.path, "eq", moment),), day=True)


def _single_day(node: Condition, sentence: Sentence) -> date | None:
    clock = sentence.world.clock
    if node.op == "within" and node.value in _NEAR_DAYS:
        return clock.today + timedelta(days=_NEAR_DAYS[node.value])
    if node.op == "eq" and len(str(node.value)) == len("2026-05-03"):
        return date.fromisoformat(node.value)
    if node.op == RANGE:
        start, end = (datetime.fromisoformat(value).astimezone(clock.zone).date() for value in node.value)
        return start if end - start == timedelta(days=1) else None
    return None


def _moment(node: Condition, field: Field, sentence: Sentence) -> Setting:
    return _plain(node, field, sentence) if node.op == "eq" else _day(node, field, sentence)


_BY_TYPE = {
    FieldType.NUMBER: _plain,
    FieldType.BOOLEAN: _plain,
    FieldType.SELECT: _plain,
    FieldType.CURRENCY: _amount,
    FieldType.RELATION: _record,
    FieldType.DATE: _day,
    FieldType.DATE_TIME: _moment,
}
