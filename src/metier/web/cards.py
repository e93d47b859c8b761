"""What a tool call, a plan and the end of a turn look like in a chat.

stored parts or live events ──▶ frozen views ──▶ templates/chat/{tool,plan,end}.html; both ways give the same markup
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import orjson
from markupsafe import Markup

from metier.actor import Actor
from metier.events import Status
from metier.filters import RESERVED
from metier.records.shape import Field, FieldType, ObjectType
from metier.records.text import value_text
from metier.runs import Run
from metier.web.mdstream import code_html
from metier.web.pages import Pages
from metier.web.reading import Reading, web_address
from metier.web.wording import arguments_line, duration, is_object, shorten

MAX_ROWS = 20  # rows of a result shown in a card
MAX_COLUMNS = 5
MAX_JSON = 6_000  # characters of JSON shown in a card; the trace has the whole


@dataclass(frozen=True)
class Cell:
    """One value of a result as people read it. `tone` colours a select's option."""

    text: str
    url: str | None = None
    tone: str | None = None
    number: bool = False


@dataclass(frozen=True)
class Found:
    """Records that a tool found: a table, and the list page with the same filter."""

    columns: Sequence[tuple[str, bool]]  # label, and whether numbers stand below it
    rows: Sequence[Sequence[Cell]]
    count: str  # `7 of 43 companies`
    list_url: str | None


@dataclass(frozen=True)
class ToolCard:
    """One tool call.

    Attributes:
        key: Its number within the turn; ids of calls need not be unique in it.
        line: The arguments in one readable line: `created_at within last_7_days`.
        said: What the tool answered, as a sentence; the cause if it failed.
        filter: The filter in words, with the range its time words came to.
        ms: How long it took; None while running or unknown.
        since_ms: How long it has been running.
        undo: What takes back what the call changed; empty if it changed nothing.
    """

    key: str
    name: str
    line: str
    status: Status
    input: Markup
    said: str = ""
    cure: str = ""
    filter: str = ""
    found: Found | None = None
    output: Markup | None = None
    took: str = ""
    since_ms: int = 0
    undo: str = ""


@dataclass(frozen=True)
class TurnEnd:
    """How a turn ended: what it used, and why there is no whole answer.

    Attributes:
        facts: What it used: model, tokens, cost, time.
        retry: The message to send again to `thread_id`; empty where that makes no sense.
    """

    run_id: UUID
    thread_id: UUID | None
    status: Status
    facts: Sequence[str] = ()
    problem: str = ""
    cure: str = ""
    retry: str = ""


@dataclass(frozen=True)
class Chip:
    """One piece of a plan. `without` is the question that leaves it out; empty for the object asked about."""

    kind: str
    label: str
    without: str


class Cards:
    """Draws the cards for one person.

    Args:
        objects: What this person may see; names columns and links.
        models: What people call a model, by its id.
        actor: Who looks; None for nobody who could answer anything.
    """

    def __init__(
        self,
        pages: Pages,
        objects: Sequence[ObjectType],
        reading: Reading,
        models: Mapping[str, str] | None = None,
        actor: Actor | None = None,
    ) -> None:
        self._pages = pages
        self._models = models or {}
        self.objects = {thing.name: thing for thing in objects}
        self.reading = reading
        self.actor = actor

    def model(self, model_id: str) -> str:
        """Give what people call a model."""
        return self._models.get(model_id) or model_id

    def tool(
        self,
        call: Mapping[str, Any],
        answer: Mapping[str, Any] | None = None,
        *,
        key: int = 0,
        since_ms: int = 0,
        ended: Status = Status.RUNNING,
    ) -> Markup:
        """Draw a call.

        Args:
            call: `{name, arguments, raw?}`; `raw` are arguments that could not be read.
            key: Its number within the turn.
            answer: `{success, message, result?, error?, ms?}`; None while there is none.
            ended: The status of a call that has no answer.
        """
        return self.draw("chat/tool.html", card=self.tool_view(call, answer, key=key, since_ms=since_ms, ended=ended))

    def tool_view(
        self,
        call: Mapping[str, Any],
        answer: Mapping[str, Any] | None = None,
        *,
        key: int = 0,
        since_ms: int = 0,
        ended: Status = Status.RUNNING,
    ) -> ToolCard:
        """Collect what `tool` draws."""
        return tool_card(call, answer, self._shown, key=key, since_ms=since_ms, ended=ended)

    def inside(self, card: ToolCard) -> Markup:
        """Draw what an open card shows."""
        return self.draw("chat/inside.html", card=card)

    def plan(self, plan: Mapping[str, Any], thread_id: UUID | None = None) -> Markup:
        """Draw what the offline planner understood, as chips; those that can be left out ask again in the thread."""
        return self.draw("chat/plan.html", chips=plan_chips(plan), unread=plan.get("unread") or (), thread_id=thread_id)

    def end(self, end: TurnEnd) -> Markup:
        """Draw the foot of a turn."""
        return self.draw("chat/end.html", end=end)

    def draw(self, template: str, **values: Any) -> Markup:
        """Fill in a template."""
        return Markup(self._pages.render(template, **values))  # templates escape what they are given

    def _shown(self, call: Mapping[str, Any], result: Mapping[str, Any]) -> Found | None:
        thing = self.objects.get(str(result.get("object")))
        match result:
            case {"records": [*records]} if thing:
                return _found_records(thing, records, call, result, self.reading)
            case {"record": record} if thing and is_object(record):
                return _found_records(thing, [record], {}, {}, self.reading)
            case {"hits": [*hits]}:
                return self._found_hits(hits)
            case _:
                return None

    def _found_hits(self, hits: Sequence[Any]) -> Found:
        rows = [
            (Cell(str(hit["label"]), record_url(hit["object"], hit["id"])), Cell(self.objects[hit["object"]].label))
            for hit in hits
            if hit.get("object") in self.objects
        ]
        return Found(
            (("Record", False), ("Kind", False)), rows[:MAX_ROWS], _count(len(rows), len(rows), self.reading), None
        )


# --- tool calls ------------------------------------------------------------------------------------------------------


def tool_card(
    call: Mapping[str, Any],
    answer: Mapping[str, Any] | None,
    shown: Callable[[Mapping[str, Any], Mapping[str, Any]], Found | None],
    *,
    key: int = 0,
    since_ms: int = 0,
    ended: Status = Status.RUNNING,
) -> ToolCard:
    """Collect what a card shows; `shown(arguments, result)` makes a table of a result, or None."""
    known: Mapping[str, Any] = call.get("arguments") or {}
    raw = str(call.get("raw") or "")
    result = (answer or {}).get("result")
    body: Mapping[str, Any] = result if is_object(result) else dict[str, Any]()
    found = shown(known, body)
    error: Mapping[str, Any] = (answer or {}).get("error") or {}
    return ToolCard(
        key=str(key),
        name=str(call.get("name", "")),
        line=shorten(raw) if raw else arguments_line(known),
        status=_status(answer, ended),
        input=Markup(code_html(raw)) if raw else json_html(known),  # code_html escapes
        said=str(error.get("message") or (answer or {}).get("message") or ""),
        cure=str(error.get("cure") or ""),
        filter=str(body.get("filter") or ""),
        found=found,
        output=json_html(result) if result is not None and found is None else None,
        took=duration((answer or {}).get("ms")),
        since_ms=since_ms,
        undo=str(body.get("change_id") or "") if "changes" in body else "",
    )


def _status(answer: Mapping[str, Any] | None, ended: Status) -> Status:
    if answer is None:
        return ended
    if answer.get("success"):
        return Status.SUCCEEDED
    return Status.FAILED if answer.get("error") else Status.STOPPED


def json_html(value: Any) -> Markup:
    """Draw a JSON value; a long one is cut."""
    return _json_html(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=512)  # colouring takes a millisecond, and a chat is shown many times
def _json_html(body: bytes) -> Markup:
    text = body.decode()
    cut = len(text) > MAX_JSON
    return Markup(code_html(f"{text[:MAX_JSON]}\n…" if cut else text, "" if cut else "json"))  # code_html escapes


# --- records ---------------------------------------------------------------------------------------------------------


def record_url(object_name: str, record_id: Any) -> str:
    """Give the page of a record."""
    return f"/o/{quote(object_name)}/{quote(str(record_id), safe='')}"


def list_url(object_name: str, arguments: Mapping[str, Any]) -> str | None:
    """Give the list page that shows what a `find_…` call found: same filter, same order.

    None for a filter that the list's address cannot say: one with `or` or `not`.

    >>> list_url("company", {"where": {"created_at": {"within": "last_7_days"}}, "sort": "-created_at"})
    '/o/company?f.created_at.within=last_7_days&sort=-created_at'
    """
    try:
        pairs = list(_pairs(arguments.get("where") or {}))
    except ValueError:
        return None
    if sort := arguments.get("sort"):
        pairs.append(("sort", sort if isinstance(sort, str) else ",".join(sort)))
    return f"/o/{quote(object_name)}" + (f"?{urlencode(pairs)}" if pairs else "")


def _pairs(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Give a filter as the list's address says it; ValueError if it cannot."""
    for key, value in tree.items():
        if key == "and":
            for part in value:
                yield from _pairs(part, path)
        elif key in ("or", "not"):
            raise ValueError(key)
        elif key in RESERVED:
            yield (path if key == "eq" else f"{path}.{key}"), _as_text(value)
        elif is_object(value):
            yield from _pairs(value, f"{path}.{key}" if path else f"f.{key}")
        else:
            yield f"{path}.{key}" if path else f"f.{key}", _as_text(value)


def _as_text(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case [*parts] if not any("," in str(part) for part in parts):
            return ",".join(_as_text(part) for part in parts)
        case _:
            raise ValueError("no text of an address")


def _found_records(
    thing: ObjectType,
    records: Sequence[Any],
    arguments: Mapping[str, Any],
    result: Mapping[str, Any],
    reading: Reading,
) -> Found:
    fields = _columns(thing, records, arguments)
    rows = [[_record_cell(thing, field, record, reading) for field in fields] for record in records[:MAX_ROWS]]
    total = result.get("total")
    known = total if total is not None else len(records)
    count = _count(len(rows), known, reading, capped=bool(result.get("total_capped")))
    noun = thing.label if known == 1 else thing.label_plural
    columns = [(f.label, f.type in (FieldType.NUMBER, FieldType.CURRENCY)) for f in fields]
    return Found(columns, rows, f"{count} {noun.lower()}", list_url(thing.name, arguments) if result else None)


def _columns(thing: ObjectType, records: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any]) -> list[Field]:
    """Choose the columns that matter: the title, what was asked about, then what the object shows first."""
    present = {key for record in records[:MAX_ROWS] for key, value in record.items() if value not in (None, "", [], {})}
    asked = [name for name in thing.by_name if name in arguments_line(arguments)]
    own = [field.name for field in thing.fields if not field.system]
    names = dict.fromkeys([thing.title, *asked, *own])
    return [thing.by_name[n] for n in names if n in present and (n != "id" or n == thing.title)][:MAX_COLUMNS]


def _record_cell(thing: ObjectType, field: Field, record: Mapping[str, Any], reading: Reading) -> Cell:
    value = record.get(field.name)
    if field.name == thing.title:
        return Cell(value_text(field, value, reading) or "Untitled", record_url(thing.name, record["id"]))
    if value is None:
        return Cell("")
    match field.type:
        case FieldType.RELATION:
            return Cell(str(value.get("label") or ""), record_url(field.target or "", value.get("id")))
        case FieldType.SELECT:
            option = next((o for o in field.options if o.value == value), None)
            return Cell(option.label if option else str(value), tone=option.color if option else "grey")
        case FieldType.LINKS:
            return Cell(value_text(field, value, reading), web_address(value.get("primary_link_url")))
        case FieldType.NUMBER | FieldType.CURRENCY:
            return Cell(value_text(field, value, reading), number=True)
        case _:
            return Cell(value_text(field, value, reading))


def _count(shown: int, total: int, reading: Reading, *, capped: bool = False) -> str:
    whole = f"{reading.number(total)}{'+' if capped else ''}"
    return whole if shown in (0, total) and not capped else f"{reading.number(shown)} of {whole}"


# --- plans and ends --------------------------------------------------------------------------------------------------


def plan_chips(plan: Mapping[str, Any]) -> list[Chip]:
    """Give a plan's chips. The planner reads its own labels: those that are left, joined by `; `, are a question."""
    chips: Sequence[Mapping[str, Any]] = plan.get("chips") or ()
    labels = [str(chip.get("label", "")) for chip in chips]
    return [
        Chip(str(chip.get("kind", "")), label, "" if n == 0 else "; ".join(labels[:n] + labels[n + 1 :]))
        for n, (chip, label) in enumerate(zip(chips, labels, strict=True))
    ]


def turn_end(
    run: Run, status: Status, facts: Sequence[str], error: Mapping[str, Any] | None, *, retry: bool = False
) -> TurnEnd:
    """Collect the foot of a turn.

    Args:
        error: `{error, message, cure?}` of a run that failed.
        retry: Whether the message may be sent again from here.
    """
    problem, cure = "", ""
    if status is Status.INTERRUPTED:
        problem = "The answer was interrupted: the server that was working on it went away."
    elif status is Status.FAILED:
        problem = str((error or {}).get("message") or "The answer failed.")
        cure = str((error or {}).get("cure") or "")
    text = run.input if problem and retry and isinstance(run.input, str) else ""
    return TurnEnd(run.id, run.thread_id, status, facts, problem, cure, text)
