"""Slips of the pen: an unknown word takes the nearest known word with the same first letter.

Five letters may only have changed places (`tsaks`); from six on one may be wrong, missing or too many.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from rapidfuzz import fuzz, process

from metier.builtin.providers.offline.tokens import Stems, Token

_SHORTEST = 5
_SHORTEST_CHANGED = 6
_LIKENESS = 84  # of 100


class Speller:
    """Knows the words of the workspace (as far as the actor may see them) and of the grammar.

    Args:
        words: Lower-cased words.
    """

    def __init__(self, words: Iterable[str], stems: Stems) -> None:
        self._stems = stems
        self._known = {stems.of(word) for word in words} | set(words)
        self._by_letter: dict[str, list[str]] = {}
        for word in sorted(set(words)):
            if len(word) >= _SHORTEST - 1:
                self._by_letter.setdefault(word[0], []).append(word)

    def corrected(self, tokens: Sequence[Token]) -> list[Token]:
        """Give the tokens with slips put right; names and quotes stay as they are."""
        return [self._corrected(token, first=i == 0) for i, token in enumerate(tokens)]

    def _corrected(self, token: Token, *, first: bool) -> Token:
        if token.kind != "word" or len(token.low) < _SHORTEST or (token.capital and not first):
            return token
        if token.low in self._known or token.stem in self._known:
            return token
        near = self._nearest(token.low, self._by_letter.get(token.low[0], ()))
        return replace(token, low=near, stem=self._stems.of(near)) if near else token

    def _nearest(self, word: str, known: Collection[str]) -> str | None:
        letters = sorted(word)
        for other in known:
            if len(other) == len(word) and sorted(other) == letters:
                return other
        if len(word) < _SHORTEST_CHANGED:
            return None
        found = process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=_LIKENESS)
        return found[0] if found else None
