"""Names and other values that no schema holds: quoted, capitalised, or simply left over where a value must stand."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from metier.builtin.providers.offline.reader import Doubt, Reader
from metier.builtin.providers.offline.spec import Hit
from metier.builtin.providers.offline.tokens import Token

_LONGEST_RUN = 4  # words of a name written small


@dataclass(frozen=True)
class Name:
    """A value in a question.

    Attributes:
        sure: Quotes or capitals mark it.
        quoted: It stands in quotes: meant letter by letter.
    """

    text: str
    end: int
    sure: bool
    quoted: bool = False


def name_at(reader: Reader, start: int, *, small: bool = False) -> Name | None:
    """Give the name that begins here.

    Args:
        small: Words that nothing explains count too: "people at acme".
    """
    if start >= len(reader.tokens):
        return None
    token = reader.tokens[start]
    if token.kind in ("quoted", "address"):
        return Name(token.text, start + 1, True, token.kind == "quoted") if token.text else None
    end = _known_name(reader, start) or _capitals(reader, start)
    if end:
        return Name(reader.text(start, end), end, True)
    if small:
        end = _leftovers(reader, start)
        if end > start:
            return Name(reader.text(start, end), end, False)
    return None


def _known_name(reader: Reader, start: int) -> int | None:
    """Give the end of the longest text from here that was looked up before."""
    if not reader.world.known:
        return None
    for end in range(min(len(reader.tokens), start + 6), start, -1):
        if reader.world.known.get(fold(reader.text(start, end))) and not reader.entries(start, "object"):
            return end
    return None


def _capitals(reader: Reader, start: int) -> int | None:
    """Give the end of a run of capitalised words, at least one of which says nothing else; joins "Bank of America"."""
    if not reader.is_capital(start):
        return None
    end, i = start + 1, start + 1
    while i < len(reader.tokens):
        if reader.is_capital(i):
            end = i + 1
        elif (
            reader.tokens[i].low not in reader.language.sets["inside_names"]
            or not reader.is_capital(i + 1)
            or reader.low(i) == "and"
        ):
            break
        i += 1
    run = range(start, end)
    if any(stop >= end for stop, _ in reader.entries(start, "object", "field", "other")):
        return None
    if not any(not reader.is_known_word(i) for i in run) and not (len(run) > 1 and not reader.entries(start, "option")):
        return None
    while end < len(reader.tokens) and _continues(reader, end):
        end += 1
    return end


def _continues(reader: Reader, i: int) -> bool:
    """Whether a small word still belongs to the name before it: "Acme renewal"."""
    token = reader.tokens[i]
    is_place = any((token.stem,) in places for places in reader.language.places.values())  # "Texas state"
    return token.kind == "word" and not (reader.is_known_word(i) or is_place or token.low in ("'s", "n't"))


def _leftovers(reader: Reader, start: int) -> int:
    i = start
    while i < len(reader.tokens) and i - start < _LONGEST_RUN and _continues(reader, i):
        i += 1
    return i


def listed(reader: Reader, first: Name, *, small: bool = False) -> tuple[list[Name], int]:
    """Give a name and the ones listed after it: "Berlin, Paris or Rome"."""
    names, end = [first], first.end
    while (joined := after_joiner(reader, end)) is not None and (more := name_at(reader, joined, small=small)):
        names.append(more)
        end = more.end
    return names, end


def after_joiner(reader: Reader, i: int) -> int | None:
    """Give the place after a comma, "or", "and", "nor" (one or two of them)."""
    start = i
    if reader.low(i) == ",":
        i += 1
    if reader.low(i) in ("or", "and", "nor", "&"):
        i += 1
    return i if i > start else None


def fold(text: str) -> str:
    """Give the form under which looked-up names compare."""
    return " ".join(text.casefold().replace("“", "").replace("”", "").replace('"', "").split())


# Looking up ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What a name stands for: records, or nothing known yet (`waiting`)."""

    hits: tuple[Hit, ...] = ()
    waiting: bool = False


def look_up(reader: Reader, name: str, fits: Callable[[Hit], bool]) -> Found | None:
    """Give the records a name stands for, of those that fit; None if there are none.

    A name that was not looked up yet is noted for it; several records of one name are noted as a doubt.
    """
    hits = reader.world.known.get(fold(name))
    if hits is None:
        if not reader.world.can_look_up:
            return None
        reader.lookups.append(name)
        return Found(waiting=True)
    near = closest(name, hits)
    likely = closest(name, [hit for hit in hits if fits(hit)])
    if near and not likely:
        reader.strangers.append(near[0])
    if len(likely) > 1:
        reader.doubts.append(Doubt(name, tuple(hit.label for hit in likely), tuple(likely)))
    return Found(tuple(likely)) if likely else None


def closest(name: str, hits: Sequence[Hit]) -> list[Hit]:
    """Give the hits of exactly this name, else those whose label begins with it, else those that contain its words."""
    wanted = fold(name)
    exact = [hit for hit in hits if fold(hit.label) == wanted]
    begins = [hit for hit in hits if fold(hit.label).startswith(wanted)]
    holds = [hit for hit in hits if _holds(fold(hit.label).split(), wanted.split())]
    return exact or begins or holds


def _holds(label: Collection[str], words: Sequence[str]) -> bool:
    return all(any(part.startswith(word) for part in label) for word in words)


def looks_titled(tokens: Sequence[Token]) -> bool:
    """Whether capitals tell nothing: most words have them."""
    words = [token for token in tokens if token.kind == "word" and token.low.isalpha()]
    return len(words) > 2 and sum(token.capital for token in words) > 0.7 * len(words)
