"""Numbers as people write them: 50k, €1.5M, 1,500.50, 1.500,50, fifty, 3 million, 20 %."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from metier.builtin.providers.offline.language import Language
from metier.builtin.providers.offline.tokens import Token

Number = int | float

_PIECES = re.compile(r"(?P<sign>[$€£¥])?\s?(?P<digits>-?\d+(?:[.,’]\d+)*)\s?(?P<tail>%|[a-zA-Z]+)?")
_TAILS = {"k": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9}
_DECIMAL_COMMA = ("de", "fr", "es", "it", "nl", "pl", "pt", "ru", "sv", "da", "nb", "fi", "cs", "tr")


@dataclass(frozen=True)
class Quantity:
    """A number in a question.

    Attributes:
        currency: ISO code, if one was named.
        scaled: Written short (50k, 3 million): hardly a year or a code.
        percent: A percent sign followed.
        end: The token after it.
    """

    value: Number
    end: int
    currency: str | None = None
    scaled: bool = False
    percent: bool = False


def quantity_at(tokens: Sequence[Token], start: int, language: Language, locale: str) -> Quantity | None:
    """Give the number that begins at `start`, with its currency and scale."""
    sign = _currency(tokens, start, language)
    found = _bare(tokens, start + 1 if sign else start, language, locale)
    if found is None:
        return None
    found = _scaled(found, tokens, language)
    after = _currency(tokens, found.end, language)
    if after and not sign and not found.currency:
        return replace(found, currency=after, end=found.end + 1)
    return replace(found, currency=found.currency or sign)


def _currency(tokens: Sequence[Token], at: int, language: Language) -> str | None:
    return language.currencies.get(tokens[at].low) if at < len(tokens) else None


def _bare(tokens: Sequence[Token], at: int, language: Language, locale: str) -> Quantity | None:
    if at >= len(tokens):
        return None
    if tokens[at].kind != "number":
        word = language.numbers.at(tokens, at)
        return Quantity(word[0], word[1]) if word else None
    found = _PIECES.fullmatch(tokens[at].text)
    if found is None:
        return None
    value = parse_digits(found["digits"], locale)
    tail = (found["tail"] or "").lower()
    if tail in _TAILS:
        value *= _TAILS[tail]
    currency = language.currencies.get(found["sign"]) if found["sign"] else None
    return Quantity(whole(value), at + 1, currency, scaled=tail in _TAILS, percent=tail == "%")


def _scaled(found: Quantity, tokens: Sequence[Token], language: Language) -> Quantity:
    while found.end < len(tokens) and (scale := language.scales.get(tokens[found.end].low)):
        found = replace(found, value=whole(found.value * scale), end=found.end + 1, scaled=True)
    if found.end < len(tokens) and tokens[found.end].low in ("%", "percent"):
        found = replace(found, percent=True, end=found.end + 1)
    return found


def parse_digits(text: str, locale: str) -> float:
    """Read digits with separators of either tradition.

    One separator before exactly three digits is a thousands separator where the locale writes it so; a point is
    otherwise the decimal point, a comma the decimal comma.
    """
    plain = text.replace("’", "")
    points, commas = plain.count("."), plain.count(",")
    if points and commas:
        decimal = "." if plain.rfind(".") > plain.rfind(",") else ","
    elif points + commas > 1:
        decimal = ""
    elif re.fullmatch(r"-?[1-9]\d{0,2}[.,]\d{3}", plain):
        decimal = "," if locale[:2].lower() in _DECIMAL_COMMA else "."
    else:
        decimal = "." if points else ","
    kept = "".join(c if c.isdigit() or c == "-" else "." if c == decimal else "" for c in plain)
    return float(kept)


def whole(value: Number) -> Number:
    """Give an int where the value is one."""
    return int(value) if float(value).is_integer() else round(float(value), 9)
