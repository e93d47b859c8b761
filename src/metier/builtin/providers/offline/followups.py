"""Follow-ups: "only those in Berlin", "sort by amount", "how many?", and what they add to the last question."""

from collections.abc import Sequence
from dataclasses import replace

from metier.builtin.providers.offline.language import Language
from metier.builtin.providers.offline.lexicon import Index
from metier.builtin.providers.offline.spec import Node, Spec, paths
from metier.builtin.providers.offline.tokens import Token


def is_tied(tokens: Sequence[Token], language: Language) -> bool:
    """Whether a question begins as one that hangs on another: "only", "and", "those"."""
    return language.followups["ties"].at(tokens, 0) is not None


def untied(tokens: Sequence[Token], language: Language) -> list[Token]:
    """Give a follow-up without the words that only tie it to the question before."""
    kept: list[Token] = []
    i = 0
    while i < len(tokens):
        found = language.followups["cues"].at(tokens, i)
        if found is None and (tokens[i].kind != "punct" or tokens[i].low == ","):
            kept.append(tokens[i])
        i = found[1] if found else i + 1
    return kept


def lists_again(tokens: Sequence[Token], language: Language) -> bool:
    """Whether the rows are asked for: "show them"."""
    return any(language.followups["again"].at(tokens, i) for i in range(len(tokens)))


def names_another(tokens: Sequence[Token], index: Index) -> bool:
    """Whether another object is named, so that the question starts afresh."""
    stems = [token.stem for token in tokens]
    found = [index.at(stems, i) for i in range(len(tokens))]
    return any(entries and entries[0][1].kind == "other" for entries in found)


def merged(before: Spec, more: Spec, *, list_again: bool) -> Spec:
    """Give the last question with what the follow-up says: the same field is replaced, others are added.

    Args:
        list_again: The rows are asked for again, so a count becomes a list.
    """
    count = more.count or (before.count and not (list_again or more.sort or more.select or more.limit))
    return replace(
        before,
        where=_filters(before.where, more.where),
        count=count,
        sort=() if count else more.sort or before.sort,
        limit=None if count else more.limit or before.limit,
        select=() if count else more.select or before.select,
    )


def _filters(before: tuple[Node, ...], more: tuple[Node, ...]) -> tuple[Node, ...]:
    replaced = {path for node in more for path in paths(node)}
    return (*(node for node in before if not replaced & set(paths(node))), *more)
