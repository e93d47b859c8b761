"""Rules that begin with a word of the workspace: a field and its value, an option, a flag, a state."""

from metier.builtin.providers.offline import moments
from metier.builtin.providers.offline.lexicon import ALIAS, EXACT, HEAD, WORD, Entry
from metier.builtin.providers.offline.reader import TEMPORAL, Doubt, Reader, Took
from metier.builtin.providers.offline.rules.asking import shown_field
from metier.builtin.providers.offline.schema import MEMBER
from metier.builtin.providers.offline.spec import Condition, Path, negated, one_of, paths
from metier.builtin.providers.offline.values import options_at, value_after
from metier.records.shape import Field, FieldType, ObjectType


def field_with_value(reader: Reader, i: int) -> Took | None:
    """Read "employees over 200", "stage is won", "created last week", "owned by me", "company's city is Berlin"."""
    for end, entry in _field_phrases(reader, i):
        value = value_after(reader, entry, end, asked=_is_asked(reader, i))
        if value is None:
            continue
        _name_object(reader, i)
        for node in value.nodes:
            reader.add(node, i)
        reader.last = entry
        return Took(value.end, max(entry.weight, WORD))
    return None


def _is_asked(reader: Reader, i: int) -> bool:
    """Whether the field is what is asked: "which language is …", "how many rooms are …"."""
    return reader.low(i - 1) in ("what", "which", "many") or (reader.count and not reader.named)


def _name_object(reader: Reader, i: int) -> None:
    """Note that a field's label names the object too: "company names"."""
    for _, noun in reader.entries(i, "object"):
        if noun.weight >= ALIAS and not reader.named:
            reader.named, reader.named_at = noun.weight * 0.9, min(i, reader.named_at)


def _field_phrases(reader: Reader, i: int) -> list[tuple[int, Entry]]:
    """Give fields named here, also through a relation: "company's city", "city of the company"."""
    found = reader.fields(i)
    through = [
        (end, entry)
        for relation_end, relation in found
        if relation.field and relation.field.type is FieldType.RELATION and reader.low(relation_end) == "'s"
        for end, entry in _fields_of(reader, relation, relation_end + 1)
    ]
    return through or found


def _fields_of(reader: Reader, relation: Entry, i: int) -> list[tuple[int, Entry]]:
    target = reader.world.schema.object(relation.field.target) if relation.field and relation.field.target else None
    if target is None:
        return []
    stems = reader.language.stems
    found: list[tuple[int, Entry]] = []
    for field in target.fields:
        for name in (field.label, field.name.replace("_", " ")):
            phrase = stems.phrase(name)
            if phrase and tuple(reader.stems[i : i + len(phrase)]) == phrase:
                found.append((i + len(phrase), Entry("field", (*relation.path, field.name), field)))
    return sorted(found, key=lambda item: -item[0])


def without(reader: Reader, i: int) -> Took | None:
    """Read "without an owner", "missing email", "no phone or email"."""
    end = reader.cue("without", i)
    if end is None:
        return None
    if any(value_after(reader, entry, stop) for stop, entry in reader.fields(reader.after_determiners(end))):
        reader.negate = True
        return Took(end)
    if reader.low(i) in ("nobody", "no"):
        end = reader.cue("copula", end) or end  # "nobody is assigned to"
    taken: int | None = None
    start: int | None = reader.after_determiners(end)
    while start is not None and (found := _emptied(reader, start)):
        condition, taken = found
        reader.add(condition, i if start == reader.after_determiners(end) else start)
        joined = taken + 1 if reader.low(taken) in ("or", "and", "nor") else None
        start = reader.after_determiners(joined) if joined else None
        if start is not None and any(value_after(reader, entry, e) for e, entry in reader.fields(start)):
            break
    return Took(taken) if taken else None


def _emptied(reader: Reader, i: int) -> tuple[Condition, int] | None:
    for end, entry in _flags_and_fields(reader, i):
        if entry.weight < WORD:
            continue
        if entry.kind == "flag":
            return Condition(entry.path, "eq", not entry.value), end
        return Condition(entry.path, "is", "null"), end
    return None


def _flags_and_fields(reader: Reader, i: int) -> list[tuple[int, Entry]]:
    both = [*reader.entries(i, "flag"), *reader.fields(i)]
    return sorted(both, key=lambda item: -item[0])


def with_something(reader: Reader, i: int) -> Took | None:
    """Read "with an email", "that have a website": not empty, unless a value follows."""
    end = reader.cue("present", i)
    if end is None:
        return None
    start = reader.after_determiners(end)
    for stop, entry in _flags_and_fields(reader, start):
        if entry.kind == "flag":
            reader.add(Condition(entry.path, "eq", entry.value), i)
            return Took(stop, entry.weight)
        if (
            value_after(reader, entry, stop)
            or not _ends(reader, stop)
            or _is_title(reader, entry)
            or entry.weight < WORD
        ):
            return None
        reader.add(Condition(entry.path, "is", "not_null"), i)
        return Took(stop, entry.weight)
    return None


def _ends(reader: Reader, i: int) -> bool:
    """Whether nothing that could be a value stands here."""
    return i >= len(reader.tokens) or reader.tokens[i].kind == "punct" or reader.low(i) in reader.language.sets["ends"]


def _is_title(reader: Reader, entry: Entry) -> bool:
    return entry.path == (reader.type.title,)


def not_a_role(reader: Reader, i: int) -> Took | None:
    """Read "unassigned", "unowned": nobody stands in the relation."""
    word = reader.low(i)
    if not word.startswith("un") or reader.entries(i):
        return None
    stem = reader.language.stems.of(word[2:])
    entry = reader.field_called((stem,), frozenset((FieldType.RELATION,)))
    if entry is None:
        return None
    reader.add(Condition(entry.path, "is", "null"), i)
    return Took(i + 1)


def mine(reader: Reader, i: int) -> Took | None:
    """Read "my tasks", "deals I own", "assigned to me": the relation to the person who asks."""
    end = reader.cue("own", i) or reader.cue("my", i)
    if end is None:
        return None
    fields = [f for f in reader.type.fields if f.type is FieldType.RELATION and f.target == MEMBER]
    if not fields:
        return None
    chosen = _responsible(reader, fields) if len(fields) > 1 else fields[0]
    if chosen is None:
        reader.doubts.append(Doubt(reader.text(i, end), tuple(f.label for f in fields)))
        chosen = fields[0]
    reader.add(Condition((chosen.name,), "eq", "me"), i)
    return Took(end)


def for_me(reader: Reader, i: int) -> Took | None:
    """Read "for me" where values are written: the person who asks is responsible."""
    if reader.low(i) not in ("for", "to") or reader.cue("person", i + 1) is None:
        return None
    chosen = _responsible(reader, [f for f in reader.type.fields if f.target == MEMBER])
    if chosen is None:
        return None
    reader.add(Condition((chosen.name,), "eq", "me"), i)
    return Took(i + 2)


def _responsible(reader: Reader, fields: list[Field]) -> Field | None:
    """Give the one field whose label says who is responsible."""
    words = ("assignee", "owner", "responsible", "manager")
    for word in words:
        same = [f for f in fields if word in f.label.lower() or word in f.name]
        if len(same) == 1:
            return same[0]
    return None


# options, flags, states ----------------------------------------------------------------------------


def option(reader: Reader, i: int) -> Took | None:
    """Read "won", "won or lost", "high priority": options, and the name of their field if it follows."""
    matches = reader.entries(i, "option")
    if not matches:
        return None
    longest = matches[0][0]
    same = [entry for end, entry in matches if end == longest]
    if any(end > longest for end, _ in reader.entries(i, "object", "field")):
        return None
    if reader.low(longest) == "of" and reader.fields(i):
        return None
    entry = _meant_option(reader, same, longest)
    if entry.weight < EXACT and reader.match(reader.language.states, i) and _staged(reader):
        return None  # "open" is every state that is not terminal, though one option may go by that name too
    found = options_at(reader, i, entry.path)
    if found is None:
        return None
    node, end = found
    reader.add(node, i)
    return Took(_skip_field(reader, end, entry.path), entry.weight)


def _meant_option(reader: Reader, same: list[Entry], end: int) -> Entry:
    """Choose between options of one name: by the field named after, else the heaviest; two alike are a doubt."""
    for entry in same:
        if any(follower.path == entry.path for _, follower in reader.fields(end)):
            return entry
    best = same[0]
    rivals = [e for e in same if e.path != best.path and e.weight > best.weight - 0.05]
    if rivals and reader.scope is None:
        labels = [e.field.label for e in (best, *rivals) if e.field]
        reader.doubts.append(Doubt(str(best.value), tuple(labels)))
    return best


def _skip_field(reader: Reader, end: int, path: Path) -> int:
    """Skip the option's own field: "high priority", "DVD as their format"."""
    start = reader.after_determiners(end + 1) if reader.low(end) in ("as", "for") else end
    for stop, entry in reader.fields(start):
        if entry.path == path and entry.weight >= (WORD if start > end or len(path) > 1 else HEAD):
            return stop
    return end


def flag(reader: Reader, i: int) -> Took | None:
    """Read "active", "inactive", "is paid"."""
    for end, entry in reader.entries(i, "flag"):
        if reader.entries(i, "object") and reader.entries(i, "object")[0][0] >= end:
            return None
        reader.add(Condition(entry.path, "eq", entry.value), i)
        return Took(end, entry.weight)
    return None


def state(reader: Reader, i: int) -> Took | None:
    """Read "open", "closed", "overdue", from a select with options after which nothing is left to do."""
    found = reader.match(reader.language.states, i)
    if found is None or (reader.fields(i) and reader.fields(i)[0][0] > found[1]):
        return None
    name, end = found
    place = _staged(reader)
    if name == "overdue":
        return _overdue(reader, i, end, place)
    if place is None:
        return None
    path, field = place
    terminal = one_of(path, [(value, "") for value in field.terminal])
    reader.add(terminal if name == "closed" else negated(terminal) or terminal, i)
    return Took(_skip_field(reader, end, path))


def _staged(reader: Reader) -> tuple[Path, Field] | None:
    """Give the only select with terminal options: the object's own, or that of the record the scope points to."""
    target = reader.world.schema.object(reader.scope.target) if reader.scope and reader.scope.target else None
    places: list[tuple[Path, ObjectType]] = [((), reader.type)]
    if target is not None and reader.scope is not None:
        places.insert(0, ((reader.scope.name,), target))
    for prefix, kind in places:
        staged = [f for f in kind.fields if f.type is FieldType.SELECT and f.terminal]
        if len(staged) == 1:
            return (*prefix, staged[0].name), staged[0]
    return None


def _overdue(reader: Reader, i: int, end: int, place: tuple[Path, Field] | None) -> Took | None:
    field = _deadline(reader)
    if field is None:
        return None
    late = moments.overdue((field.name,), field.type, reader.world.clock)
    if reader.negate and place is not None:
        return None
    reader.add(late, i)
    if place is not None:
        path, staged = place
        terminal = one_of(path, [(value, "") for value in staged.terminal])
        reader.nodes.append(negated(terminal) or terminal)
    return Took(end)


def _deadline(reader: Reader) -> Field | None:
    ahead = [f for f in reader.type.fields if f.type in TEMPORAL and reader.tense(f) == "future"]
    due = [f for f in ahead if "due" in f.name or "deadline" in f.name or "due" in f.label.lower()]
    if len(due) == 1:
        return due[0]
    return ahead[0] if len(ahead) == 1 else None


def field_alone(reader: Reader, i: int) -> Took | None:
    """A field without a value: asked to be shown."""
    found = [(end, entry) for end, entry in reader.fields(i) if entry.weight >= WORD]
    if not found:
        return None
    end, entry = found[0]
    if _has_happened(reader, i, end, entry):
        reader.add(Condition(entry.path, "is", "not_null"), i)
        return Took(end, entry.weight)
    shown = shown_field(reader, i)
    if shown is None:
        return None
    if shown[1] not in _used(reader):
        reader.add_select(shown[1])
    target = reader.type.by_name[shown[1][0]].target
    if target and any(stop <= shown[0] and other.value == target for stop, other in reader.entries(i, "other")):
        reader.others.append(i)
    _name_object(reader, i)
    return Took(shown[0], entry.weight)


def _has_happened(reader: Reader, i: int, end: int, entry: Entry) -> bool:
    """Whether a date's participle says that there is one: "shipped orders", "orders not yet shipped"."""
    if entry.field is None or entry.field.type not in TEMPORAL or entry.field.system:
        return False
    if "when" in map(reader.low, range(i)) or end != i + 1 or not reader.low(i).endswith("ed"):
        return False
    before = reader.low(i - 1) in reader.language.sets["before_participles"]
    return before or reader.negate or bool(reader.entries(end, "object"))


def _used(reader: Reader) -> set[Path]:
    """Give the fields that are filtered or sorted by already: named again, they are not asked for."""
    return {path for node in reader.nodes for path in paths(node)} | {order.path for order in reader.sort}
