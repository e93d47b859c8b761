"""Rules for the words around the matter: how it is asked, what cannot be done, what may be skipped."""

from metier.builtin.providers.offline.lexicon import ALIAS
from metier.builtin.providers.offline.names import name_at
from metier.builtin.providers.offline.reader import Reader, Took
from metier.builtin.providers.offline.spec import Path
from metier.records.shape import FieldType


def punctuation(reader: Reader, i: int) -> Took | None:
    """Commas, question marks, brackets."""
    return Took(i + 1, None) if reader.tokens[i].kind == "punct" else None


def leading_verb(reader: Reader, i: int) -> Took | None:
    """A verb that asks for a list, before anything else was said: "list all", "name the"."""
    if any(weight is not None for weight in reader.weights[:i]) and not _goes_on(reader, i):
        return None
    end = reader.end_of(reader.language.lead, i)
    if end is None:
        return None
    follows = reader.low(end) in reader.language.sets["after_verb"] and not (
        reader.low(end) == "of" and reader.fields(i)
    )
    strong = [entry for _, entry in reader.entries(i, "object", "field", "option") if entry.weight >= ALIAS]
    return Took(end, None) if follows or not strong else None


def _goes_on(reader: Reader, i: int) -> bool:
    """Whether a second verb asks for the fields: "sort the shops by size and return the name"."""
    end = reader.end_of(reader.language.lead, i)
    return reader.low(i - 1) in ("and", ",", "then") and end is not None and reader.low(end) in ("the", "their", "its")


def every_one(reader: Reader, i: int) -> Took | None:
    """Read "for each company", "of every person": all of them, where records are listed."""
    start = i + (reader.low(i) in ("for", "of"))
    if reader.low(start) not in ("each", "every") or reader.count:
        return None
    nouns = reader.entries(start + 1, "object")
    return Took(start + 1, None) if nouns else None


def unsupported(reader: Reader, i: int) -> Took | None:
    """Words for what the planner cannot do; a label of the same or greater length is that label."""
    found = reader.match(reader.language.unsupported, i)
    if found is None:
        return None
    reason, end = found
    if any(
        stop >= end and entry.weight > 0.55 for stop, entry in reader.entries(i, "object", "field", "option", "flag")
    ):
        return None
    counted = reader.cue("count", i)
    if counted is not None and counted >= end:
        return None
    reader.vetoes.append(reason)
    return Took(end)


def count(reader: Reader, i: int) -> Took | None:
    """Words that ask for the number: before the object, not before a field that holds a number."""
    end = reader.cue("count", i)
    if end is None:
        return None
    if any(stop > end and entry.kind == "field" for stop, entry in reader.entries(i)):
        return None
    after = reader.after_determiners(end)
    numeric = reader.fields(after, frozenset((FieldType.NUMBER, FieldType.CURRENCY)))
    if numeric and not any(stop >= numeric[0][0] for stop, _ in reader.entries(after, "object")):
        reader.how_much = not reader.select
        reader.add_select(numeric[0][1].path)
        return Took(numeric[0][0], numeric[0][1].weight)
    reader.count = True
    return Took(end)


def how_much(reader: Reader, i: int) -> Took | None:
    """Read "how much": the amount of one record; of several it would be their sum."""
    end = reader.cue("how_much", i)
    if end is None:
        return None
    reader.how_much = True
    return Took(end)


def shown_fields(reader: Reader, i: int) -> Took | None:
    """Fields to show: "showing name and city", "with their emails"."""
    end = reader.cue("show_fields", i)
    if end is None:
        return None
    taken = _field_list(reader, end)
    return Took(taken) if taken > end else None


def _field_list(reader: Reader, i: int) -> int:
    end = i
    while found := shown_field(reader, reader.after_determiners(i)):
        end, path = found
        reader.add_select(path)
        i = end
        if reader.low(i) == ",":
            i += 1
        if reader.low(i) in ("and", "&"):
            i += 1
        if i == end:
            break
    return end


def shown_field(reader: Reader, i: int) -> tuple[int, Path] | None:
    """Give the field named here, if rows can show it: of a record pointed to only the title can be."""
    for end, entry in reader.fields(i):
        first = reader.type.by_name[entry.path[0]]
        if len(entry.path) == 1 or first.type is not FieldType.RELATION:
            return end, entry.path
        target = reader.world.schema.object(first.target or "")
        if target is not None and entry.path[1:] == (target.title,):
            return end, entry.path[:1]
        return None
    return None


def asked_field(reader: Reader, i: int) -> Took | None:
    """Read "what stage is Acme in", "which city does Ada live in": the field is asked for, the name is whose."""
    if reader.low(i - 1) not in ("what", "which"):
        return None
    for end, entry in reader.fields(i):
        if (
            reader.low(end) in reader.language.sets["auxiliaries"]
            and len(entry.path) == 1
            and name_at(reader, reader.after_determiners(end + 1))
        ):
            reader.add_select(entry.path)
            return Took(end + 1, entry.weight)
    return None


def either(reader: Reader, i: int) -> Took | None:
    """Read "either": all that follows up to "or" is one choice."""
    end = reader.cue("either", i)
    if end is None:
        return None
    reader.either = len(reader.nodes)
    return Took(end)


def negation(reader: Reader, i: int) -> Took | None:
    """Read "not", "except": turns the next condition round."""
    end = reader.cue("negation", i)
    if end is None:
        return None
    reader.negate = True
    return Took(end)


def joiner(reader: Reader, i: int) -> Took | None:
    """Read "and", "or", "&" between what other rules read."""
    return Took(i + 1, None) if reader.low(i) in ("and", "or", "&", "'s", "but", "+") else None


def plain_stop_word(reader: Reader, i: int) -> Took | None:
    """Words that say nothing, and never could be a value."""
    end = reader.end_of(reader.language.stop, i)
    return Took(end, None) if end else None


def stop_word(reader: Reader, i: int) -> Took | None:
    """Words that say nothing."""
    end = reader.end_of(reader.language.stop, i)
    if (
        end is None
        and reader.low(i) in ("about", "regarding")
        and reader.entries(reader.after_determiners(i + 1), "object")
    ):
        end = i + 1
    if end is None and reader.low(i) in reader.language.minor:
        end = i + 1
    return Took(end, None) if end else None
