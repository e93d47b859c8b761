"""How well the offline planner understands questions it was not made with, and how long it takes.

Three sets of questions in `bench/questions/`, each in a style of its own, with the calls they should lead to.
"""

import json
import statistics
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from metier.builtin.app.objects import OBJECTS
from metier.builtin.providers.offline.language import Language, load
from metier.builtin.providers.offline.names import fold
from metier.builtin.providers.offline.outcome import Answer, LookUp, Outcome
from metier.builtin.providers.offline.schema import read_schema
from metier.builtin.providers.offline.spec import Hit, arguments
from metier.builtin.providers.offline.stretches import Clockwork
from metier.builtin.providers.offline.understand import Understanding
from metier.builtin.tools.records import make_tools
from metier.records.policy import MEMBER
from metier.records.shape import ObjectType

SETS = ("terse", "sentences", "elsewhere")
QUESTIONS = Path(__file__).parent / "questions"
ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=ZONE)

RECORDS = (
    Hit("company", "c1", "Acme"),
    Hit("company", "c2", "Nordwind"),
    Hit("person", "p1", "Mira Lang"),
    Hit("member", "m1", "Ada Park"),
    Hit("opportunity", "o1", "Fleet renewal"),
)
ELSEWHERE_RECORDS = (
    Hit("patient", "p1", "Rex"),
    Hit("vet", "v1", "Dr Osei"),
    Hit("artist", "a1", "Nina Kraviz"),
    Hit("album", "b1", "Blue Train"),
)


def _field(name: str, kind: str = "text", label: str = "", *options: str, **more: Any) -> dict[str, Any]:
    body = {"name": name, "type": kind, "label": label or name.replace("_", " ").capitalize(), **more}
    if options:
        body["options"] = [{"value": option.lower(), "label": option} for option in options]
    return body


def _object(name: str, plural: str, *fields: dict[str, Any], title: str = "name") -> ObjectType:
    labels = {"label": name.capitalize(), "label_plural": plural.capitalize()}
    return ObjectType.from_json({"name": name, "plural": plural, "title": title, "fields": list(fields), **labels})


_ORDER_STATES = ("Pending", "Sent", "Delivered", "Cancelled")

ELSEWHERE = (
    _object(
        "patient",
        "patients",
        _field("name"),
        _field("species", "select", "Species", "Dog", "Cat", "Rabbit", "Hamster"),
        _field("weight", "number", unit="kg", decimals=1),
        _field("born_on", "date", "Date of birth"),
        _field("vaccinated", "boolean"),
        _field("owner_phone", "text", "Owner phone"),
    ),
    _object("vet", "vets", _field("name"), _field("languages"), _field("hired_on", "date", "Hired")),
    _object(
        "visit",
        "visits",
        _field("reason"),
        _field("patient", "relation", target="patient"),
        _field("vet", "relation", target="vet"),
        _field("visit_at", "date_time", "Visit time"),
        _field("urgency", "select", "Urgency", "Routine", "Urgent", "Emergency"),
        _field("diagnosis"),
        _field("bill", "currency"),
        _field("paid", "boolean"),
        title="reason",
    ),
    _object("artist", "artists", _field("name"), _field("country")),
    _object(
        "album",
        "albums",
        _field("title"),
        _field("artist", "relation", target="artist"),
        _field("release_year", "number", "Release year"),
        _field("genre", "select", "Genre", "Jazz", "Soul", "Funk", "Techno"),
        _field("format", "select", "Format", "Vinyl", "CD", "Cassette"),
        _field("copies_in_stock", "number", "Copies in stock"),
        _field("price", "currency"),
        title="title",
    ),
    _object(
        "order",
        "orders",
        _field("number"),
        _field("album", "relation", target="album"),
        _field("total", "currency"),
        _field("shipped_on", "date", "Shipped"),
        _field("state", "select", "", *_ORDER_STATES, terminal=["delivered", "cancelled"]),
        title="number",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A question and the call it should lead to; None if nothing may be searched for."""

    text: str
    call: Mapping[str, Any] | None


@dataclass(frozen=True)
class Row:
    """What a set of questions gave.

    Attributes:
        questions: In scope; `beyond` are those that must not be answered.
        exact: Of the questions in scope, the share with exactly the right call.
        precision: Of all answers given, the share that is right.
        refused: Of the questions beyond scope, the share that was not answered.
        p50_ms, p95_ms: CPU time per question.
    """

    name: str
    questions: int
    beyond: int
    answered: int
    exact: float
    precision: float
    refused: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Workplace:
    """Objects to ask about, and the records that names stand for."""

    understanding: Understanding
    records: Sequence[Hit]
    clock: Clockwork

    def outcome(self, text: str) -> Outcome:
        """Understand a question; names are looked up once, as the provider does."""
        known: dict[str, tuple[Hit, ...]] = {}
        outcome = self.understanding.outcome(text, self.clock, known=known)
        if isinstance(outcome, LookUp):
            for name in outcome.names:
                known[fold(name)] = tuple(hit for hit in self.records if _named(hit, name))
            outcome = self.understanding.outcome(text, self.clock, known=known)
        return outcome

    def call(self, answer: Answer) -> dict[str, Any]:
        """Give the call an answer leads to, as the sets write it."""
        spec, kind = answer.spec, self.understanding.schema.objects[answer.spec.object]
        body = {"object": spec.object, **arguments(spec, title=kind.title)}
        if spec.one is not None:
            body = {"object": spec.object, "one": spec.one.id, "select": [path[0] for path in spec.select]}
        return body


def _named(hit: Hit, name: str) -> bool:
    return all(any(word.startswith(part) for word in fold(hit.label).split()) for part in fold(name).split())


def workplace(schema: str, language: Language) -> Workplace:
    """Make the workplace a set asks about."""
    objects, records = {"crm": ((*OBJECTS, MEMBER), RECORDS), "elsewhere": (ELSEWHERE, ELSEWHERE_RECORDS)}[schema]
    tools = [tool.spec() for tool in make_tools(objects)]
    return Workplace(Understanding(read_schema(tools), language), records, Clockwork(NOW, ZONE, language, "en"))


def questions(name: str) -> tuple[str, list[Question]]:
    """Read a set: its schema and its questions."""
    body = tomllib.loads((QUESTIONS / f"{name}.toml").read_text("utf-8"))
    found = [Question(one["q"], json.loads(one["call"]) if "call" in one else None) for one in body["question"]]
    return body["schema"], found


def is_right(given: Mapping[str, Any], wanted: Mapping[str, Any], title: str) -> bool:
    """Whether a call asks for the same records and fields."""
    return _plain(given, title) == _plain(wanted, title)


def _plain(call: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Give a call in one form: conditions as a set, the title not among the fields, texts in small letters."""
    body = {key: value for key, value in call.items() if value not in ([], {}, None)}
    if "where" in body:
        body["where"] = _conditions(body["where"])
    if "select" in body:
        body["select"] = sorted(set(body["select"]) - {title})
        body = {key: value for key, value in body.items() if value != []}
    return body


def _conditions(where: Any) -> Any:
    if isinstance(where, Mapping):
        if set(where) == {"and"}:
            return sorted(json.dumps(_conditions(part), sort_keys=True) for part in where["and"])
        if set(where) == {"or"}:
            return {"or": sorted(json.dumps(_conditions(part), sort_keys=True) for part in where["or"])}
        if len(where) > 1 and not any(isinstance(value, str | int | float) for value in where.values()):
            return sorted(json.dumps(_conditions({key: value}), sort_keys=True) for key, value in where.items())
        return {("eq" if key == "ilike" else key): _conditions(value) for key, value in where.items()}
    if isinstance(where, list):
        return sorted((_conditions(part) for part in where), key=str)
    return where.casefold() if isinstance(where, str) else where


def measure(name: str, language: Language) -> tuple[Row, list[str]]:
    """Ask all questions of a set; give the row and a line for each that went wrong."""
    schema, asked = questions(name)
    place = workplace(schema, language)
    answered = right = refused = 0
    wrong: list[str] = []
    times: list[float] = []
    for one in asked:
        start = time.process_time()
        outcome = place.outcome(one.text)
        times.append((time.process_time() - start) * 1000)
        given = place.call(outcome) if isinstance(outcome, Answer) else None
        title = place.understanding.schema.objects[given["object"]].title if given else ""
        good = (given is None) == (one.call is None) and (one.call is None or is_right(given or {}, one.call, title))
        answered += given is not None
        right += good and given is not None
        refused += one.call is None and given is None
        if not good:
            wrong.append(f"{one.text}\n    wanted {one.call}\n    got    {given or outcome}")
    beyond = sum(one.call is None for one in asked)
    inside = len(asked) - beyond
    quantiles = statistics.quantiles(times, n=20)
    row = Row(
        name,
        inside,
        beyond,
        answered,
        right / inside,
        right / answered if answered else 0.0,
        refused / beyond,
        statistics.median(times),
        quantiles[-1],
    )
    return row, wrong


def run() -> list[Row]:
    """Measure all sets."""
    language = load()
    return [measure(name, language)[0] for name in SETS]
