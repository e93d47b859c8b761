"""Questions that can be asked, made from the schema: nothing is suggested that would not be understood."""

from collections.abc import Iterable, Iterator

from metier.builtin.providers.offline.outcome import Answer
from metier.builtin.providers.offline.reader import NUMERIC, TEMPORAL
from metier.builtin.providers.offline.restate import Teller, capital, restate, small
from metier.builtin.providers.offline.schema import MEMBER
from metier.builtin.providers.offline.spec import Spec
from metier.builtin.providers.offline.stretches import Clockwork
from metier.builtin.providers.offline.understand import Understanding
from metier.records.shape import Field, FieldType, ObjectType


def examples(understanding: Understanding, clock: Clockwork, *, count: int = 3) -> list[str]:
    """Give example questions over several objects, each of another kind."""
    objects = [kind for kind in understanding.schema.objects.values() if kind.name != MEMBER]
    found: list[str] = []
    for turn in range(count + len(objects)):
        if not objects or len(found) == count:
            break
        kind = objects[turn % len(objects)]
        makers = _MAKERS[turn % len(_MAKERS) :] + _MAKERS[: turn % len(_MAKERS)]
        questions = (question for make in makers for question in make(kind))
        found += _first_fit(questions, understanding, clock, found)
    return found


def near(understanding: Understanding, clock: Clockwork, spec: Spec | None, *, count: int = 3) -> list[str]:
    """Give questions near one that was not answered: what was understood of it, then others about the same object."""
    if spec is None or spec.object not in understanding.schema.objects:
        return examples(understanding, clock, count=count)
    kind = understanding.schema.objects[spec.object]
    found: list[str] = []
    if spec.where or spec.sort or spec.count:
        understood = restate(spec, Teller(kind, understanding.schema, clock))
        found += _first_fit([understood], understanding, clock, found)
    for make in _MAKERS:
        if len(found) < count:
            found += _first_fit(make(kind), understanding, clock, found)
    return found


def _first_fit(questions: Iterable[str], understanding: Understanding, clock: Clockwork, taken: list[str]) -> list[str]:
    for question in questions:
        if question not in taken and isinstance(understanding.outcome(question, clock), Answer):
            return [question]
    return []


def _recent(kind: ObjectType) -> Iterator[str]:
    if "created_at" in kind.by_name:
        yield f"{capital(kind.label_plural)} created in the last 7 days"


def _count_by_option(kind: ObjectType) -> Iterator[str]:
    for field in _own(kind, frozenset((FieldType.SELECT,))):
        yield f"How many {small(kind.label_plural)} are there with {small(field.label)} {field.options[0].label}?"
    yield f"How many {small(kind.label_plural)} are there?"


def _top(kind: ObjectType) -> Iterator[str]:
    for field in _own(kind, NUMERIC):
        yield f"Top 5 {small(kind.label_plural)} by {small(field.label)}"


def _ahead(kind: ObjectType) -> Iterator[str]:
    for field in _own(kind, TEMPORAL):
        yield f"{capital(kind.label_plural)} with {small(field.label)} this month"


def _missing(kind: ObjectType) -> Iterator[str]:
    others = frozenset((FieldType.RELATION, FieldType.TEXT, FieldType.EMAILS, FieldType.LINKS))
    for field in _own(kind, others):
        if field.name != kind.title:
            yield f"{capital(kind.label_plural)} without {small(field.label)}"


_MAKERS = (_recent, _top, _count_by_option, _ahead, _missing)


def _own(kind: ObjectType, types: frozenset[FieldType]) -> list[Field]:
    return [field for field in kind.fields if field.type in types and not field.system]
