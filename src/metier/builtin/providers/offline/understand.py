"""From a question to an outcome: an answer's spec, names to look up, a doubt, help, or an abstention.

question ─▶ tokens ─▶ one reading per likely object ─▶ the best, judged ─▶ Outcome
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from metier.builtin.providers.offline import followups, opening
from metier.builtin.providers.offline.judge import ENOUGH, Verdict, judge
from metier.builtin.providers.offline.language import Language
from metier.builtin.providers.offline.lexicon import ALIAS, TRIMMED, Entry, Index, LexiconMaker
from metier.builtin.providers.offline.names import looks_titled
from metier.builtin.providers.offline.outcome import Abstain, Answer, Help, LookUp, Outcome, Unsure
from metier.builtin.providers.offline.reader import Doubt, Known, Question, Reader, Reading, Rule, World, read
from metier.builtin.providers.offline.rules import CAREFUL, RULES, VALUES, rank_rows
from metier.builtin.providers.offline.schema import Schema
from metier.builtin.providers.offline.spec import Hit, Path, Spec, one_of, paths
from metier.builtin.providers.offline.spelling import Speller
from metier.builtin.providers.offline.stretches import Clockwork
from metier.builtin.providers.offline.tokens import Token, tokenize
from metier.records.shape import FieldType, ObjectType

_CANDIDATES = 6  # objects read per question
_NOUN = 3.0  # times what the same word weighs as a field or option
_SAME = 0.02  # scores nearer than this are one


@dataclass(frozen=True)
class _Tried:
    reading: Reading
    verdict: Verdict

    @property
    def answers(self) -> bool:
        return self.verdict.answers(self.reading)

    @property
    def waits(self) -> bool:
        """Whether only look-ups are missing."""
        reading = self.reading
        return bool(reading.lookups) and not (reading.unread or reading.vetoes or reading.misfits or reading.missing)


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
        tokens = opening.without_greeting(tokenize(text, self.language.stems), self.language)
        if opening.asks_for_help(tokens, self.language):
            return Help()
        if cannot := opening.unanswerable(tokens, self.language, self._begins_with_label):
            return Abstain(cannot=(cannot,))
        tokens = self._speller.corrected(tokens)
        world = World(self.schema, self.language, clock, known or {})
        fresh = self._best(self._tried(Question(text, tokens, shouting=looks_titled(tokens)), world))
        tied = followups.is_tied(tokens, self.language)
        if not last or (not tied and isinstance(fresh, Answer) and (fresh.spec.one is not None or fresh.named)):
            return fresh
        follow_up = self._follow_up(text, tokens, world, last)
        return follow_up if isinstance(follow_up, Answer | LookUp) or (tied and follow_up) else fresh

    # for what is written ---------------------------------------------------------------------------

    def tokens(self, text: str) -> list[Token]:
        """Cut a text into words, a greeting cut off, slips put right."""
        tokens = opening.without_greeting(tokenize(text, self.language.stems), self.language)
        return self._speller.corrected(tokens)

    def verb_at(self, tokens: Sequence[Token]) -> int | None:
        """Give the place of the verb that asks for a change, if the words ask for one."""
        return opening.writes_at(tokens, self.language, self._begins_with_label)

    def records(self, question: Question, world: World) -> Outcome:
        """Read words that say which records are meant: "all tasks due last week"."""
        return self._best(self._tried(question, world, CAREFUL))

    def values(self, question: Question, world: World, name: str) -> Reading:
        """Read words that give fields of an object values: "50 employees in Berlin, owner me"."""
        return self._read(question, world, name, before=Spec(name), rules=VALUES).reading

    def index(self, name: str) -> Index:
        """Give what words mean for an object."""
        return self._lexicon.of(name).index

    # reading ---------------------------------------------------------------------------------------

    def _read(
        self,
        question: Question,
        world: World,
        name: str,
        *,
        before: Spec | None = None,
        rules: Sequence[Rule] = RULES,
    ) -> _Tried:
        reader = Reader(question, self._lexicon.of(name), world)
        reader.follows, reader.topic = before is not None, _topic(before) if before else None
        reading = _settled(read(reader, rules, at_end=rank_rows), reader.ones)
        return _Tried(reading, judge(reading, question.tokens, sparse=before is not None))

    def _tried(self, question: Question, world: World, rules: Sequence[Rule] = RULES) -> list[_Tried]:
        """Read a question for its likely objects, best first; those that it does not name only if the others fail."""
        named, others = self._candidates(question.tokens, world.known)
        tried = [self._read(question, world, name, rules=rules) for name in named]
        if not any(one.answers or one.waits for one in tried):
            tried += [self._read(question, world, name, rules=rules) for name in others]
        person = question.tokens[0].low == "who"
        return sorted(tried, key=lambda one: (-self._rank(one, person=person), one.reading.named_at))

    def _rank(self, tried: _Tried, *, person: bool) -> float:
        """Give the score by which readings compete: vetoed and doubtful ones come after others."""
        reading = tried.reading
        rank = tried.verdict.score - 0.1 * len(reading.doubts) - 0.02 * len(reading.missing)
        kind = self.schema.objects[reading.spec.object]
        if person and not reading.named and kind.by_name[kind.title].type is FieldType.FULL_NAME:
            rank += 0.05
        return rank + 0.05 * reading.named - 0.01 * reading.named_at / max(1, len(reading.weights))

    def _best(self, tried: Sequence[_Tried]) -> Outcome:
        if not tried:
            return Abstain()
        best = tried[0]
        if best.waits:
            return LookUp(best.reading.lookups)
        if not best.answers:
            return _abstention(best)
        reading, score = best.reading, best.verdict.score
        rivals = [t.reading for t in tried[1:] if abs(t.verdict.score - score) <= _SAME and t.answers]
        if rivals and not reading.named and not reading.spec.one:
            return self._several_objects(reading, rivals)
        return Answer(reading.spec, score, best.verdict.unread, reading.named > 0)

    def _several_objects(self, reading: Reading, rivals: Iterable[Reading]) -> Unsure:
        names = [one.spec.object for one in (reading, *rivals)]
        labels = tuple(dict.fromkeys(self.schema.objects[name].label_plural for name in names))
        return Unsure((Doubt("the question", labels),), reading.spec)

    def _follow_up(self, text: str, tokens: Sequence[Token], world: World, last: str) -> Outcome | None:
        """Read a question that names no object of its own as one about the last answer; None if it cannot be one."""
        before = self.outcome(last, world.clock, known=world.known)
        if not isinstance(before, Answer) or before.spec.one is not None:
            return None
        rest = followups.untied(tokens, self.language)
        if followups.names_another(rest, self._lexicon.of(before.spec.object).index):
            return None
        question = Question(text, rest, shouting=looks_titled(tokens))
        tried = self._read(question, world, before.spec.object, before=before.spec)
        if tried.waits:
            return LookUp(tried.reading.lookups)
        if tried.reading.spec.one or (rest and not tried.answers):
            return _abstention(tried)
        again = followups.lists_again(tokens, self.language)
        spec = followups.merged(before.spec, tried.reading.spec, list_again=again)
        return Answer(spec, max(tried.verdict.score, ENOUGH)) if spec != before.spec or again else None

    def _begins_with_label(self, words: Sequence[Token], i: int) -> bool:
        stems = [word.stem for word in words]
        return any(
            entry.weight >= TRIMMED
            and (
                entry.kind == "object"
                or (entry.kind == "option" and (end > i + 1 or _is_spelled_so(words[i], entry)))
                or (entry.kind == "field" and end > i + 1)
            )
            for name in self._objects_by_word.get(stems[i], {})
            for end, entry in self._lexicon.of(name).index.at(stems, i)
        )

    def _candidates(self, tokens: Sequence[Token], known: Known) -> tuple[list[str], list[str]]:
        """Give the objects a question may be about, likeliest first: those it names (or a record of), and others."""
        scores: dict[str, float] = {}
        named = {hit.object for hits in known.values() for hit in hits}
        for token in tokens:
            for name, weight in self._objects_by_word.get(token.stem, {}).items():
                scores[name] = scores.get(name, 0.0) + weight
                if weight >= _NOUN * ALIAS:
                    named.add(name)
        likely = sorted(scores.keys() | (named & self.schema.objects.keys()), key=lambda name: -scores.get(name, 0.0))
        chosen = likely[:_CANDIDATES] or list(self.schema.objects)[:2]
        return [name for name in chosen if name in named], [name for name in chosen if name not in named]

    # made once -------------------------------------------------------------------------------------

    def _words_of_objects(self) -> dict[str, dict[str, float]]:
        """Give, per stem, the objects it may point to and how strongly: nouns before fields and options."""
        table: dict[str, dict[str, float]] = {}
        for kind in self.schema.objects.values():
            for phrase, entries in self._lexicon.own(kind).phrases():
                weight = max((_NOUN if entry.kind == "object" else 1.0) * entry.weight for entry in entries)
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


def _is_spelled_so(word: Token, entry: Entry) -> bool:
    """Whether an option goes by a word as it stands: not "close" for "closed"."""
    options = [option for option in entry.field.options if option.value == entry.value] if entry.field else []
    return any(word.low == name.lower() for o in options for name in (o.label, o.value, *o.aliases))


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


def _topic(before: Spec) -> Path | None:
    """Give the field the last question compared: "only those over 6" is about it too."""
    named = [path for node in before.where for path in paths(node)]
    return named[-1] if named else None


def _abstention(tried: _Tried) -> Outcome:
    reading = tried.reading
    if reading.doubts and not reading.vetoes and not reading.unread:
        return Unsure(reading.doubts, reading.spec)
    return Abstain(
        tried.verdict.unread, reading.vetoes, reading.missing, reading.strangers, reading.misfits, reading.spec
    )
