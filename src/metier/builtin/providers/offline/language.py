"""What the planner knows of English, read from `language.toml`: phrases and what they mean, never a sentence."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Generic, Literal, TypeVar, cast

import snowballstemmer  # pyright: ignore[reportMissingTypeStubs] - it has none

from metier.builtin.providers.offline.calendar import TIME_WORDS
from metier.builtin.providers.offline.tokens import Stemmer, Stems, Token, tokenize

T = TypeVar("T")
Direction = Literal["high", "low"]
_DIRECTIONS: tuple[Direction, ...] = ("high", "low")


class Phrases(Generic[T]):
    """Phrases of lower-cased words and what each means; the longest match wins.

    Args:
        stems: How phrases are cut into words.
    """

    def __init__(self, stems: Stems) -> None:
        self._stems = stems
        self._by_first: dict[str, list[tuple[tuple[str, ...], T]]] = {}

    def add(self, phrases: Iterable[str], meaning: T) -> None:
        """Add phrases that mean the same; the first meaning of a phrase stays."""
        for phrase in phrases:
            words = tuple(token.low for token in tokenize(phrase, self._stems))
            known = self._by_first.setdefault(words[0], [])
            if all(words != other for other, _ in known):
                known.append((words, meaning))
                known.sort(key=lambda item: -len(item[0]))

    def at(self, tokens: Sequence[Token], start: int) -> tuple[T, int] | None:
        """Give what the longest phrase that begins at `start` means, and where it ends."""
        if start >= len(tokens) or tokens[start].kind in ("quoted", "number"):
            return None
        for words, meaning in self._by_first.get(tokens[start].low, ()):
            end = start + len(words)
            if end <= len(tokens) and all(tokens[start + i].low == word for i, word in enumerate(words)):
                return meaning, end
        return None

    def words(self) -> set[str]:
        """Give every word of every phrase."""
        return {word for known in self._by_first.values() for words, _ in known for word in words}


@dataclass(frozen=True)
class Adjective:
    """A comparative or superlative that names a field: `heavier` → weight, high.

    Attributes:
        names: Labels it finds, best first.
        fallback: What is meant if none is there: the only field of `currency`, or of any `number`.
        births: Labels of dates for which the order turns round (the oldest has the earliest birthday).
    """

    direction: Direction
    names: tuple[str, ...]
    births: tuple[str, ...] = ()
    fallback: str = ""


@dataclass(frozen=True)
class Language:
    """All phrase tables. Their members are named after the keys of `language.toml`."""

    stems: Stems
    stop: Phrases[str]
    lead: Phrases[str]
    minor: frozenset[str]
    sets: Mapping[str, frozenset[str]]
    cues: Mapping[str, Phrases[str]]
    comparisons: Phrases[str]
    after_number: Phrases[str]
    text: Phrases[str]
    links: Mapping[str, Phrases[str]]
    place_cues: Phrases[str]
    strong_place_cues: Phrases[str]
    places: Mapping[str, frozenset[tuple[str, ...]]]
    countries: frozenset[str]
    sorting: Mapping[str, Phrases[str]]
    adjectives: Phrases[Adjective]
    states: Phrases[str]
    time_relations: Phrases[str]
    tenses: Mapping[str, frozenset[str]]
    unsupported: Phrases[str]
    writes: Phrases[str]
    deeds: Phrases[str]
    help: Mapping[str, Phrases[str]]
    followups: Mapping[str, Phrases[str]]
    currencies: Mapping[str, str]
    scales: Mapping[str, int]
    numbers: Phrases[int]
    measures: frozenset[str]
    noun_synonyms: Mapping[tuple[str, ...], frozenset[tuple[str, ...]]]
    synonyms: Mapping[tuple[str, ...], frozenset[tuple[str, ...]]]
    vocabulary: frozenset[str]


def load() -> Language:
    """Read the tables; about 20 ms."""
    text = resources.files("metier.builtin.providers.offline").joinpath("language.toml").read_text("utf-8")
    return _Loader(tomllib.loads(text)).language()


class _Loader:
    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._stems = Stems(_english(), _pairs(body["words"]["irregular"]))
        self._vocabulary: set[str] = set()

    def language(self) -> Language:
        body = self._body
        words, places, units = body["words"], body["places"], body["units"]
        return Language(
            stems=self._stems,
            stop=self._one(words["stop"], "stop"),
            lead=self._one(words["lead"], "lead"),
            minor=frozenset(_list(words["minor"])),
            sets={name: frozenset(_list(text)) for name, text in body["sets"].items()},
            cues=self._each(body["cues"]),
            comparisons=self._table(body["comparisons"]),
            after_number=self._table(body["after_number"]),
            text=self._table(body["text"]),
            links=self._each(body["links"]),
            place_cues=self._one(places["cues"], "place"),
            strong_place_cues=self._one(places["strong"], "place"),
            places={kind: self._stem_set(_list(places[kind])) for kind in ("city", "country", "region")},
            countries=frozenset(_list(places["countries"])),
            sorting=self._each(body["sorting"]),
            adjectives=self._adjectives(body["adjectives"]),
            states=self._table(body["states"]),
            time_relations=self._table(body["time_relations"]),
            tenses={tense: frozenset(map(self._stems.of, _list(text))) for tense, text in body["times"].items()},
            unsupported=self._table(body["unsupported"]),
            writes=self._one(body["writes"]["lead"], "write"),
            deeds=self._table(body["deeds"]),
            help=self._each(body["help"]),
            followups=self._each(body["followups"]),
            currencies=_pairs(units["currencies"]),
            scales={word: int(value) for word, value in _pairs(units["scales"]).items()},
            numbers=self._numbers(units["numbers"]),
            measures=frozenset(_list(units["measures"])),
            noun_synonyms=self._synonyms(body["synonyms"]["objects"]),
            synonyms=self._synonyms(body["synonyms"]["fields"]),
            vocabulary=frozenset(self._vocabulary | TIME_WORDS),
        )

    def _one(self, text: str, meaning: str) -> Phrases[str]:
        table: Phrases[str] = Phrases(self._stems)
        table.add(_list(text), meaning)
        self._vocabulary |= table.words()
        return table

    def _each(self, section: Mapping[str, str]) -> dict[str, Phrases[str]]:
        return {key: self._one(text, key) for key, text in section.items()}

    def _table(self, section: Mapping[str, str]) -> Phrases[str]:
        table: Phrases[str] = Phrases(self._stems)
        for meaning, text in section.items():
            table.add(_list(text), meaning)
        self._vocabulary |= table.words()
        return table

    def _numbers(self, text: str) -> Phrases[int]:
        table: Phrases[int] = Phrases(self._stems)
        for word, value in _pairs(text).items():
            table.add([word], int(value))
        self._vocabulary |= table.words()
        return table

    def _adjectives(self, entries: Sequence[Mapping[str, str]]) -> Phrases[Adjective]:
        """Make the table; an adjective of several entries ("shorter") has the names of all."""
        merged: dict[str, Adjective] = {}
        for entry in entries:
            names, births = tuple(_list(entry["names"])), tuple(_list(entry.get("births", "")))
            for direction in _DIRECTIONS:
                for phrase in _list(entry[direction]):
                    known = merged.get(phrase)
                    more = Adjective(direction, names, births, entry.get("fallback", ""))
                    merged[phrase] = replace(known, names=known.names + names) if known else more
        table: Phrases[Adjective] = Phrases(self._stems)
        for phrase, adjective in merged.items():
            table.add([phrase], adjective)
        self._vocabulary |= table.words()
        return table

    def _stem_set(self, phrases: Iterable[str]) -> frozenset[tuple[str, ...]]:
        return frozenset(self._stems.phrase(phrase) for phrase in phrases)

    def _synonyms(self, text: str) -> dict[tuple[str, ...], frozenset[tuple[str, ...]]]:
        table: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            phrases = self._stem_set(_list(line))
            for phrase in phrases:
                table.setdefault(phrase, set()).update(phrases - {phrase})
        return {phrase: frozenset(others) for phrase, others in table.items()}


def _english() -> Stemmer:
    return cast(Stemmer, snowballstemmer.stemmer("english"))  # pyright: ignore[reportUnknownMemberType] - not typed


def _list(text: str) -> list[str]:
    return [part for part in (raw.strip() for raw in text.replace("\n", ",").split(",")) if part]


def _pairs(text: str) -> dict[str, str]:
    return {key: value for key, _, value in (part.rpartition("=") for part in _list(text))}
