"""From a sentence that asks for a change to a deed: by its verb.

create …      set … of … to …      rename, assign, clear, close, reopen …      delete …      restore …
"""

from collections.abc import Callable, Mapping

from metier.builtin.providers.offline.cells import escaped
from metier.builtin.providers.offline.restate import listing, small
from metier.builtin.providers.offline.schema import MEMBER
from metier.builtin.providers.offline.spec import Condition, Spec
from metier.builtin.providers.offline.writes.choose import chosen
from metier.builtin.providers.offline.writes.create import create
from metier.builtin.providers.offline.writes.cuts import Cut, named_wrongly, owned, update_cuts
from metier.builtin.providers.offline.writes.deed import Deed, Pause, Refusal, Setting
from metier.builtin.providers.offline.writes.settings import (
    emptied,
    label_words,
    no_field,
    option_setting,
    setting_of,
    settings_of,
    text_setting,
)
from metier.builtin.providers.offline.writes.targets import Target
from metier.builtin.providers.offline.writes.words import QUOTES, Sentence, Words
from metier.records.shape import Field, FieldType, ObjectType

_EXAMPLE = "Say for example *set the stage of “Acme renewal” to won*."
_RESPONSIBLE = ("assignee", "owner", "responsible", "manager")

Settings = tuple[Setting, ...]
Give = Callable[[ObjectType], Settings]  # the new values, for records of an object


def deed_of(sentence: Sentence, verb: str, words: Words) -> Deed:
    """Read what a sentence asks to be done.

    Args:
        verb: A key of the table `deeds`.
        words: What follows the verb.

    Raises:
        Pause: Something has to be looked up, or asked, first.
        Refusal: It was not understood, or may not be done.
    """
    deed = _VERBS[verb](sentence, words)
    _check_allowed(sentence, deed)
    return deed


def _check_allowed(sentence: Sentence, deed: Deed) -> None:
    """Let pass what there is a tool for, with all the fields."""
    kind, writes = sentence.kind(deed.object), sentence.world.schema.writes
    tool = writes.get((deed.verb, deed.object))
    cure = "Whoever holds ROLES can allow it, under Settings, Security, Roles."
    if tool is None:
        plural = escaped(small(kind.label_plural))
        raise Refusal(f"You may not {deed.verb} {plural} here.", cure)
    barred = [setting.field.label for setting in deed.settings if setting.field.name not in tool.fields]
    if barred:
        fields = listing([escaped(label) for label in barred], "and")
        raise Refusal(f"{fields} of {escaped(small(kind.label_plural))} cannot be set here.", cure)


# updates ----------------------------------------------------------------------------------------


def _update(sentence: Sentence, words: Words) -> Deed:
    """Take the first way to cut the sentence whose parts mean something; else say what was wrong with the likeliest."""
    first: Refusal | None = None
    if unfinished := _without_value(sentence, words):
        raise unfinished
    for cut in update_cuts(sentence, words, loosely=True):
        try:
            return _changed(sentence, cut.target, lambda kind, cut=cut: _values(sentence, cut, kind))
        except Refusal as refusal:
            if cut.sure and not refusal.unread:
                raise
            first = refusal if first is None or (refusal.near and not first.near) else first
    if wrong := named_wrongly(sentence, words):
        known = {kind.name: kind for kind in Target(sentence, words).kinds}
        if not any(next(sentence.fields_of(wrong, kind), None) for kind in known.values()):
            raise _unknown_field(sentence, wrong, words)
    raise first or Refusal("I did not understand what is to be changed.", _EXAMPLE)


def _without_value(sentence: Sentence, words: Words) -> Refusal | None:
    """Say that "the stage of Acme renewal" tells no value."""
    if any(sentence.is_in(words, i, "into") for i in range(len(words))):
        return None
    cut = next(owned(sentence, words), None)
    name = escaped(sentence.text(cut.field)) if cut else ""
    return Refusal(f"I did not understand which value *{name}* is to have.", _EXAMPLE) if cut else None


def _unknown_field(sentence: Sentence, wrong: Words, words: Words) -> Refusal:
    kinds = sentence.kinds
    named = [kind for kind in kinds if any(sentence.noun_at(words, i, [kind]) for i in range(len(words)))]
    if len(named) == 1:
        return no_field(sentence.text(wrong), named[0])
    return Refusal(f"No field is called *{escaped(sentence.text(wrong))}*.", _EXAMPLE)


def _values(sentence: Sentence, cut: Cut, kind: ObjectType) -> Settings:
    if cut.field:
        return setting_of(sentence, cut.field, cut.values, kind)
    return settings_of(sentence, cut.values, kind)


def _changed(sentence: Sentence, words: Words, give: Give) -> Deed:
    """Find which of the objects the new values fit, then the record, then the values."""
    target = Target(sentence, words)
    refusals = {kind.name: refusal for kind in target.kinds if (refusal := _refusal(give, kind))}
    fitting = [kind for kind in target.kinds if kind.name not in refusals]
    if not fitting:
        raise _telling(target, refusals)
    found = target.meant(fitting)
    return Deed("update", found.object, give(sentence.kind(found.object)), found, single=not target.many)


def _refusal(give: Give, kind: ObjectType) -> Refusal | None:
    """Say why the new values do not fit an object; what has to be looked up first may fit."""
    try:
        give(kind)
    except Pause:
        return None
    except Refusal as refusal:
        return refusal
    return None


def _telling(target: Target, refusals: Mapping[str, Refusal]) -> Refusal:
    """Give the refusal for the object that is meant, as far as its fields were understood."""
    last = next((refusal for refusal in refusals.values() if not refusal.unread), None)
    near = [kind for kind in target.kinds if refusals[kind.name].near]
    if last is not None or len(target.kinds) == 1:
        return last or refusals[target.kinds[0].name]
    if not near:
        return Refusal("I did not understand the new value.", _EXAMPLE, unread=True)
    return refusals[near[0].name if len(near) == 1 else target.meant(near).object]


def _rename(sentence: Sentence, words: Words) -> Deed:
    for cut in update_cuts(sentence, words, loosely=False):
        name = sentence.text(cut.values)
        return _changed(sentence, cut.target, lambda kind, name=name: (text_setting(kind.by_name[kind.title], name),))
    raise Refusal("I did not understand the new name.", "Say for example *rename “Acme” to “Acme Corp”*.")


def _assign(sentence: Sentence, words: Words) -> Deed:
    for cut in update_cuts(sentence, words, loosely=False):
        if cut.field:
            continue

        def give(kind: ObjectType, cut: Cut = cut) -> Settings:
            return setting_of(sentence, label_words(sentence, _responsible(kind)), cut.values, kind)

        return _changed(sentence, cut.target, give)
    raise Refusal("I did not understand whom to assign it to.", "Say for example *assign “Call Bob” to Ada*.")


def _unassign(sentence: Sentence, words: Words) -> Deed:
    return _changed(sentence, words, lambda kind: (emptied(_responsible(kind)),))


def _responsible(kind: ObjectType) -> Field:
    """Give the field that says who is responsible for a record."""
    people = [field for field in kind.fields if field.type is FieldType.RELATION and field.target == MEMBER]
    for word in _RESPONSIBLE:
        named = [field for field in people if word in field.name or word in field.label.lower()]
        if len(named) == 1:
            return named[0]
    if len(people) == 1:
        return people[0]
    raise Refusal(f"{escaped(kind.label_plural)} are not assigned to anybody.", unread=True)


def _clear(sentence: Sentence, words: Words) -> Deed:
    for cut in owned(sentence, words):

        def give(kind: ObjectType, cut: Cut = cut) -> Settings:
            entry = next(sentence.fields_of(cut.field, kind), None)
            if entry is None or entry.field is None:
                raise no_field(sentence.text(cut.field), kind)
            return (emptied(entry.field),)

        return _changed(sentence, cut.target, give)
    raise Refusal("I did not understand which field to clear.", "Say for example *clear the due date of “Call Bob”*.")


def _close(sentence: Sentence, words: Words) -> Deed:
    return _moved(sentence, words, "close", lambda field, value: value in field.terminal)


def _reopen(sentence: Sentence, words: Words) -> Deed:
    return _moved(sentence, words, "reopen", lambda field, value: value not in field.terminal)


def _moved(sentence: Sentence, words: Words, verb: str, fits: Callable[[Field, str], bool]) -> Deed:
    """Choose an option after which nothing is left to do, or one before that; of several a person chooses.

    "close Acme renewal as lost" names it.
    """
    if any(word.low == "as" and word.kind != "quoted" for word in words[1:-1]):
        return _update(sentence, words)

    def give(kind: ObjectType) -> Settings:
        field = _staged(kind, verb)
        options = [option for option in field.options if fits(field, option.value)]
        if len(options) == 1:
            return (option_setting(field, options[0].value),)
        labels = [option.label for option in options]
        place = chosen(sentence, f"Which {small(field.label)} is meant by “{verb}”?", labels)
        if place is None:
            meant = listing([escaped(label) for label in labels], "or")
            raise Refusal(f"*{verb.capitalize()}* may mean {meant}.", _EXAMPLE)
        return (option_setting(field, options[place].value),)

    return _changed(sentence, words, give)


def _staged(kind: ObjectType, verb: str) -> Field:
    staged = [field for field in kind.fields if field.type is FieldType.SELECT and field.terminal]
    if len(staged) != 1:
        why = (
            f"{escaped(kind.label_plural)} have no options after which nothing is left to do, so I cannot {verb} them."
        )
        raise Refusal(why, _EXAMPLE, unread=True)
    return staged[0]


# the others -------------------------------------------------------------------------------------


def _delete(sentence: Sentence, words: Words) -> Deed:
    if any(not sentence.noun_at(cut.field, 0, sentence.kinds) for cut in owned(sentence, words)):
        return _clear(sentence, words)  # "remove the owner of Acme"
    target = Target(sentence, words)
    found = target.meant(target.kinds)
    return Deed("delete", found.object, (), found, single=not target.many)


def _restore(sentence: Sentence, words: Words) -> Deed:
    """Deleted records are in no look-up; they are found by a filter."""
    target = Target(sentence, words)
    if len(target.kinds) != 1:
        raise Refusal("I did not understand what kind of record to restore.", "Say for example *restore the task “…”*.")
    kind, name = target.kinds[0], target.name
    if target.many:
        found = target.meant([kind])
        return Deed("restore", kind.name, (), found, single=False)
    if not name:
        raise Refusal(f"I did not understand which {escaped(small(kind.label))} is meant.", QUOTES)
    where = (Condition((kind.title,), "ilike", f"%{_literal(name)}%"),)
    return Deed("restore", kind.name, (), Spec(kind.name, where), called=name)


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_VERBS: Mapping[str, Callable[[Sentence, Words], Deed]] = {
    "create": create,
    "update": _update,
    "rename": _rename,
    "assign": _assign,
    "unassign": _unassign,
    "clear": _clear,
    "close": _close,
    "reopen": _reopen,
    "delete": _delete,
    "restore": _restore,
}
