"""What can be asked here: questions made of the objects this person may read, in words that the planner reads too."""

from collections.abc import Callable, Iterator, Sequence

from metier.records.shape import Field, FieldType, ObjectType

MOST = 4


def suggestions(objects: Sequence[ObjectType]) -> list[str]:
    """Give up to four questions, each about what is really there.

    >>> from metier.records.shape import SYSTEM_FIELDS
    >>> suggestions([ObjectType("cow", "cows", "Cow", "Cows", "name", SYSTEM_FIELDS)])
    ['Which cows were created in the last 7 days?']
    """
    own = [thing for thing in objects if not thing.read_only]
    found = dict.fromkeys([*_newest(own), *_top(own), *_open(own), *_due(own)])
    return list(found)[:MOST]


def lead(objects: Sequence[ObjectType]) -> str:
    """Say what one can ask about.

    >>> lead([])
    'There are no records you may read yet.'
    """
    names = [thing.label_plural.lower() for thing in objects if not thing.read_only][:4]
    if not names:
        return "There are no records you may read yet."
    return f"Ask about your {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))}."


def _newest(objects: Sequence[ObjectType]) -> Iterator[str]:
    for thing in objects[:1]:
        if "created_at" in thing.by_name:
            yield f"Which {thing.label_plural.lower()} were created in the last 7 days?"


def _top(objects: Sequence[ObjectType]) -> Iterator[str]:
    sold = [thing for thing in objects if any(field.terminal for field in thing.fields)]
    found = _first([*sold, *objects], lambda field: field.type is FieldType.CURRENCY)
    if found:
        yield f"Top 5 {found[0].label_plural.lower()} by {_within(found[1].label)}"


def _open(objects: Sequence[ObjectType]) -> Iterator[str]:
    found = _first(objects, lambda field: bool(field.terminal))
    if found:
        yield f"How many open {found[0].label_plural.lower()} are there?"


def _due(objects: Sequence[ObjectType]) -> Iterator[str]:
    found = _first(objects, lambda field: field.type in (FieldType.DATE, FieldType.DATE_TIME) and not field.system)
    if found:
        yield f"{found[0].label_plural} with {_within(found[1].label)} this month"


def _within(label: str) -> str:
    """Write a label as it stands within a sentence; `ARR` stays."""
    return label if label.isupper() else label.lower()


def _first(objects: Sequence[ObjectType], fits: Callable[[Field], bool]) -> tuple[ObjectType, Field] | None:
    return next(((thing, field) for thing in objects for field in thing.fields if fits(field)), None)
