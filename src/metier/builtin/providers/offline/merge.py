"""Follow-ups: what a question adds to the one before."""

from dataclasses import replace

from metier.builtin.providers.offline.spec import Node, Spec, paths


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
