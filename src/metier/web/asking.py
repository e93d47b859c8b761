"""What a request to a person looks like, in the chat, in the inbox and in a trace.

a stored request, or the events `interrupt` and `interrupt_response` ──▶ AskCard ──▶ templates/requests/card.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from markupsafe import Markup

from metier.records.shape import Field, FieldType, ObjectType
from metier.records.text import value_text
from metier.runs.requests import Audience, Kind, Request, State, Verdict, readable
from metier.runs.requests.request import YES_OR_NO
from metier.tools import read_words
from metier.web.cards import Cards, json_html, record_url
from metier.web.reading import Reading
from metier.web.wording import is_list, is_object

DEEDS = {"create": "New", "update": "Change", "delete": "Delete", "restore": "Restore", "destroy": "Delete for good"}
SAID = {
    Verdict.APPROVE: "Approved",
    Verdict.DECLINE: "Declined",
    Verdict.ANSWER: "Answered",
}


@dataclass(frozen=True)
class FieldRow:
    """One value of a change, as people read it; None where there is none."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ChangeView:
    """What becomes of one record."""

    deed: str
    what: str
    label: str
    url: str | None
    rows: Sequence[FieldRow]


@dataclass(frozen=True)
class Control:
    """One field of a form that a person fills in. `kind`: `text`, `number`, `check` or `choice`."""

    name: str
    label: str
    hint: str
    kind: str
    required: bool
    options: Sequence[str] = ()


@dataclass(frozen=True)
class AskCard:
    """A request.

    Attributes:
        mine: Whether who looks may answer it now.
        said: What came of it: `Approved by Ada Park`; empty while it is open.
        granted: Whether that is a yes, or an answer.
        arguments: The call's, exactly; None for a question.
        read: Whose words the conversation holds, as a sentence; empty for nobody's.
        problem: Why the last answer did not count.
        back: Where to go after answering without scripts.
    """

    id: str
    kind: Kind
    title: str
    text: str
    why: str
    hash: str
    status: State
    mine: bool
    tool: str
    arguments: Markup | None
    changes: Sequence[ChangeView]
    more: int
    options: Sequence[Mapping[str, str]]
    controls: Sequence[Control]
    read: str
    expires: str
    said: str = ""
    granted: bool = False
    value: str = ""
    note: str = ""
    problem: str = ""
    back: str = "/inbox"


def told_card(
    cards: Cards,
    asked: Mapping[str, Any],
    end: Mapping[str, Any] | None,
    *,
    principal_id: UUID | None = None,
    back: str = "/inbox",
) -> AskCard:
    """Collect the card of a request by the events that told of it.

    Args:
        asked: The data of `interrupt`.
        end: The data of `interrupt_response`; None while it is open.
        principal_id: Whom the run acts for; without it the card only shows.
    """
    audience = Audience.of(asked["audience"]) if "audience" in asked else Audience()
    mine = False
    if cards.actor is not None and principal_id is not None:
        mine = audience.admits(cards.actor, kind=Kind(asked["kind"]), principal_id=principal_id)
    return _card(cards, asked, end, mine=mine, back=back)


def request_card(cards: Cards, request: Request, *, problem: str = "", back: str = "/inbox") -> AskCard:
    """Collect the card of a stored request.

    Args:
        problem: Why the last answer did not count.
        back: Where to go after answering without scripts.
    """
    end = None if request.status is State.OPEN else request.told_end()
    mine = cards.actor is not None and request.may_answer(cards.actor)
    return _card(cards, request.told(), end, mine=mine, problem=problem, back=back)


def draw(cards: Cards, card: AskCard) -> Markup:
    """Draw a card."""
    return cards.draw("requests/card.html", card=card)


def _card(
    cards: Cards,
    asked: Mapping[str, Any],
    end: Mapping[str, Any] | None,
    *,
    mine: bool,
    back: str,
    problem: str = "",
) -> AskCard:
    answer: Mapping[str, Any] = (end or {}).get("answer") or {}
    tool: Mapping[str, Any] = asked.get("tool") or {}
    arguments = asked.get("arguments") if asked["kind"] in YES_OR_NO else None  # a question says it all itself
    return AskCard(
        id=asked["request_id"],
        kind=Kind(asked["kind"]),
        title=readable(asked["title"]),
        text=readable(asked.get("text", "")),
        why=asked.get("why", ""),
        hash=asked["hash"],
        status=State(end["status"]) if end else State.OPEN,
        mine=mine and end is None,
        tool=tool.get("name", ""),
        arguments=None if arguments is None else json_html(_all_readable(arguments)),
        changes=[_change(change, cards) for change in asked.get("changes", ())],
        more=asked.get("more", 0),
        options=asked.get("options", ()),
        controls=controls(asked.get("schema") or {}),
        read=_read(asked.get("reads", ())),
        expires=_expires(asked, cards.reading),
        said=said(end) if end else "",
        granted=answer.get("verdict") in (Verdict.APPROVE, Verdict.ANSWER),
        value=_plain(answer["value"], cards.reading) if "value" in answer else "",
        note=(end or {}).get("note") or "",
        problem=problem,
        back=back,
    )


def controls(schema: Mapping[str, Any]) -> list[Control]:
    """Give the fields of a form for the flat properties of a JSON Schema."""
    required = schema.get("required", ())
    return [_control(name, one, name in required) for name, one in schema.get("properties", {}).items()]


def _control(name: str, schema: Mapping[str, Any], required: bool) -> Control:
    label = str(schema.get("title") or name.replace("_", " ").capitalize())
    options = [str(value) for value in schema.get("enum", ())]
    kinds = {"number": "number", "integer": "number", "boolean": "check"}
    kind = "choice" if options else kinds.get(str(schema.get("type")), "text")
    return Control(name, label, str(schema.get("description", "")), kind, required, options)


def said(end: Mapping[str, Any]) -> str:
    """Say in words what came of a request; `end` as in `interrupt_response`."""
    if end["status"] == State.CANCELLED:
        return "No longer asked"
    what = SAID[Verdict(end["answer"]["verdict"])]
    if end["status"] == State.EXPIRED:
        return f"{what}: nobody answered in time"
    return f"{what} by {end.get('by') or 'somebody'}"


def _expires(asked: Mapping[str, Any], reading: Reading) -> str:
    default: Mapping[str, Any] = asked.get("default") or {}
    counts = "is declined" if "value" not in default else f"counts as “{_plain(default['value'], reading)}”"
    return f"Without an answer it {counts} {reading.ago(asked['expires_at'])}."


def _read(reads: Sequence[str]) -> str:
    return f"This conversation has read {read_words(reads)}." if reads else ""


def _change(change: Mapping[str, Any], cards: Cards) -> ChangeView:
    kind = cards.objects.get(change["object"])
    url = record_url(change["object"], change["id"]) if kind and change["id"] else None
    rows = [_row(kind, field, cards.reading) for field in change["fields"]]
    what = kind.label.lower() if kind else change["object"]
    return ChangeView(DEEDS[change["deed"]], what, readable(change["label"]) or "Untitled", url, rows)


def _row(kind: ObjectType | None, field: Mapping[str, Any], reading: Reading) -> FieldRow:
    values = [_value(kind, field["name"], _all_readable(field[when]), reading) for when in ("before", "after")]
    return FieldRow(field["label"], *values)


def _value(kind: ObjectType | None, name: str, value: Any, reading: Reading) -> str | None:
    if value is None or value == "":
        return None
    field: Field | None = kind.by_name.get(name) if kind else None
    if field is None or field.type is FieldType.RELATION or is_list(value):
        return _plain(value, reading)
    if field.type is FieldType.SELECT:
        return next((option.label for option in field.options if option.value == value), str(value))
    if field.type is FieldType.TEXT:
        return str(value)
    try:
        return value_text(field, value, reading)
    except (AttributeError, TypeError, ValueError):  # a value that is not of the field's type any more
        return _plain(value, reading)


def _all_readable(value: Any) -> Any:
    """Write all texts of a JSON value so that nothing in them is unseen."""
    if isinstance(value, str):
        return readable(value)
    if is_list(value):
        return [_all_readable(one) for one in value]
    return {readable(key): _all_readable(one) for key, one in value.items()} if is_object(value) else value


def _plain(value: Any, reading: Reading) -> str:
    """Write a JSON value for people, whatever it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return reading.number(value)
    if is_list(value):
        return ", ".join(_plain(one, reading) for one in value)
    if is_object(value):
        return (
            str(value["label"])
            if "label" in value
            else ", ".join(f"{k}: {_plain(v, reading)}" for k, v in value.items())
        )
    return ""
