"""What is to be written, or what stands in the way of it."""

from dataclasses import dataclass
from typing import Any, Literal

from metier.builtin.providers.offline.outcome import LookUp
from metier.builtin.providers.offline.spec import Condition, Hit, Spec
from metier.records.shape import Field

Verb = Literal["create", "update", "delete", "restore"]


@dataclass(frozen=True)
class Setting:
    """A field and the value it is to have.

    Attributes:
        value: JSON as the tool takes it; an amount may lack its currency.
        said: The same as conditions, to be told in words.
        day: It is a time of which only the day was said.
    """

    field: Field
    value: Any
    said: tuple[Condition, ...]
    day: bool = False


@dataclass(frozen=True)
class Deed:
    """Something to be done to one record or several.

    Attributes:
        target: Which ones; None for what is created.
        single: One record is meant, however many are found.
        called: What a deleted record is called, which no look-up finds.
    """

    verb: Verb
    object: str
    settings: tuple[Setting, ...] = ()
    target: Hit | Spec | None = None
    single: bool = True
    called: str = ""


@dataclass(frozen=True)
class Choice:
    """Several things may be meant; a person chooses."""

    question: str
    options: tuple[str, ...]


class Pause(Exception):
    """Something has to be found out first; `what` says what."""

    def __init__(self, what: LookUp | Choice) -> None:
        self.what = what


class Refusal(Exception):
    """Nothing is written, and why.

    Attributes:
        why: Markdown.
        cure: Markdown; what would help.
        unread: Whether words were not understood, so that they may mean something else.
        near: Whether at least the field was understood, so that this says more than others do.
    """

    def __init__(self, why: str, cure: str = "", *, unread: bool = False, near: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.cure = cure
        self.unread = unread
        self.near = near
