"""Before a question is read: greetings are cut off; calls for help, for changes, for several answers are told apart."""

from collections.abc import Callable, Sequence

from metier.builtin.providers.offline.language import Language
from metier.builtin.providers.offline.tokens import Token

MOST_TOKENS = 80


def without_greeting(tokens: list[Token], language: Language) -> list[Token]:
    """Cut "Hello," off a question."""
    found = language.help["greetings"].at(tokens, 0)
    rest = tokens[found[1] :] if found else tokens
    while found and rest and rest[0].kind == "punct":
        rest = rest[1:]
    return rest


def asks_for_help(tokens: Sequence[Token], language: Language) -> bool:
    """Whether somebody asks what can be asked, or says nothing but thanks."""
    words = [token for token in tokens if token.kind != "punct"]
    for table in ("asks", "thanks"):
        found = language.help[table].at(words, 0)
        if found and all(_is_filler(words, i, language) for i in range(found[1], len(words))):
            return True
    return not words


def unanswerable(tokens: Sequence[Token], language: Language, is_label: Callable[[Sequence[Token], int], bool]) -> str:
    """Say what a question asks for that no reading could give, to end a sentence "I cannot …"; else nothing.

    Args:
        is_label: Whether a word of the workspace begins at a place: "Note titles", "Open tasks".
    """
    if len(tokens) > MOST_TOKENS:
        return f"read questions of more than {MOST_TOKENS} words"
    if writes_at(tokens, language, is_label) is not None:
        return "create or change records"
    return "answer several questions at once" if _several(tokens, language) else ""


def writes_at(
    tokens: Sequence[Token], language: Language, is_label: Callable[[Sequence[Token], int], bool]
) -> int | None:
    """Give the place of the verb that asks for a change; None where a question only begins like that."""
    i = 0
    while i < len(tokens) and (tokens[i].kind == "punct" or tokens[i].low in language.sets["polite"]):
        i += 1
    found = language.writes.at(tokens, i)
    if found is None:
        return None
    words = [token for token in tokens[i:] if token.kind != "punct"]
    follows = words[1].low if len(words) > 1 else ""
    if follows in language.sets["after_labels"]:
        return None
    if follows.endswith("s") and language.states.at(words, 0) and is_label(words, 1):
        return None  # "complete tasks" are done
    return i if follows in language.sets["after_writing"] or not is_label(words, 0) else None


def _several(tokens: Sequence[Token], language: Language) -> bool:
    """Whether a second sentence asks for more; chips put together by semicolons are one question."""
    if any(token.low == ";" for token in tokens):
        return False
    ends = [i for i, token in enumerate(tokens[:-1]) if token.low in ("?", "!", ".")]
    return any(not (_says_nothing(tokens[i + 1 :], language) or _goes_on(tokens, i + 1, language)) for i in ends)


def _goes_on(tokens: Sequence[Token], i: int, language: Language) -> bool:
    """Whether a sentence only adds an order or fields: "Sort by name.", "List their e-mails."."""
    lead = language.lead.at(tokens, i)
    shows = lead is not None and lead[1] < len(tokens) and tokens[lead[1]].low in language.sets["possessives"]
    return shows or language.sorting["wants"].at(tokens, i) is not None


def _says_nothing(tokens: Sequence[Token], language: Language) -> bool:
    return all(
        token.kind == "punct" or _is_filler(tokens, i, language) or language.help["thanks"].at(tokens, i) is not None
        for i, token in enumerate(tokens)
    )


def _is_filler(tokens: Sequence[Token], i: int, language: Language) -> bool:
    return language.stop.at(tokens, i) is not None or tokens[i].low in language.minor
