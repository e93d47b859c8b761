"""What a person is shown before something is done: a sentence, and each record before and after."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

# Controls but tab and line feed, marks that turn the reading order (UAX #9), and what has no width but joins nothing.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def readable(text: str) -> str:
    """Write out what a person would not see, or would read in another order than it stands there.

    >>> readable("pay \u202etxt.exe")
    'pay ⟨U+202E⟩txt.exe'
    """
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", text)


class Kind(StrEnum):
    """What is asked for."""

    CONFIRM = "confirm"  # that a change is meant
    APPROVAL = "approval"  # a judgement of a risk
    DECISION = "decision"  # one of some options
    INPUT = "input"  # words
    FORM = "form"  # values that fit a JSON Schema


Deed = Literal["create", "update", "delete", "restore", "destroy"]


@dataclass(frozen=True)
class FieldChange:
    """One value before and after; any JSON values, None where there is none. `label` is what people call the field."""

    name: str
    label: str
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        """Give the stored form."""
        return {"name": self.name, "label": self.label, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Change:
    """What becomes of one thing.

    Attributes:
        object: Name of its object type, e.g. `company`.
        label: What people call the thing, e.g. `Acme`.
        id: The record's id; None for one that is made.
    """

    deed: Deed
    object: str
    label: str
    id: str | None = None
    fields: Sequence[FieldChange] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the stored form: `{"deed": "update", "object", "label", "id", "fields": [{"name", …}]}`."""
        return {
            "deed": self.deed,
            "object": self.object,
            "label": self.label,
            "id": self.id,
            "fields": [field.to_json() for field in self.fields],
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Change":
        """Read the stored form."""
        fields = tuple(FieldChange(**field) for field in body["fields"])
        return cls(body["deed"], body["object"], body["label"], body["id"], fields)


@dataclass(frozen=True)
class Preview:
    """What a call would do, looked up with the rights of who acts and changing nothing.

    Attributes:
        title: In few words, with the thing's name: `Update Acme`.
        text: What else there is to know, as plain text.
        changes: Before and after; of a great many the first, and `more` says how many others there are.
        own: Whether all that changes belongs to the person acted for, such as a task assigned to him or her.
        pinned: What the call depends on and nobody reads, such as the versions of records: if it is another when the
            person has answered, the person is asked anew.
    """

    title: str
    text: str = ""
    changes: Sequence[Change] = ()
    more: int = 0
    own: bool = False
    pinned: str = ""


@dataclass(frozen=True)
class Option:
    """One thing to choose."""

    value: str
    label: str
    description: str = ""


@dataclass(frozen=True)
class Question:
    """What a person is asked for its own sake; the answer is what the call comes to.

    Attributes:
        kind: `decision` (one of `options`), `input` (words) or `form` (values that fit `schema`).
        title: The question, in one line.
    """

    kind: Kind
    title: str
    text: str = ""
    options: Sequence[Option] = ()
    schema: Mapping[str, Any] | None = None
