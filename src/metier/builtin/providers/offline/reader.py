"""The state of one reading: a question, read as one about one object.

tokens ─▶ rules, each at a place, each consuming at least one token ─▶ Reader ─▶ Reading
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from metier.builtin.providers.offline.language import Language, Phrases
from metier.builtin.providers.offline.lexicon import TRIMMED, Entry, EntryKind, ObjectLexicon
from metier.builtin.providers.offline.numbers import Quantity, quantity_at
from metier.builtin.providers.offline.schema import Schema
from metier.builtin.providers.offline.spec import Hit, Node, Order, Path, Spec, any_of, negated
from metier.builtin.providers.offline.stretches import Clockwork, Tense
from metier.builtin.providers.offline.tokens import Token
from metier.records.shape import Field, FieldType, ObjectType

T = TypeVar("T")
Known = Mapping[str, tuple[Hit, ...]]  # folded text → what the look-up of it found

NUMERIC = frozenset((FieldType.NUMBER, FieldType.CURRENCY))
TEMPORAL = frozenset((FieldType.DATE, FieldType.DATE_TIME))
TEXTUAL = frozenset((FieldType.TEXT, FieldType.FULL_NAME, FieldType.EMAILS, FieldType.LINKS))


@dataclass(frozen=True)
class Doubt:
    """Something that may be meant in several ways.

    Attributes:
        text: The words.
        choices: What each meaning is called; for records `(object, id, label)` in `hits`.
    """

    text: str
    choices: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class World:
    """What every reading of a question shares."""

    schema: Schema
    language: Language
    clock: Clockwork
    known: Known = field(default_factory=dict[str, tuple[Hit, ...]])

    @property
    def can_look_up(self) -> bool:
        """Whether names can be looked up."""
        return self.schema.search is not None


@dataclass(frozen=True)
class Reading:
    """A question, read as one about `spec.object`.

    Attributes:
        named: How surely the object was named, 0–1; `named_at` is the token.
        weights: Per token how surely it was read; None for tokens that say nothing.
        unread: Tokens that were not understood, by index.
        lookups: Names to look up before the reading is final.
        missing: Names that were looked up and not found.
        strangers: Records that were found, but that the object does not point to.
        misfits: Other objects that were named and have no place in the question.
    """

    spec: Spec
    named: float
    named_at: int
    weights: tuple[float | None, ...]
    unread: tuple[int, ...]
    lookups: tuple[str, ...]
    missing: tuple[str, ...]
    strangers: tuple[Hit, ...]
    doubts: tuple[Doubt, ...]
    vetoes: tuple[str, ...]
    misfits: tuple[str, ...]


class Question:
    """The words of a question, and which general phrases were found among them (the same for every object).

    Args:
        source: As it was written; `tokens` are its words, slips put right.
        shouting: Capitals tell nothing.
    """

    def __init__(self, source: str, tokens: Sequence[Token], *, shouting: bool) -> None:
        self.source = source
        self.tokens = tokens
        self.stems = [token.stem for token in tokens]
        self.shouting = shouting
        self._found: dict[tuple[int, int], Any] = {}  # by table and place; tables outlive questions

    def match(self, table: Phrases[T], i: int) -> tuple[T, int] | None:
        """Give what the longest phrase of a table from `i` means, and its end."""
        key = (id(table), i)
        if key not in self._found:
            self._found[key] = table.at(self.tokens, i)
        return self._found[key]


class Reader:
    """What rules look at and write down. All positions are token indexes.

    Args:
        lexicon: What its words can mean for the object it is read as.
    """

    def __init__(self, question: "Question", lexicon: ObjectLexicon, world: World) -> None:
        self.question = question
        self.tokens = tokens = question.tokens
        self.stems = question.stems
        self.type: ObjectType = lexicon.type
        self.world = world
        self.language = world.language
        self.nodes: list[Node] = []
        self.sort: list[Order] = []
        self.select: list[Path] = []
        self.others: list[int] = []  # where a relation was asked for by the noun of its target
        self.ones: list[Hit] = []
        self.limit: int | None = None
        self.count = False
        self.how_much = False  # an amount is asked for: of one record, or a sum
        self.superlative = False
        self.wants_order = False  # "sorted" was said
        self.direction: bool | None = None  # a direction was said before its field; True is descending
        self.follows = False  # the question hangs on the one before
        self.topic: Path | None = None  # the field the question before was about
        self.last: Entry | None = None  # the field of the last condition on a number or a date
        self.ranked: bool | None = None  # a limit wants an order: True for the highest, False for the lowest
        self.singular = False
        self.negate = False
        self.either: int | None = None
        self.named, self.named_at = 0.0, len(tokens)
        self.scope: Field | None = None  # what follows is about the record this relation points to
        self.weights: list[float | None] = [None] * len(tokens)
        self.unread: list[int] = []
        self.lookups: list[str] = []
        self.missing: list[str] = []
        self.strangers: list[Hit] = []
        self.doubts: list[Doubt] = []
        self.vetoes: list[str] = []
        self.misfits: list[str] = []
        self._index = lexicon.index
        self._entries: dict[int, list[tuple[int, Entry]]] = {}

    # looking ---------------------------------------------------------------------------------------

    def low(self, i: int) -> str:
        """Give a token's lower-cased word; empty outside the question and for quotes."""
        return self.tokens[i].low if 0 <= i < len(self.tokens) and self.tokens[i].kind != "quoted" else ""

    def text(self, start: int, end: int) -> str:
        """Give tokens as they were written."""
        first, last = self.tokens[start], self.tokens[end - 1]
        if start + 1 == end:
            return first.text
        return self.question.source[first.start : last.end]

    def entries(self, i: int, *kinds: EntryKind) -> list[tuple[int, Entry]]:
        """Give what phrases from here may mean, longest first; of one length what fits the scope first."""
        if i >= len(self.tokens) or self.tokens[i].kind not in ("word", "number"):
            return []
        if i not in self._entries:
            self._entries[i] = self._index.at(self.stems, i)
        found = [(end, entry) for end, entry in self._entries[i] if not kinds or entry.kind in kinds]
        if self.scope is not None:
            found.sort(key=lambda item: (-item[0], -item[1].weight - self._in_scope(item[1])))
        return found

    def quoted_options(self, i: int) -> list[tuple[int, Entry]]:
        """Give the options whose label stands in quotes here."""
        if i >= len(self.tokens) or self.tokens[i].kind != "quoted":
            return []
        phrase = self.language.stems.phrase(self.tokens[i].text)
        return [(i + 1, entry) for entry in self._index.exact(phrase) if entry.kind == "option"]

    def _in_scope(self, entry: Entry) -> float:
        return 0.5 if self.scope and len(entry.path) > 1 and entry.path[0] == self.scope.name else 0.0

    def fields(self, i: int, types: frozenset[FieldType] | None = None) -> list[tuple[int, Entry]]:
        """Give the fields a phrase from here may name, but for those that an object's noun outweighs."""
        nouns = self.entries(i, "object", "other")

        def is_noun(end: int, entry: Entry) -> bool:
            target = entry.field.target if entry.field else None
            return any(
                stop >= end and noun.weight > entry.weight and (noun.kind == "object" or noun.value != target)
                for stop, noun in nouns
            )

        return [
            (end, entry)
            for end, entry in self.entries(i, "field")
            if entry.field and (types is None or entry.field.type in types) and not is_noun(end, entry)
        ]

    def is_label(self, i: int, end: int) -> bool:
        """Whether a label begins here that reaches beyond `end`: "best finish", "total sales", "last name"."""
        return any(
            stop > end and entry.weight >= TRIMMED
            for stop, entry in self.entries(i, "object", "field", "option", "flag")
        )

    def field_called(self, phrase: tuple[str, ...], types: frozenset[FieldType]) -> Entry | None:
        """Give the object's own field that goes by exactly this phrase."""
        for entry in self._index.exact(phrase):
            if entry.kind == "field" and entry.field and entry.field.type in types and len(entry.path) == 1:
                return entry
        return None

    def cue(self, table: str, i: int) -> int | None:
        """Give the end of a cue of this kind that begins here."""
        return self.end_of(self.language.cues[table], i)

    def end_of(self, table: Phrases[Any], i: int) -> int | None:
        """Give the end of a phrase of a table that begins here."""
        found = self.match(table, i)
        return found[1] if found else None

    def match(self, table: Phrases[T], i: int) -> tuple[T, int] | None:
        """Give what the longest phrase of a table from here means, and its end."""
        return self.question.match(table, i)

    def quantity(self, i: int) -> Quantity | None:
        """Give the number that begins here."""
        return quantity_at(self.tokens, i, self.language, self.world.clock.locale)

    def after_determiners(self, i: int) -> int:
        """Skip "a", "the", "any" and the like."""
        while self.low(i) in self.language.sets["determiners"]:
            i += 1
        return i

    def is_known_word(self, i: int) -> bool:
        """Whether a token means something by itself: in the workspace's words or in English."""
        token = self.tokens[i]
        return token.kind != "word" or bool(self.entries(i)) or token.low in self.language.vocabulary

    def is_capital(self, i: int) -> bool:
        """Whether a token is written like a name (not just like the first word of a sentence)."""
        if i >= len(self.tokens):
            return False
        token = self.tokens[i]
        if token.kind != "word" or not token.capital or self.question.shouting:
            return False
        starts = i == 0 or self.tokens[i - 1].low in ".?!:"
        return not (starts and self.is_known_word(i)) and token.low != "i"

    def tense(self, one: Field) -> Tense:
        """Say whether a date field looks back or ahead."""
        words = {*self.language.stems.phrase(one.label), *self.language.stems.phrase(one.name.replace("_", " "))}
        return "future" if words & self.language.tenses["future"] and not one.system else "past"

    # writing ---------------------------------------------------------------------------------------

    def add(self, node: Node, start: int) -> None:
        """Add a condition that was read at `start`; joins it to the one before by "or", negates it after "not"."""
        if self.negate:
            self.negate = False
            opposite = negated(node)
            if opposite is None:
                self.vetoes.append("negate a choice of several conditions")
                return
            node = opposite
        if self.nodes and self._joined_by_or(start):
            begin = len(self.nodes) - 1 if self.either is None else self.either
            self.nodes[begin:] = [any_of([*self.nodes[begin:], node])]
        else:
            self.nodes.append(node)

    def _joined_by_or(self, start: int) -> bool:
        i = start - 1
        while i >= 0 and self.low(i) != "or" and (self.end_of(self.language.stop, i) or self.low(i) in ("", ",")):
            if self.tokens[i].kind == "quoted":
                return False
            i -= 1
        return self.low(i) == "or"

    def add_select(self, path: Path) -> None:
        """Ask for a field."""
        if path not in self.select:
            self.select.append(path)

    def order(self, path: Path, *, descending: bool) -> None:
        """Sort by a field; a second direction for the same field cannot be answered."""
        for known in self.sort:
            if known.path == path:
                if known.descending != descending:
                    self.vetoes.append("answer for both ends of an order at once")
                return
        self.sort.append(Order(path, descending))

    def mark(self, start: int, end: int, weight: float | None) -> None:
        """Note how surely tokens were read."""
        for i in range(start, end):
            self.weights[i] = weight

    def finish(self) -> Reading:
        """Give what was read."""
        if self.negate:
            self.vetoes.append("tell what is negated")
        if self.wants_order and not self.sort:
            self.vetoes.append("tell what to sort by")
        if self.how_much and not (self.ones or (self.superlative and self.singular)):
            self.vetoes.append("add up, average or compare values")
        if self.count and (self.superlative or self.limit is not None):
            self.vetoes.append("count within the first of an order")
        if self.others and not self.named and not self.ones:
            self.misfits.append(self.type.name)
        if not (self.follows or self.named or self.ones or self.nodes or self.count or self.sort or self.lookups):
            self.vetoes.append("tell which records are meant")
        return Reading(
            spec=self._spec(),
            named=self.named,
            named_at=self.named_at,
            weights=tuple(self.weights),
            unread=tuple(self.unread),
            lookups=tuple(dict.fromkeys(self.lookups)),
            missing=tuple(dict.fromkeys(self.missing)),
            strangers=tuple(dict.fromkeys(self.strangers)),
            doubts=tuple(dict.fromkeys(self.doubts)),
            vetoes=tuple(dict.fromkeys(self.vetoes)),
            misfits=tuple(self.misfits),
        )

    def _spec(self) -> Spec:
        limit = self.limit
        if limit is None and self.superlative and self.singular:
            limit = 1
        return Spec(
            object=self.type.name,
            where=tuple(self.nodes),
            sort=() if self.count else tuple(self.sort),
            limit=None if self.count else limit,
            select=() if self.count else tuple(self.select),
            count=self.count,
            one=self.ones[0] if self.ones else None,
        )


@dataclass(frozen=True)
class Took:
    """What a rule read.

    Attributes:
        end: The first token it left.
        weight: How surely; None for words that say nothing.
    """

    end: int
    weight: float | None = 1.0


Rule = Callable[[Reader, int], Took | None]


def read(reader: Reader, rules: Sequence[Rule], *, at_end: Callable[[Reader], None]) -> Reading:
    """Read a question: at each place the first rule that takes something wins.

    Args:
        at_end: Settles what only the whole question can tell.
    """
    i = 0
    while i < len(reader.tokens):
        took = next((took for rule in rules if (took := rule(reader, i))), None)
        if took is None:
            reader.unread.append(i)
            reader.mark(i, i + 1, 0.0)
            i += 1
        else:
            reader.mark(i, took.end, took.weight)
            i = took.end
    at_end(reader)
    return reader.finish()
