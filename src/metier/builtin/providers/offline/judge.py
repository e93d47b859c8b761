"""How sure a reading is, and what speaks against answering from it.

Coverage finds unread words, not misread structure; so words that could be a condition and constructs outside the
grammar veto an answer whatever the score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from metier.builtin.providers.offline.reader import Reading
from metier.builtin.providers.offline.tokens import Token

ENOUGH = 0.6  # answer from here on
ENOUGH_WITH_A_GAP = 0.75  # with one small word unread
_UNREAD, _UNNAMED, _NAMED, _MISFIT = 0.06, 0.12, 0.12, 0.2


@dataclass(frozen=True)
class Verdict:
    """What to make of a reading.

    Attributes:
        score: 0–1.
        unread: The words that were not understood.
        harmless: Nothing is unread, or one word that could hardly be a condition.
    """

    score: float
    unread: tuple[str, ...]
    harmless: bool

    def answers(self, reading: Reading) -> bool:
        """Whether the reading may be answered from."""
        if reading.vetoes or reading.doubts or reading.misfits or not self.harmless:
            return False
        return self.score >= (ENOUGH_WITH_A_GAP if self.unread else ENOUGH)


def judge(reading: Reading, tokens: Sequence[Token], *, sparse: bool = False) -> Verdict:
    """Judge a reading.

    Args:
        sparse: The object need not be named (a follow-up, a question about one record).
    """
    content = [weight for weight in reading.weights if weight is not None]
    covered = sum(content) / len(content) if content else 0.0
    score = covered - _UNREAD * len(reading.unread) - _MISFIT * len(reading.misfits)
    if reading.named:
        score += _NAMED * reading.named
    elif not sparse and reading.spec.one is None:
        score -= _UNNAMED
    unread = tuple(tokens[i].text for i in reading.unread)
    return Verdict(max(0.0, min(1.0, score)), unread, _is_harmless(reading, tokens))


def _is_harmless(reading: Reading, tokens: Sequence[Token]) -> bool:
    if not reading.unread:
        return True
    if len(reading.unread) != 1 or reading.missing:
        return False
    i = reading.unread[0]
    token = tokens[i]
    if token.kind != "word" or token.capital or i < reading.named_at:
        return False
    if token.low.endswith("ly"):
        return True
    return bool(reading.spec.where) and _follows_a_value(reading, i)


def _follows_a_value(reading: Reading, i: int) -> bool:
    """Whether the word stands right behind something that was read as part of a condition, at the end."""
    before = reading.weights[i - 1] if i else None
    after = [weight for weight in reading.weights[i + 1 :] if weight is not None]
    return before is not None and i - 1 > reading.named_at and not after
