"""The words of a sentence that writes, and stretches of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from metier.builtin.providers.offline.lexicon import HEAD, Entry
from metier.builtin.providers.offline.reader import Known, Question, Reading, World
from metier.builtin.providers.offline.schema import MEMBER
from metier.builtin.providers.offline.tokens import Token
from metier.builtin.providers.offline.understand import Understanding
from metier.records.shape import ObjectType

Words = Sequence[Token]
CALLED = frozenset(("called", "named", "titled", "entitled", ":"))
QUOTES = "Put names and texts into quotes."


@dataclass(frozen=True)
class Sentence:
    """What is said, and all it is read with.

    Attributes:
        me: Id of the member who speaks; empty if it is none.
        chosen: What a person has answered, by question.
        last: Restatement of the question before.
        remembered: What was found for names, in earlier questions too; only for what `last` has restated.
    """

    source: str
    words: Words
    understanding: Understanding
    world: World
    shouting: bool
    me: str
    chosen: dict[str, str]
    last: str
    remembered: Known

    @property
    def kinds(self) -> list[ObjectType]:
        """The objects that may be written about."""
        return [kind for kind in self.world.schema.objects.values() if kind.name != MEMBER]

    def kind(self, name: str) -> ObjectType:
        """Give an object."""
        return self.world.schema.objects[name]

    def text(self, words: Words) -> str:
        """Give words as they were written; quotes around all of them are left out."""
        if len(words) == 1 or not words:
            return words[0].text if words else ""
        return self.source[words[0].start : words[-1].end].strip().rstrip(".!").rstrip()

    def question(self, words: Words) -> Question:
        """Make words a question of their own."""
        return Question(self.source, words, shouting=self.shouting)

    def values(self, words: Words, name: str) -> Reading:
        """Read words as values of an object's fields."""
        return self.understanding.values(self.question(words), self.world, name)

    def is_in(self, words: Words, i: int, table: str) -> bool:
        """Whether the word at a place is in a set of words."""
        known = self.world.language.sets[table]
        return 0 <= i < len(words) and words[i].kind != "quoted" and words[i].low in known

    def without_determiners(self, words: Words) -> Words:
        """Leave out "the", "a", "new" at the beginning, and punctuation at both ends."""
        start, end = 0, len(words)
        while start < end and (words[start].kind == "punct" or words[start].low in _DETERMINERS):
            start += 1
        while end > start and words[end - 1].kind == "punct":
            end -= 1
        return words[start:end]

    def noun_at(self, words: Words, i: int, kinds: Sequence[ObjectType]) -> tuple[ObjectType, int] | None:
        """Give the object that a noun at a place names, and the noun's end: the longest, then the surest."""
        found = [
            (end, entry.weight, kind)
            for kind in kinds
            for end, entry in self._entries(words, i, kind)
            if entry.kind == "object" and entry.weight >= HEAD
        ]
        best = max(found, key=lambda one: one[:2], default=None)
        return (best[2], best[0]) if best else None

    def field_ends(self, words: Words, i: int) -> list[int]:
        """Give where phrases end that begin at a place and name a field of some object, the longest first."""
        found = {
            end
            for kind in self.kinds
            for end, entry in self._entries(words, i, kind)
            if entry.kind in ("field", "flag") and len(entry.path) == 1 and entry.weight >= HEAD
        }
        return sorted(found, reverse=True)

    def fields_of(self, words: Words, kind: ObjectType) -> Iterator[Entry]:
        """Give the fields of an object that exactly these words may name, the likeliest first."""
        for end, entry in self._entries(words, 0, kind):
            if entry.kind == "field" and len(entry.path) == 1 and entry.field and end == len(words):
                yield entry

    def _entries(self, words: Words, i: int, kind: ObjectType) -> list[tuple[int, Entry]]:
        if i >= len(words) or words[i].kind not in ("word", "number"):
            return []
        return self.understanding.index(kind.name).at([word.stem for word in words], i)


_DETERMINERS = frozenset(("the", "a", "an", "new", "another", "this", "that", "our", "me", "us"))


def is_plural(words: Words, start: int, end: int, kind: ObjectType, sentence: Sentence) -> bool:
    """Whether a noun means several."""
    said = words[end - 1].low
    differs = kind.label != kind.label_plural
    return differs and (said.endswith("s") or said in sentence.world.language.sets["plurals"])
