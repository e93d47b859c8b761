"""Where a sentence that changes something is cut: what is changed, which field, the new value.

set the stage of | Acme renewal | to won        Acme renewal | 's stage | to won        update | Acme | ; city is Berlin
"""

from collections.abc import Iterator
from dataclasses import dataclass

from metier.builtin.providers.offline.writes.words import Sentence, Words


@dataclass(frozen=True)
class Cut:
    """One way to cut a sentence.

    Attributes:
        values: Words that give fields values; the value alone if `field` says whose it is.
        sure: The words between say so, such as "the stage of"; no other way is tried when the record is not found.
    """

    target: Words
    values: Words = ()
    field: Words = ()
    sure: bool = False


def update_cuts(sentence: Sentence, words: Words, *, loosely: bool) -> Iterator[Cut]:
    """Give the ways to cut "the stage of Acme renewal to won", the likeliest first.

    Args:
        loosely: Values may follow with nothing between: "Call Bob done".
    """
    words = sentence.without_determiners(words)
    for i, word in enumerate(words):
        is_clock = words[i - 1].kind == "number" and words[i + 1 : i + 2] and words[i + 1].kind == "number"
        if word.low in (";", ":") and 0 < i < len(words) - 1 and word.kind == "punct" and not is_clock:
            yield Cut(words[:i], words[i + 1 :])
            return
    for i in range(1, len(words) - 1):
        if sentence.is_in(words, i, "into"):
            yield from _cut_at(sentence, words[:i], words[i + 1 :])
    for i, word in enumerate(words):
        if word.low in ("with", ",") and word.kind != "quoted" and 0 < i < len(words) - 1:
            yield Cut(words[:i], words[i + 1 :])
    yield from _turned(sentence, words)
    if loosely and not sentence.field_ends(words, 0):
        yield from (Cut(words[:i], words[i:]) for i in range(1, len(words)))


def _cut_at(sentence: Sentence, before: Words, value: Words) -> Iterator[Cut]:
    """Give the ways to read what stands before "to": with whose field it is, with the field at the end, without one."""
    if cuts := list(owned(sentence, before)):
        yield from (Cut(cut.target, value, cut.field, sure=True) for cut in cuts)
        return
    if len(before) in sentence.field_ends(before, 0):
        return  # "stage" to won: whose is told later, if at all
    for start in _ends_with(sentence, before):
        if not sentence.noun_at(before, start, sentence.kinds):  # "the Acme deal" is a deal
            yield Cut(before[:start], value, before[start:])
    yield Cut(before, value)


def _turned(sentence: Sentence, words: Words) -> Iterator[Cut]:
    """Give the ways to cut "stage = won for Acme renewal", "priority high for Call Bob"."""
    for end in sentence.field_ends(words, 0)[:1]:
        start = end + sentence.is_in(words, end, "into")
        for i in range(len(words) - 2, start, -1):
            if words[i].low in ("for", "of", "on") and words[i].kind != "quoted":
                yield Cut(words[i + 1 :], words[start:i], words[:end])


def owned(sentence: Sentence, words: Words) -> Iterator[Cut]:
    """Give the ways to cut "the stage of Acme renewal" and "Acme renewal's stage" into a field and whose it is."""
    start = 0
    while sentence.is_in(words, start, "determiners"):
        start += 1
    for end in sentence.field_ends(words, start):
        if sentence.is_in(words, end, "of") and end + 1 < len(words):
            yield Cut(words[end + 1 :], field=words[start:end])
    for i in range(1, len(words) - 1):
        if words[i].low in ("'s", "'") and len(words) in sentence.field_ends(words, i + 1):
            yield Cut(words[:i], field=words[i + 1 :])


def _ends_with(sentence: Sentence, words: Words) -> Iterator[int]:
    """Give where a field's name begins that stands at the end: "Acme | employees" to 60."""
    return (start for start in range(1, len(words)) if len(words) in sentence.field_ends(words, start))


def named_wrongly(sentence: Sentence, words: Words) -> Words:
    """Give the words that stand where a field's name would: "set the FROBS of Acme to 5"."""
    plain = sentence.without_determiners(words)
    place = next((i for i in range(1, min(len(plain), 5)) if plain[i].low == "of"), 0)
    return plain[:place] if any(sentence.is_in(plain, i, "into") for i in range(place + 1, len(plain))) else ()
