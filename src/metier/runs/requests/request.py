"""What a person is asked, as values: the request, what it shows, who may answer, the answer.

open ──▶ answered            by whoever is quicker, once
     ──▶ expired             its default counts as the answer
     ──▶ cancelled           the run that asked has ended
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

import orjson

from metier.actor import Actor, PrincipalKind
from metier.runs.form import encode
from metier.runs.requests.preview import Change, Kind, Option

EXPIRES_AFTER = timedelta(days=7)


#: The kinds that are answered with yes or no; the others with a value.
YES_OR_NO = frozenset({Kind.CONFIRM, Kind.APPROVAL})


class State(StrEnum):
    """How a request stands."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """What a person says."""

    APPROVE = "approve"
    DECLINE = "decline"
    ANSWER = "answer"  # with a value


@dataclass(frozen=True)
class Shown:
    """What the person sees, secrets left out; an answer holds for this and nothing else (S-17).

    Attributes:
        title: In few words; one line.
        text: What else there is to know, as plain text.
        why: Why a person is asked.
        tool: `{"name", "category", "effect"}` of the call that waits; None for a question.
        arguments: The call's, exactly as they will be used.
        changes: Before and after; `more` others are not shown.
        options: What can be chosen, for a decision.
        schema: JSON Schema of the values, for a form.
        reads: Whose words the conversation holds: `records`, `web`, …
        pinned: What it depends on besides, for machines.
    """

    kind: Kind
    title: str
    text: str = ""
    why: str = ""
    tool: Mapping[str, Any] | None = None
    arguments: Mapping[str, Any] | None = None
    changes: Sequence[Change] = ()
    more: int = 0
    options: Sequence[Option] = ()
    schema: Mapping[str, Any] | None = None
    reads: Sequence[str] = ()
    pinned: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give the stored form."""
        return {
            "kind": self.kind.value,
            "title": self.title,
            "text": self.text,
            "why": self.why,
            "tool": self.tool and dict(self.tool),
            "arguments": self.arguments and dict(self.arguments),
            "changes": [change.to_json() for change in self.changes],
            "more": self.more,
            "options": [asdict(option) for option in self.options],
            "schema": self.schema and dict(self.schema),
            "reads": list(self.reads),
            "pinned": self.pinned,
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Read the stored form."""
        facts: dict[str, Any] = {
            **body,
            "kind": Kind(body["kind"]),
            "changes": tuple(map(Change.of, body["changes"])),
            "options": tuple(Option(**option) for option in body["options"]),
        }
        return cls(**facts)

    def digest(self, key: str) -> str:
        """Give the hash of all of this for the call named by `key`; one for another call is another."""
        stored = orjson.loads(encode([key, self.to_json()]))
        return sha256(orjson.dumps(stored, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True)
class Audience:
    """Who may answer: whom the run acts for, certain members, whoever holds a role or a flag. Agents never.

    An approval is given by a person, never by an API key.
    """

    principal: bool = True
    members: Sequence[UUID] = ()
    role: str | None = None
    flag: str | None = None

    def admits(self, actor: Actor, *, kind: Kind, principal_id: UUID) -> bool:
        """Say whether this actor may answer what is asked in a run that acts for that principal."""
        who = actor.principal
        if actor.chain or (kind is Kind.APPROVAL and who.kind not in (PrincipalKind.MEMBER, PrincipalKind.OPERATOR)):
            return False
        return (
            (self.principal and who.id == principal_id)
            or who.id in self.members
            or (self.role is not None and self.role in [role.name for role in actor.roles])
            or (self.flag is not None and actor.holds(self.flag))
        )

    def to_json(self) -> dict[str, Any]:
        """Give the stored form."""
        return {
            "principal": self.principal,
            "members": [str(one) for one in self.members],
            "role": self.role,
            "flag": self.flag,
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Read the stored form."""
        return cls(body["principal"], tuple(map(UUID, body["members"])), body["role"], body["flag"])


@dataclass(frozen=True)
class Answer:
    """What a person answers; `value` is the choice, the words or the form's values."""

    verdict: Verdict
    value: Any = None  # any JSON value

    def to_json(self) -> dict[str, Any]:
        """Give the stored form: `{"verdict": "answer", "value": "blue"}`."""
        return {"verdict": self.verdict.value} | ({} if self.value is None else {"value": self.value})

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Read the stored form."""
        return cls(Verdict(body["verdict"]), body.get("value"))


DECLINED = Answer(Verdict.DECLINE)


@dataclass(frozen=True)
class Request:
    """A question to a person, and what came of it.

    Attributes:
        root_id, run_id: The run that asks, and the one at the top of its tree.
        key: The call that waits, `RUN/STEP/CALL`; the same on every attempt.
        call_id: What the model called it.
        hash: Of what is shown; an answer names it.
        actor: Who asks: ids and labels, never roles.
        principal_id: Whom the run acts for.
        fallback: What counts as the answer when the time is over.
        answered_by: `{"kind", "id", "label"}`; None when nobody has.
        note: What the person said with the answer.
    """

    workspace_id: UUID
    id: UUID
    root_id: UUID
    run_id: UUID
    thread_id: UUID | None
    key: str
    call_id: str
    shown: Shown
    hash: str
    actor: Mapping[str, Any]
    principal_id: UUID
    audience: Audience
    created_at: datetime
    expires_at: datetime
    fallback: Answer = DECLINED
    status: State = State.OPEN
    answer: Answer | None = None
    answered_by: Mapping[str, Any] | None = None
    answered_at: datetime | None = None
    note: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read a row of `core.request`."""
        facts: dict[str, Any] = {
            **row,
            "shown": Shown.of(row["shown"]),
            "audience": Audience.of(row["audience"]),
            "fallback": Answer.of(row["fallback"]),
            "status": State(row["status"]),
            "answer": row["answer"] and Answer.of(row["answer"]),
        }
        return cls(**facts)

    @property
    def kind(self) -> Kind:
        """What is asked for."""
        return self.shown.kind

    @property
    def approved(self) -> bool:
        """Whether a person said yes."""
        return self.answer is not None and self.answer.verdict is Verdict.APPROVE

    def may_answer(self, actor: Actor) -> bool:
        """Say whether this actor is one of those who may answer."""
        return actor.workspace_id == self.workspace_id and self.audience.admits(
            actor, kind=self.kind, principal_id=self.principal_id
        )

    def to_json(self) -> dict[str, Any]:
        """Give the request as clients get it; times are ISO 8601."""
        shown = self.shown.to_json()
        del shown["pinned"]
        return {
            "id": str(self.id),
            "status": self.status.value,
            **shown,
            "run_id": str(self.run_id),
            "root_id": str(self.root_id),
            "thread_id": self.thread_id and str(self.thread_id),
            "call_id": self.call_id,
            "asked_by": dict(self.actor),
            "audience": self.audience.to_json(),
            "hash": self.hash,
            "default": self.fallback.to_json(),
            "created_at": self.created_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
            "answer": self.answer and self.answer.to_json(),
            "answered_by": self.answered_by and dict(self.answered_by),
            "answered_at": self.answered_at and self.answered_at.isoformat(),
            "note": self.note,
        }

    def row(self) -> dict[str, Any]:
        """Give the row that makes it (`metier.runs.statement`)."""
        return {
            "workspace_id": self.workspace_id,
            "id": self.id,
            "root_id": self.root_id,
            "run_id": self.run_id,
            "key": self.key,
            "call_id": self.call_id,
            "shown": self.shown.to_json(),
            "hash": self.hash,
            "actor": self.actor,
            "principal_id": self.principal_id,
            "audience": self.audience.to_json(),
            "fallback": self.fallback.to_json(),
            "status": self.status.value,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
        }

    def told(self) -> dict[str, Any]:
        """Give the data of the event `interrupt`."""
        return {"request_id": str(self.id), **{key: value for key, value in self.to_json().items() if key in _TOLD}}

    def told_end(self) -> dict[str, Any]:
        """Give the data of the event `interrupt_response`, once it is closed."""
        return {
            "request_id": str(self.id),
            "call_id": self.call_id,
            "status": self.status.value,
            "answer": self.answer and self.answer.to_json(),
            "by": self.answered_by["label"] if self.answered_by else None,
            "note": self.note,
        }


_TOLD = (
    *("kind", "title", "text", "why", "tool", "arguments", "changes", "more", "options", "schema", "reads"),
    *("call_id", "audience", "hash", "default", "expires_at"),
)
