"""What the planner says when it does not answer: what it did not understand, what it cannot do, what it can."""

from collections.abc import Iterator, Sequence

from metier.builtin.providers.offline.cells import escaped, link
from metier.builtin.providers.offline.outcome import Abstain, Unsure
from metier.builtin.providers.offline.restate import capital, listing, small
from metier.builtin.providers.offline.schema import MEMBER
from metier.builtin.providers.offline.spec import Hit, Spec
from metier.builtin.providers.offline.stretches import Clockwork
from metier.builtin.providers.offline.suggest import examples, near
from metier.builtin.providers.offline.understand import Understanding
from metier.records.shape import ObjectType

_NAMED = 8  # objects listed by name
CAN = "list, filter, sort and count records, and show single records by name"
CAN_WRITE = "create, change, delete and restore records, each time after you have confirmed it"


def abstention(outcome: Abstain, understanding: Understanding, clock: Clockwork) -> Iterator[str]:
    """Say plainly that the question is not answered, and why."""
    for reason in _reasons(outcome, understanding):
        yield f"{reason}\n"
    yield f"\nI am the offline planner: rules, not AI. I can {CAN}.\n"
    yield from _offers("You could ask:", near(understanding, clock, outcome.spec))


def _reasons(outcome: Abstain, understanding: Understanding) -> Iterator[str]:
    for what in outcome.cannot:
        yield f"I cannot {what} yet."
    if outcome.strangers and outcome.spec is not None:
        yield _stranger(outcome.strangers[0], outcome.spec, understanding)
    elif outcome.missing:
        yield f"I found no record called {_names(outcome.missing)}."
    elif outcome.unread:
        yield f"I did not understand {_words(outcome.unread)}, so I did not search."
    if outcome.misfits and outcome.spec is not None:
        yield _misfit(outcome, understanding)
    if not (outcome.cannot or outcome.missing or outcome.unread or outcome.misfits):
        yield "I could not tell what to search for."


def _stranger(hit: Hit, spec: Spec, understanding: Understanding) -> str:
    other, kind = understanding.schema.object(hit.object), understanding.schema.objects[spec.object]
    what = small(other.label) if other else hit.object
    about = escaped(small(kind.label_plural))
    return f"I found {link(hit.label, hit.object, hit.id)} ({escaped(what)}), but no field of {about} points to it."


def _misfit(outcome: Abstain, understanding: Understanding) -> str:
    kind = understanding.schema.objects[outcome.spec.object] if outcome.spec else None
    names = dict.fromkeys(outcome.misfits)
    others = [understanding.schema.object(name) for name in names]
    labels = [small(other.label_plural) for other in others if other is not None]
    about = small(kind.label_plural) if kind else "records"
    if not labels:
        return f"I could not tell how this is about {escaped(about)}."
    return f"I cannot ask about {escaped(about)} and their {escaped(listing(labels, 'and'))} in one question."


def doubt(outcome: Unsure, understanding: Understanding, clock: Clockwork) -> Iterator[str]:
    """Ask which of several meanings is meant."""
    for one in outcome.doubts:
        if one.hits:
            yield f"Several records are called like {_names([one.text])}. Which one do you mean?\n\n"
            for hit in one.hits:
                kind = understanding.schema.object(hit.object)
                label = escaped(small(kind.label)) if kind else escaped(hit.object)
                yield f"- {link(hit.label, hit.object, hit.id)} ({label})\n"
        else:
            choices = listing([f"*{escaped(choice)}*" for choice in one.choices], "or")
            yield f"{_words([one.text])[:1]}{_words([one.text])[1:]} may mean {choices}. Which one do you mean?\n"
    if not any(one.hits for one in outcome.doubts):
        yield from _offers("You could ask:", near(understanding, clock, outcome.spec))


def capabilities(understanding: Understanding, clock: Clockwork) -> Iterator[str]:
    """Answer "what can you do?" from the tools that are there."""
    objects = [kind for kind in understanding.schema.objects.values() if kind.name != MEMBER]
    yield "I am the offline planner: rules, not AI. I read a question word by word and search your records with it.\n"
    if not objects:
        yield "\nThere are no records here that I may search.\n"
        return
    yield f"\nI can {CAN}: {_objects(objects)}.\n"
    yield from _writing(understanding)
    yield from _offers("For example:", examples(understanding, clock))


def _writing(understanding: Understanding) -> Iterator[str]:
    created = [name for verb, name in understanding.schema.writes if verb == "create"]
    if understanding.schema.writes:
        yield f"\nI can also {CAN_WRITE}"
        yield (
            f", such as *create {escaped(small(understanding.schema.objects[created[0]].label))} “…”*.\n"
            if created
            else ".\n"
        )


def _objects(objects: Sequence[ObjectType]) -> str:
    named = [f"**{escaped(capital(kind.label_plural))}**" for kind in objects[:_NAMED]]
    if len(objects) > _NAMED:
        return f"{', '.join(named)} and {len(objects) - _NAMED} more"
    return listing(named, "and")


def _offers(heading: str, questions: Sequence[str]) -> Iterator[str]:
    if questions:
        yield f"\n{heading}\n\n"
        for question in questions:
            yield f"- {escaped(question)}\n"


def _words(words: Sequence[str]) -> str:
    return listing([f"*{escaped(word)}*" for word in words], "and")


def _names(names: Sequence[str]) -> str:
    return listing([f"“{escaped(name)}”" for name in names], "or")
