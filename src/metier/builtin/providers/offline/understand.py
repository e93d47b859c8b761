"""From a question to one of five outcomes: an answer's spec, names to look up, a doubt, help, or an abstention.

question ─▶ tokens ─▶ one reading per likely object ─▶ the best, judged ─▶ Outcome
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from metier.builtin.providers.offline.judge import Verdict, judge
from metier.builtin.providers.offline.language import Language
from metier.builtin.providers.offline.lexicon import LexiconMaker
from metier.builtin.providers.offline.merge import merged
from metier.builtin.providers.offline.names import looks_titled
from metier.builtin.providers.offline.reader import Doubt, Known, Reader, Reading, World, read
from metier.builtin.providers.offline.rules import RULES
from metier.builtin.providers.offline.schema import Schema
from metier.builtin.providers.offline.spec import Hit, Spec, one_of
from metier.builtin.providers.offline.spelling import Speller
from metier.builtin.providers.offline.stretches import Clockwork
from metier.builtin.providers.offline.tokens import Token, tokenize
from metier.records.shape import FieldType, ObjectType

_CANDIDATES = 6  # objects read per question
_SAME = 0.02  # scores nearer than this are one
_MOST_TOKENS = 80


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


@dataclass(frozen=True)
class _Tried:
    reading: Reading
    verdict: Verdict


class Understanding:
    """Reads questions about the objects of one schema; made once per set of tools.

    Args:
        schema: What the actor may see.
    """

    def __init__(self, schema: Schema, language: Language) -> None:
        self.schema = schema
        self.language = language
        self._lexicon = LexiconMaker(schema, language)
        self._objects_by_word = self._words_of_objects()
        self._speller = Speller(self._vocabulary(), language.stems)

    def outcome(self, text: str, clock: Clockwork, *, known: Known | None = None, last: str = "") -> Outcome:
        """Say what a question asks for.

        Args:
            known: What was looked up so far, by folded name.
            last: Restatement of the question before, for follow-ups.
        """
        tokens = self._without_greeting(tokenize(text, self.language.stems))
        if not tokens or self._asks_for_help(tokens):
            return Help()
        if len(tokens) > _MOST_TOKENS:
            return Abstain(cannot=(f"read questions of more than {_MOST_TOKENS} words",))
        tokens = self._speller.corrected(tokens)
        if cannot := self._unanswerable(tokens):
            return Abstain(cannot=cannot)
        world = World(self.schema, self.language, clock, known or {})
        fresh = self._best(self._tried(text, tokens, world))
        if last and not self._stands_alone(fresh, tokens):
            return self._follow_up(text, tokens, world, last) or fresh
        return fresh

    def _stands_alone(self, fresh: Outcome, tokens: Sequence[Token]) -> bool:
        """Whether a question can be answered without the one before."""
        if self.language.followups["ties"].at(tokens, 0):
            return False
        return isinstance(fresh, Answer) and (fresh.spec.one is not None or fresh.named)

    # reading ---------------------------------------------------------------------------------------

    def _read(self, text: str, tokens: Sequence[Token], world: World, name: str, *, sparse: bool = False) -> _Tried:
        reader = Reader(text, tokens, self._lexicon.of(name), world, shouting=looks_titled(tokens))
        reading = _settled(read(reader, RULES), reader.ones)
        return _Tried(reading, judge(reading, tokens, sparse=sparse))

    def _tried(self, text: str, tokens: Sequence[Token], world: World) -> list[_Tried]:
        tried = [self._read(text, tokens, world, name) for name in self._candidates(tokens, world.known)]
        person = tokens[0].low == "who"
        return sorted(tried, key=lambda one: (-self._rank(one, person=person), one.reading.named_at))

    def _rank(self, tried: _Tried, *, person: bool) -> float:
        """Give the score by which readings compete: vetoed and doubtful ones come after others."""
        reading = tried.reading
        rank = tried.verdict.score - 0.1 * len(reading.doubts) - 0.02 * len(reading.missing)
        kind = self.schema.objects[reading.spec.object]
        if person and not reading.named and kind.by_name[kind.title].type is FieldType.FULL_NAME:
            rank += 0.05
        return rank - 0.01 * reading.named_at / max(1, len(reading.weights))

    def _best(self, tried: Sequence[_Tried]) -> Outcome:
        if not tried:
            return Abstain()
        best = tried[0]
        reading, verdict = best.reading, best.verdict
        rivals = [
            t.reading
            for t in tried[1:]
            if abs(t.verdict.score - verdict.score) <= _SAME and t.verdict.answers(t.reading)
        ]
        if reading.lookups and not (reading.unread or reading.vetoes or reading.misfits or reading.missing):
            return LookUp(reading.lookups)
        if verdict.answers(reading):
            if rivals and not reading.named and not reading.spec.one:
                return self._several_objects(reading, rivals)
            return Answer(reading.spec, verdict.score, verdict.unread, reading.named > 0)
        return _abstention(reading, verdict)

    def _several_objects(self, reading: Reading, rivals: Iterable[Reading]) -> Unsure:
        names = [one.spec.object for one in (reading, *rivals)]
        labels = tuple(dict.fromkeys(self.schema.objects[name].label_plural for name in names))
        return Unsure((Doubt("the question", labels),), reading.spec)

    def _follow_up(self, text: str, tokens: Sequence[Token], world: World, last: str) -> Outcome | None:
        """Read a question that names no object of its own as one about the last answer."""
        before = self.outcome(last, world.clock, known=world.known)
        if not isinstance(before, Answer) or before.spec.one is not None:
            return None
        rest = self._untied(tokens)
        if any(self._names_object(rest, i, before.spec.object) for i in range(len(rest))):
            return None
        tried = self._read(text, rest, world, before.spec.object, sparse=True)
        reading = tried.reading
        if reading.lookups and not (reading.unread or reading.misfits or reading.vetoes):
            return LookUp(reading.lookups)
        if reading.spec.one or (rest and not tried.verdict.answers(reading)):
            return None
        again = any(self.language.followups["again"].at(tokens, i) for i in range(len(tokens)))
        spec = merged(before.spec, reading.spec, list_again=again)
        return Answer(spec, max(tried.verdict.score, 0.6)) if spec != before.spec or again else None

    def _untied(self, tokens: Sequence[Token]) -> list[Token]:
        kept: list[Token] = []
        i = 0
        while i < len(tokens):
            found = self.language.followups["cues"].at(tokens, i)
            if found:
                i = found[1]
                continue
            if tokens[i].kind != "punct" or tokens[i].low == ",":
                kept.append(tokens[i])
            i += 1
        return kept

    def _names_object(self, tokens: Sequence[Token], i: int, but: str) -> bool:
        index = self._lexicon.of(but).index
        entries = index.at([token.stem for token in tokens], i)
        return bool(entries) and entries[0][1].kind == "other"

    # before reading --------------------------------------------------------------------------------

    def _without_greeting(self, tokens: list[Token]) -> list[Token]:
        """Cut "Hello," off a question."""
        found = self.language.help["greetings"].at(tokens, 0)
        if found is None:
            return tokens
        rest = tokens[found[1] :]
        while rest and rest[0].kind == "punct":
            rest = rest[1:]
        return rest

    def _asks_for_help(self, tokens: Sequence[Token]) -> bool:
        words = [token for token in tokens if token.kind != "punct"]
        for table in ("asks", "thanks"):
            found = self.language.help[table].at(words, 0)
            if found and all(self._is_filler(words, i) for i in range(found[1], len(words))):
                return True
        return not words

    def _is_filler(self, tokens: Sequence[Token], i: int) -> bool:
        return self.language.stop.at(tokens, i) is not None or tokens[i].low in self.language.minor

    def _unanswerable(self, tokens: Sequence[Token]) -> tuple[str, ...]:
        """Say what a question asks for that no reading could give: changes, several questions at once."""
        if self._writes(tokens):
            return ("create or change records",)
        ends = [i for i, token in enumerate(tokens[:-1]) if token.low in ("?", "!", ";") or token.low == "."]
        chips = any(token.low == ";" for token in tokens)
        for i in ends:
            if (
                not chips
                and any(token.kind != "punct" for token in tokens[i + 1 :])
                and not self._is_thanks(tokens[i + 1 :])
            ):
                return ("answer several questions at once",)
        return ()

    def _is_thanks(self, tokens: Sequence[Token]) -> bool:
        return all(
            token.kind == "punct" or self._is_filler(tokens, i) or self.language.help["thanks"].at(tokens, i)
            for i, token in enumerate(tokens)
        )

    def _writes(self, tokens: Sequence[Token]) -> bool:
        words = [token for token in tokens if token.kind != "punct"]
        i = 0
        polite = self.language.sets["polite"]
        while i < len(words) and words[i].low in polite:
            i += 1
        found = self.language.writes.at(words, i)
        if found is None:
            return False
        return not self._begins_with_schema_word(words, i)

    def _begins_with_schema_word(self, words: Sequence[Token], i: int) -> bool:
        """Whether the sentence begins with a noun or label ("Note titles", "Close dates of …", "Open tasks")."""
        stems = [word.stem for word in words]
        follows = words[i + 1].low if i + 1 < len(words) else ""
        if follows in self.language.sets["after_writing"]:
            return False
        return any(
            entry.kind in ("object", "field", "option") and entry.weight >= 0.9
            for name in self._objects_by_word.get(stems[i], {})
            for _, entry in self._lexicon.of(name).index.at(stems, i)
        )

    def _candidates(self, tokens: Sequence[Token], known: Known) -> list[str]:
        """Give the objects a question may be about, likeliest first."""
        scores: dict[str, float] = {}
        for token in tokens:
            for name, weight in self._objects_by_word.get(token.stem, {}).items():
                scores[name] = scores.get(name, 0.0) + weight
        for hits in known.values():
            for hit in hits:
                if hit.object in self.schema.objects:
                    scores[hit.object] = scores.get(hit.object, 0.0) + 1.0
        if not scores:
            return list(self.schema.objects)[:2]
        return sorted(scores, key=lambda name: -scores[name])[:_CANDIDATES]

    # made once -------------------------------------------------------------------------------------

    def _words_of_objects(self) -> dict[str, dict[str, float]]:
        """Give, per stem, the objects it may point to and how strongly: nouns before fields and options."""
        table: dict[str, dict[str, float]] = {}
        for kind in self.schema.objects.values():
            for phrase, entries in self._lexicon.own(kind).phrases():
                weight = max((3.0 if entry.kind == "object" else 1.0) * entry.weight for entry in entries)
                for stem in phrase:
                    objects = table.setdefault(stem, {})
                    objects[kind.name] = max(objects.get(kind.name, 0.0), weight)
        return table

    def _vocabulary(self) -> set[str]:
        words = set(self.language.vocabulary)
        for kind in (*self.schema.objects.values(), *self.schema.targets.values()):
            for label in _labels(kind):
                words |= {
                    token.low
                    for token in tokenize(label.replace("_", " "), self.language.stems)
                    if token.kind == "word"
                }
        return words


def _labels(kind: ObjectType) -> Iterable[str]:
    yield from (kind.label, kind.label_plural, kind.name, kind.plural, *kind.aliases)
    for field in kind.fields:
        yield from (field.label, field.name, *field.aliases)
        for option in field.options:
            yield from (option.label, option.value, *option.aliases)


def _settled(reading: Reading, ones: Sequence[Hit]) -> Reading:
    """Make a filter of records that were named together with conditions, or of several records."""
    spec = reading.spec
    if not ones or (len(ones) == 1 and not spec.where and not spec.count and not spec.sort):
        return reading
    same = one_of(("id",), [(hit.id, hit.label) for hit in ones])
    return replace(reading, spec=replace(spec, one=None, where=(same, *spec.where)))


def _abstention(reading: Reading, verdict: Verdict) -> Outcome:
    if reading.doubts and not reading.vetoes and not reading.unread:
        return Unsure(reading.doubts, reading.spec)
    return Abstain(verdict.unread, reading.vetoes, reading.missing, reading.strangers, reading.misfits, reading.spec)
