"""Words of the workspace: every phrase that may name something, from labels, names, aliases and options.

An entry says what a phrase means when a question is read as one about a certain object:

phrase           entry
close date       field (close_date,)           weight 1
closing          field (close_date,)           weight .8    trimmed label, synonym, single word …
won              option (stage,) = "won"       weight 1
inactive         flag (active,) = False        weight .9
company's city   field (company, city)         one relation away, weaker
companies        other "company"               another object's noun
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from metier.builtin.providers.offline.language import Language
from metier.builtin.providers.offline.schema import Schema
from metier.builtin.providers.offline.spec import Path
from metier.records.shape import Field, FieldType, ObjectType, Option

Phrase = tuple[str, ...]
EntryKind = Literal["object", "other", "field", "option", "flag"]

EXACT, ALIAS, TRIMMED, SYNONYM, HEAD, WORD, HINT = 1.0, 0.95, 0.9, 0.75, 0.7, 0.5, 0.45
AWAY = 0.6  # of what the same phrase weighs on the object itself

_NEGATIVE_PREFIXES = ("un", "in", "non", "not", "im", "dis")
_AGENT_ENDINGS = ("or", "er", "ee")


@dataclass(frozen=True)
class Entry:
    """What a phrase may mean.

    Attributes:
        path: From the object that is read; empty for nouns.
        field: The field at the end of `path`; for parts of composite fields a field made up for the part.
        value: The option's value, the flag's boolean, or the other object's name.
        weight: 0–1, how sure the phrase means this.
    """

    kind: EntryKind
    path: Path = ()
    field: Field | None = None
    value: Any = None  # str or bool
    weight: float = EXACT


class Index:
    """Phrases of stems and their entries; all matches at a place, longest and heaviest first."""

    def __init__(self) -> None:
        self._by_first: dict[str, dict[Phrase, list[Entry]]] = {}

    def add(self, phrase: Phrase, entry: Entry) -> None:
        """Add an entry; of two that mean the same the heavier stays."""
        if not phrase:
            return
        known = self._by_first.setdefault(phrase[0], {}).setdefault(phrase, [])
        for i, other in enumerate(known):
            if (other.kind, other.path, other.value) == (entry.kind, entry.path, entry.value):
                known[i] = max(other, entry, key=lambda one: one.weight)
                break
        else:
            known.append(entry)
        known.sort(key=lambda one: -one.weight)

    def at(self, stems: Sequence[str], start: int) -> list[tuple[int, Entry]]:
        """Give `(end, entry)` of all phrases that begin at `start`."""
        found = [
            (start + len(phrase), entry)
            for phrase, entries in self._by_first.get(stems[start], {}).items()
            if tuple(stems[start : start + len(phrase)]) == phrase
            for entry in entries
        ]
        return sorted(found, key=lambda item: (-item[0], -item[1].weight))

    def phrases(self) -> Iterator[tuple[Phrase, list[Entry]]]:
        """Give all phrases and their entries."""
        return ((phrase, entries) for known in self._by_first.values() for phrase, entries in known.items())

    def exact(self, phrase: Phrase) -> list[Entry]:
        """Give the entries of exactly this phrase, heaviest first."""
        return self._by_first.get(phrase[0], {}).get(phrase, []) if phrase else []


@dataclass(frozen=True)
class ObjectLexicon:
    """All that words can mean in a question about one object."""

    type: ObjectType
    index: Index = field(default_factory=Index)


def parts_of(one: Field) -> dict[str, Field]:
    """Give the parts of a composite field that can be compared, as fields."""
    match one.type:
        case FieldType.FULL_NAME:
            names = {
                "first_name": ("First name", "forename", "given name"),
                "last_name": ("Last name", "surname", "family name"),
            }
            return {
                name: Field(name, label, FieldType.TEXT, aliases=tuple(aliases))
                for name, (label, *aliases) in names.items()
            }
        case FieldType.CURRENCY:
            label = f"{one.label} currency"
            return {"currency_code": Field("currency_code", label, FieldType.TEXT, aliases=("currency",))}
        case _:
            return {}


class LexiconMaker:
    """Makes the lexicon of one object after the other, as they are asked about.

    Args:
        schema: What the actor may see.
    """

    def __init__(self, schema: Schema, language: Language) -> None:
        self._schema = schema
        self._language = language
        self._stems = language.stems
        self._made: dict[str, ObjectLexicon] = {}

    def of(self, name: str) -> ObjectLexicon:
        """Give the lexicon of an object."""
        if name not in self._made:
            self._made[name] = self._make(self._schema.objects[name])
        return self._made[name]

    def own(self, kind: ObjectType) -> Index:
        """Make an index of an object's own nouns, fields, options and flags."""
        index = Index()
        for phrase, weight in self.nouns(kind):
            index.add(phrase, Entry("object", value=kind.name, weight=weight))
        for one in kind.fields:
            for phrase, entry in self._field_entries(one):
                index.add(phrase, entry)
        for words, one in _plain_words(kind):
            for word in words:
                if not index.exact((word,)):
                    index.add((word,), Entry("field", (one.name,), one, weight=WORD))
        return index

    def nouns(self, kind: ObjectType) -> Iterator[tuple[Phrase, float]]:
        """Give the phrases that name an object, with weights."""
        names = self._names([kind.label, kind.label_plural, kind.name, kind.plural], kind.aliases)
        for phrase in list(names):
            for synonym in self._language.noun_synonyms.get(phrase, ()):
                names.setdefault(synonym, SYNONYM)
        yield from names.items()
        words = self._stems.phrase(kind.label)
        telling = tuple(word for word in words if word not in self._language.sets["noun_fillers"])
        if telling and len(telling) < len(words):
            yield telling, TRIMMED
        if len(words) > 1:
            yield words[-1:], HEAD

    def _make(self, kind: ObjectType) -> ObjectLexicon:
        index = self.own(kind)
        own = {phrase for phrase, _ in index.phrases()}
        for relation in kind.fields:
            target = self._schema.object(relation.target) if relation.target else None
            if target is not None and relation.type is FieldType.RELATION:
                self._add_away(index, relation, target, own)
        for other in self._schema.objects.values():
            if other.name != kind.name:
                for phrase, weight in self.nouns(other):
                    index.add(phrase, Entry("other", value=other.name, weight=weight * 0.9))
        return ObjectLexicon(kind, index)

    def _add_away(self, index: Index, relation: Field, target: ObjectType, own: set[Phrase]) -> None:
        for phrase, weight in self.nouns(target):
            index.add(phrase, Entry("field", (relation.name,), relation, weight=weight * 0.8))
        before = self._stems.phrase(relation.label)
        for one in target.fields:
            for phrase, entry in self._field_entries(replace(one, options=_without_aliases(one)), single_words=False):
                path = (relation.name, *entry.path)
                index.add((*before, *phrase), replace(entry, path=path, weight=entry.weight * 0.95))
                if phrase not in own:
                    index.add(phrase, replace(entry, path=path, weight=entry.weight * AWAY))

    # fields ----------------------------------------------------------------------------------------

    def _field_entries(self, one: Field, *, single_words: bool = True) -> Iterator[tuple[Phrase, Entry]]:
        path = (one.name,)
        if one.type is FieldType.BOOLEAN:
            yield from self._flag_entries(one)
        for phrase, weight in self._field_names(one, single_words=single_words):
            yield phrase, Entry("field", path, one, weight=weight)
        for option in one.options:
            for phrase, weight in self._names([option.label, option.value], option.aliases).items():
                yield phrase, Entry("option", path, one, option.value, weight)
        for name, part in parts_of(one).items():
            for phrase, weight in self._names([part.label, part.name], part.aliases).items():
                yield phrase, Entry("field", (*path, name), part, weight=weight * 0.95)

    def _field_names(self, one: Field, *, single_words: bool) -> Iterator[tuple[Phrase, float]]:
        found = self._names([one.label, one.name], one.aliases)
        for phrase in map(self._stems.phrase, [one.label, *one.aliases]):
            for shorter, weight in self._shorter(phrase, single_words=single_words and not one.system):
                found.setdefault(shorter, weight)
        if one.type is FieldType.RELATION:
            for verb in self._agent_verbs([one.label, *one.aliases]):
                found.setdefault(verb, HEAD)
        for phrase, weight in list(found.items()):
            for synonym in self._synonyms(one, phrase) if weight >= HEAD else ():
                found.setdefault(synonym, weight * SYNONYM)
        yield from found.items()

    def _synonyms(self, one: Field, phrase: Phrase) -> Iterable[Phrase]:
        found = self._language.synonyms.get(phrase, frozenset())
        if one.type is FieldType.RELATION:
            return found | self._language.noun_synonyms.get(phrase, frozenset())
        return found

    def _flag_entries(self, one: Field) -> Iterator[tuple[Phrase, Entry]]:
        path = (one.name,)
        for phrase, weight in self._field_names(one, single_words=False):
            yield phrase, Entry("flag", path, one, True, weight)
        for word in (label.lower() for label in (one.label, *one.aliases) if " " not in label):
            for prefix in _NEGATIVE_PREFIXES:
                yield (self._stems.of(prefix + word),), Entry("flag", path, one, False, TRIMMED)

    def _agent_verbs(self, labels: Iterable[str]) -> Iterator[Phrase]:
        """Give the verbs behind a role: `account owner` → own, `assignee` → assign."""
        for word in (label.lower().split()[-1] for label in labels):
            for ending in _AGENT_ENDINGS:
                root = word.removesuffix(ending)
                if root != word and len(root) > 2:
                    yield from ((self._stems.of(root + tail),) for tail in ("", "e", "ed"))

    def _names(self, exact: Iterable[str], aliases: Iterable[str]) -> dict[Phrase, float]:
        """Give the phrases of names and aliases with their weights."""
        found: dict[Phrase, float] = {}
        for names, weight in ((exact, EXACT), (aliases, ALIAS)):
            for name in names:
                found.setdefault(self._stems.phrase(name.replace("_", " ")), weight)
        found.pop((), None)
        return found

    # other forms of a label -----------------------------------------------------------------------------------------

    def _shorter(self, phrase: Phrase, *, single_words: bool) -> Iterator[tuple[Phrase, float]]:
        """Give other forms of a label: turned round, without words like "date", its ends, initials, single words."""
        sets = self._language.sets
        telling = tuple(word for word in phrase if word not in sets["generic"])
        yield from self._turned(phrase)
        if telling and len(telling) < len(phrase):
            yield telling, TRIMMED if len(telling) == 1 or phrase[-len(telling) :] == telling else SYNONYM
        yield from self._ends(phrase)
        if len(phrase) > 2 and all(len(word) > 1 for word in phrase):
            yield ("".join(word[0] for word in phrase),), SYNONYM
        if single_words and len(phrase) > 1:
            for word in telling:
                yield (word,), HINT if word in sets["grammar"] else WORD

    def _ends(self, phrase: Phrase) -> Iterator[tuple[Phrase, float]]:
        """Give a label without its first or last words: `annual recurring revenue` → revenue, annual recurring."""
        sets = self._language.sets
        for start in range(1, len(phrase)):
            rest = phrase[start:]
            if rest[0] not in sets["fillers"] and not (len(rest) == 1 and rest[0] in sets["generic"]):
                yield rest, HEAD
        for end in range(2, len(phrase)):
            if phrase[end - 1] not in sets["fillers"]:
                yield phrase[:end], HEAD

    def _turned(self, phrase: Phrase) -> Iterator[tuple[Phrase, float]]:
        """Turn a label round: `level of membership` → membership level, `birth year` → year of birth."""
        if len(phrase) == 3 and phrase[1] == "of":
            yield (phrase[2], phrase[0]), TRIMMED
        if len(phrase) == 2:
            yield (phrase[1], "of", phrase[0]), TRIMMED
            if phrase[0] in self._language.sets["generic"]:
                yield (phrase[1], phrase[0]), TRIMMED
            if phrase[0] in self._language.sets["quantities"]:
                yield (phrase[0], "of", phrase[1]), TRIMMED


def _plain_words(kind: ObjectType) -> Iterator[tuple[tuple[str, ...], Field]]:
    """Give what "name" and "date" mean where no field is called so: the title, the only date."""
    yield ("name",), kind.by_name[kind.title]
    dates = [one for one in kind.fields if one.type in (FieldType.DATE, FieldType.DATE_TIME) and not one.system]
    if len(dates) == 1:
        yield ("date", "time"), dates[0]


def _without_aliases(one: Field) -> tuple[Option, ...]:
    """Give a field's options by their labels only; one relation away aliases would catch too much."""
    return tuple(replace(option, aliases=()) for option in one.options)
