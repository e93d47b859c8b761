"""Finding records by words of their title, over all objects the actor sees; for the palette and for look-ups.

First what is called so or begins so, by index; only if that is not enough, what contains all the words.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from metier.filters import storable_text
from metier.records import columns as cols
from metier.records.catalog import View
from metier.records.compile import Statement, render
from metier.records.conditions import Condition, contains, parameter, starts_with
from metier.records.scope import label_scope
from metier.records.shape import ObjectType

LONGEST = 200  # characters looked at
MOST_WORDS = 8

How = Literal["prefix", "words"]


@dataclass(frozen=True)
class Hit:
    """A record found by its title."""

    object: str
    id: UUID
    label: str


def read_text(text: str) -> list[str]:
    """Give the whole text and its words as they are looked for; empty if there is nothing to look for."""
    folded = " ".join(text[:LONGEST].split())
    if not folded or not storable_text(folded):
        return []
    return [folded, *folded.split(" ")[:MOST_WORDS]]


def compose_search(view: View, how: How, words: int, limit: int) -> Statement:
    """Compose a search: rows of `object`, `id`, `label`; parameters `w0` (the whole text), `w1` … (its words)."""
    parts = [_hits(view, thing, place, how, words, limit) for place, thing in enumerate(searchable(view))]
    found = sa.union_all(*parts).subquery("found")
    order = (found.c["rank"], cols.folded(found.c["label"]), found.c["place"], found.c["id"])
    chosen = sa.select(found.c["object"], found.c["id"], found.c["label"]).order_by(*order)
    return render(chosen.limit(cols.sql(str(limit))))


def searchable(view: View) -> list[ObjectType]:
    """Give the objects whose titles may be seen."""
    return [thing for thing in view if thing.has_title]


def _hits(view: View, thing: ObjectType, place: int, how: How, words: int, limit: int) -> sa.Select[Any]:
    """Find the best hits of one object."""
    source = label_scope(view, thing.name, "s")
    title = cols.value(thing.by_name[thing.title], "", source.c)
    whole = parameter("w0", sa.Text())
    begins = starts_with(title, whole)
    has_words = sa.and_(sa.true(), *(contains(title, parameter(f"w{i + 1}", sa.Text())) for i in range(words)))
    condition: Condition = begins if how == "prefix" else has_words
    rank = sa.case((sa.func.lower(title) == sa.func.lower(whole), 0), (begins, 1), else_=2).label("rank")
    hits = sa.select(
        cols.sql(f"'{thing.name}'").label("object"),
        source.c["id"].label("id"),
        title.label("label"),
        rank,
        cols.sql(str(place)).label("place"),
    ).where(condition)
    ordered = hits.order_by(cols.sql("rank"), cols.folded(title), source.c["id"])
    return sa.select(ordered.limit(cols.sql(str(limit))).subquery(f"hits{place}"))
