"""Words of a question: cut, lower-cased, stemmed; hyphens and apostrophes split, numbers, dates and quotes kept whole.

"Ada's follow-ups over €50k" → Ada · 's · follow · up · over · €50k
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["word", "number", "quoted", "symbol", "punct", "address", "date", "uuid"]

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("quoted", r"“[^”]*”|\"[^\"]*\"|«[^»]*»|(?<!\w)'[^']+'(?!\w)|(?<!\w)‘[^’]+’(?!\w)"),
    ("uuid", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    ("date", r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?(?:Z|[+-]\d{2}:\d{2})?\b"),
    ("date", r"\b\d{1,2}[./]\d{1,2}[./]\d{4}\b"),
    ("address", r"https?://[^\s,;]+[^\s,;.?!)]|[\w.+-]*@[\w-]+(?:\.[\w-]+)+|\b(?:[\w-]+\.)+[a-z]{2,}\b"),
    ("number", r"(?:[$€£¥]\s?)?(?<![\w.])-?\d+(?:[.,’]\d+)*(?:\s?%|(?:k|K|m|M|mn|mio|bn|b|B)\b|(?=[a-zA-Z]{1,3}\b))?"),
    ("symbol", r"(?<=\d)\s?[-–]\s?(?=[$€£¥]?\d)|<=|>=|==|!=|<>|[<>=≤≥≠+&€$£¥%]"),
    ("word", r"n['’]t\b|['’](?:s|d|ll|ve|re|m)\b|[^\W\d_]+?(?=n['’]t\b)|(?:[^\W_]|\.(?=[^\W\d_]\.))+"),
    ("punct", r"[,;:?!().\[\]/]"),
)
_TOKEN = re.compile("|".join(f"(?P<k{i}>{pattern})" for i, (_, pattern) in enumerate(_PATTERNS)))
_QUOTES = "“”\"'‘’«»"
_ACRONYM_PLURAL = re.compile(r"[A-Z]{2,}s")


@dataclass(frozen=True)
class Token:
    """One piece of a question.

    Attributes:
        text: As written; for quotes what is between them.
        low: Lower-cased, plain apostrophes.
        stem: Under which words compare.
        start, end: Where it stands in the question.
        capital: Begins with a capital letter.
    """

    kind: Kind
    text: str
    low: str
    stem: str
    start: int
    end: int
    capital: bool = False


class Stemmer(Protocol):
    """Gives a word's stem."""

    def stemWord(self, word: str) -> str:  # noqa: N802 - the library's name
        ...


class Stems:
    """Stems of words, remembered (a stem takes 20 µs, a look-up 0.1).

    Args:
        irregular: Words whose stem is given, e.g. `{"people": "person"}`.
    """

    def __init__(self, stemmer: Stemmer, irregular: Mapping[str, str], *, remember: int = 20_000) -> None:
        self._stemmer = stemmer
        self._irregular = irregular
        self._known: dict[str, str] = {}
        self._phrases: dict[str, tuple[str, ...]] = {}
        self._remember = remember

    def of(self, word: str) -> str:
        """Give the stem of a lower-cased word."""
        if (found := self._known.get(word)) is not None:
            return found
        if len(self._known) >= self._remember:
            self._known.clear()
        stem = self._stemmer.stemWord(self._irregular.get(word, word))
        self._known[word] = stem
        return stem

    def phrase(self, text: str) -> tuple[str, ...]:
        """Give the stems of a label's words: `Close date` → `("close", "date")`."""
        if (found := self._phrases.get(text)) is not None:
            return found
        if len(self._phrases) >= self._remember:
            self._phrases.clear()
        phrase = tuple(t.stem for t in tokenize(text, self) if t.kind in ("word", "number"))
        self._phrases[text] = phrase
        return phrase


def tokenize(text: str, stems: Stems) -> list[Token]:
    """Cut a question (or a label) into tokens."""
    return [token for found in _TOKEN.finditer(text) for token in _cut(found, stems)]


def _cut(found: re.Match[str], stems: Stems) -> Iterable[Token]:
    kind = _PATTERNS[int((found.lastgroup or "k0")[1:])][0]
    raw = found.group()
    start = found.start() + len(raw) - len(raw.lstrip())
    shown = raw.strip()
    if kind == "quoted":
        shown = shown.strip(_QUOTES).strip()
    low = shown.lower().replace("’", "'").rstrip(".") if kind == "word" else shown.lower()
    if kind == "word" and _ACRONYM_PLURAL.fullmatch(shown):
        low = low[:-1]
    stem = stems.of(low) if kind == "word" else low
    yield Token(kind, shown, low, stem, start, found.end(), capital=shown[:1].isupper())
