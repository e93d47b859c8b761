"""A record to be made: "company Acme with 50 employees", "a high priority task “Call Bob”, due tomorrow, for Ada"."""

from metier.builtin.providers.offline.cells import escaped
from metier.builtin.providers.offline.restate import listing, small
from metier.builtin.providers.offline.writes.deed import Deed, Refusal, Setting
from metier.builtin.providers.offline.writes.settings import settings_of, text_setting
from metier.builtin.providers.offline.writes.words import CALLED, QUOTES, Sentence, Words, is_plural
from metier.records.shape import ObjectType

_BEFORE_NOUN = 6  # words: "a new high priority"
_MARKS = frozenset((",", ";", "=", "whose", "where"))


def create(sentence: Sentence, words: Words) -> Deed:
    """Read what is to be made.

    Raises:
        Pause, Refusal: As `settings_of` does; it has no noun, is several, or has no name.
    """
    said = sentence.without_determiners(words)
    kind, start, end = _noun(sentence, said)
    if is_plural(said, start, end, kind, sentence):
        example = f"Say it for each {escaped(small(kind.label))}."
        raise Refusal(f"I create one {escaped(small(kind.label))} at a time.", example)
    name, before = _before_noun(sentence, said[:start], kind)
    title, after = (
        (name, _settings(sentence, said[end:], kind)) if name else _title_and_settings(sentence, said[end:], kind)
    )
    settings = [*([title] if title else []), *before, *after]
    names = [setting.field.name for setting in settings]
    if len(set(names)) < len(names):
        raise Refusal("A field is given two values.", QUOTES)
    if kind.title not in names:
        field = kind.by_name[kind.title]
        noun = escaped(small(kind.label))
        raise Refusal(f"A {noun} needs a {escaped(small(field.label))}.", f"Say for example *create {noun} “…”*.")
    return Deed("create", kind.name, tuple(setting for setting in settings if setting.value is not None))


def _noun(sentence: Sentence, words: Words) -> tuple[ObjectType, int, int]:
    for i in range(min(len(words), _BEFORE_NOUN)):
        found = sentence.noun_at(words, i, sentence.kinds)
        if words[i].kind == "quoted":
            break
        if found:
            return found[0], i, found[1]
    known = listing([escaped(small(kind.label)) for kind in sentence.kinds], "or") if sentence.kinds else "nothing"
    raise Refusal("I did not understand what kind of record to create.", f"It can be a {known}.", unread=True)


def _before_noun(sentence: Sentence, words: Words, kind: ObjectType) -> tuple[Setting | None, tuple[Setting, ...]]:
    """Read what stands before the noun: values ("high priority"), or the name ("Ada Park as a")."""
    end = len(words)
    while end and words[end - 1].low in ("a", "an", "new", "the"):
        end -= 1
    if end > 1 and words[end - 1].low == "as":
        return _title(sentence, words[: end - 1], kind), ()
    return None, _settings(sentence, words, kind)


def _settings(sentence: Sentence, words: Words, kind: ObjectType) -> tuple[Setting, ...]:
    return settings_of(sentence, words, kind) if words else ()


def _title_and_settings(
    sentence: Sentence, words: Words, kind: ObjectType
) -> tuple[Setting | None, tuple[Setting, ...]]:
    """Tell the name from what follows it: it ends where all the rest gives fields values."""
    is_named = bool(words) and words[0].low in CALLED and words[0].kind != "quoted"
    rest = words[1:] if is_named else words
    if not rest:
        return None, ()
    if rest[0].kind == "quoted":
        return _title(sentence, rest[:1], kind), _settings(sentence, rest[1:], kind)
    refusal: Refusal | None = None
    for end in range(1 if is_named else 0, len(rest)):
        try:
            settings = settings_of(sentence, rest[end:], kind)
        except Refusal as fault:
            if not fault.unread:
                raise
            refusal = _nearer(refusal, fault, sentence, rest, end)
            continue
        if settings:
            return (_title(sentence, rest[:end], kind) if end else None), settings
    if refusal is not None:
        raise refusal
    return _title(sentence, rest, kind), ()


def _nearer(known: Refusal | None, fault: Refusal, sentence: Sentence, words: Words, end: int) -> Refusal | None:
    """Keep what was wrong behind a word that only values follow: a name would hold no such thing."""
    if known is not None or end + 1 >= len(words):
        return known
    marks = words[end].low in _MARKS and words[end].kind != "quoted"
    lists = words[end].low == "with" and (bool(sentence.field_ends(words, end + 1)) or words[end + 1].kind == "number")
    return fault if marks or lists else None


def _title(sentence: Sentence, words: Words, kind: ObjectType) -> Setting:
    """Give the name; of "a task to call Bob" it is "call Bob"."""
    if len(words) > 1 and words[0].low == "to":
        words = words[1:]
    return text_setting(kind.by_name[kind.title], sentence.text(sentence.without_determiners(words) or words))
