"""The five outcomes of reading a question."""

from dataclasses import dataclass

from metier.builtin.providers.offline.reader import Doubt
from metier.builtin.providers.offline.spec import Hit, Spec


@dataclass(frozen=True)
class Answer:
    """A question that was understood.

    Attributes:
        confidence: 0–1.
        unread: At most one small word that was not understood.
        named: The question names its object.
    """

    spec: Spec
    confidence: float
    unread: tuple[str, ...] = ()
    named: bool = True


@dataclass(frozen=True)
class LookUp:
    """Names to look up before the question can be understood."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Unsure:
    """A question with several meanings."""

    doubts: tuple[Doubt, ...]
    spec: Spec


@dataclass(frozen=True)
class Abstain:
    """A question that will not be answered.

    Attributes:
        unread: Words that were not understood.
        cannot: What it asks for that the planner cannot do, each ending a sentence "I cannot …".
        missing: Names that no record has.
        strangers: Records of these names that the object does not point to.
        misfits: Other objects that have no place in the question.
        spec: What was understood of it.
    """

    unread: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    strangers: tuple[Hit, ...] = ()
    misfits: tuple[str, ...] = ()
    spec: Spec | None = None


@dataclass(frozen=True)
class Help:
    """Somebody asks what can be asked."""


Outcome = Answer | LookUp | Unsure | Abstain | Help
