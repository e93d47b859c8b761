"""Rules for records and objects: the noun asked about, names, places, relations to other records."""

from metier.builtin.providers.offline.lexicon import TRIMMED, Entry
from metier.builtin.providers.offline.names import Name, fold, listed, look_up, name_at
from metier.builtin.providers.offline.reader import TEXTUAL, Doubt, Reader, Took
from metier.builtin.providers.offline.schema import MEMBER
from metier.builtin.providers.offline.spec import Condition, Hit, Node, Path, any_of, one_of
from metier.builtin.providers.offline.values import after_text_words, literal_at, text_equals, value_after
from metier.records.shape import Field, FieldType, ObjectType


def noun(reader: Reader, i: int) -> Took | None:
    """The object itself: "companies", "a person"."""
    for end, entry in reader.entries(i, "object"):
        if any(stop > end and other.weight >= entry.weight for stop, other in reader.entries(i)):
            return None
        if reader.named and _is_link(reader, i) and reader.fields(i):
            return None
        if reader.others and not reader.named and not _belongs(reader, i):
            reader.misfits.append(reader.type.name)
        if entry.weight > reader.named:
            reader.named, reader.named_at = entry.weight, min(i, reader.named_at)
        reader.singular = reader.singular or _is_singular(reader, i, end)
        return Took(end, entry.weight)
    return None


def _belongs(reader: Reader, i: int) -> bool:
    """Whether what stands before is the object's: "the company of each person"."""
    before = i - 1
    while before >= 0 and reader.low(before) in ("the", "all", "each", "every", "a", "any", "our", "my"):
        before -= 1
    return reader.low(before) in ("of", "for", "from")


def _is_singular(reader: Reader, start: int, end: int) -> bool:
    said = reader.tokens[end - 1].low
    return (
        reader.type.label != reader.type.label_plural
        and not said.endswith("s")
        and said not in reader.language.sets["plurals"]
    )


def other_noun(reader: Reader, i: int) -> Took | None:
    """Another object's noun, which the question about this one has no place for."""
    for end, entry in reader.entries(i, "other"):
        reader.misfits.append(str(entry.value))
        return Took(end, 0.0)
    return None


def called(reader: Reader, i: int) -> Took | None:
    """Read "called Acme", "named Ada": the title contains it."""
    end = reader.cue("name_is", i)
    if end is None:
        return None
    name = name_at(reader, end, small=True) or literal_at(reader, end)
    if name is None:
        return None
    reader.add(Condition(_title_path(reader), "contains", name.text), i)
    return Took(name.end)


def _title_path(reader: Reader) -> Path:
    """Give the title of what is talked about: of the record pointed to after "at the company called"."""
    target = reader.world.schema.object(reader.scope.target) if reader.scope and reader.scope.target else None
    if reader.scope is None or target is None:
        return (reader.type.title,)
    return (reader.scope.name, target.title)


def text_search(reader: Reader, i: int) -> Took | None:
    """Read "containing pricing", "starting with A", "about the renewal": in the title or any long text."""
    found = reader.match(reader.language.text, i)
    if found is None or found[0] in ("like", "ilike"):
        return None
    op, end = found
    start = after_text_words(reader, end)
    name = name_at(reader, start, small=True)
    if name is None and (op in ("starts_with", "ends_with", "mentions") or start > end):
        name = literal_at(reader, start)
    if name is None:
        return None
    if op == "mentions" and name.sure and reader.tokens[name.end - 1].kind != "quoted":
        node = _linked(reader, name)
        if node is not None:
            reader.add(node, i)
            return Took(name.end)
        if reader.lookups:
            return Took(name.end)
    behind = _field_behind(reader, name.end)
    if behind is not None:
        paths, stop = [behind[0]], behind[1]
    else:
        paths, stop = (
            _searched(reader) if op == "mentions" else [_pending_text(reader) or (reader.type.title,)],
            name.end,
        )
    reader.add(any_of(Condition(path, "contains" if op == "mentions" else op, name.text) for path in paths), i)
    return Took(stop)


def _field_behind(reader: Reader, i: int) -> tuple[Path, int] | None:
    """Read "in their description" after a text."""
    if reader.low(i) != "in":
        return None
    for stop, entry in reader.fields(reader.after_determiners(i + 1), TEXTUAL):
        return entry.path, stop
    return None


def _pending_text(reader: Reader) -> Path | None:
    """Give the text field that was just named; it is filtered, then, not asked for."""
    if reader.select and reader.type.by_name[reader.select[-1][0]].type in TEXTUAL:
        return reader.select.pop()
    return None


def _searched(reader: Reader) -> list[Path]:
    long = [
        f.name for f in reader.type.fields if f.type is FieldType.TEXT and f.name in reader.language.sets["long_texts"]
    ]
    return [(name,) for name in dict.fromkeys((reader.type.title, *long))]


# names ---------------------------------------------------------------------------------------------


def linked_name(reader: Reader, i: int) -> Took | None:
    """Read "at Acme", "for Ada Park": a record that the object points to, or the record itself."""
    end = reader.end_of(reader.language.links["cues"], i)
    if end is None:
        return None
    start = reader.after_determiners(end)
    name = name_at(reader, start, small=reader.end_of(reader.language.links["small"], i) is not None)
    if name is None or (not name.sure and start != end) or _before_text_field(reader, name):
        return None
    return _take_names(reader, i, name, small=not name.sure)


def pointed(reader: Reader, i: int) -> Took | None:
    """Read "at Acme", "owned by Ada" where values are written: only after words that a name must follow."""
    if reader.end_of(reader.language.links["small"], i) is None or reader.entries(i, "field"):
        return None
    return linked_name(reader, i)


def bare_name(reader: Reader, i: int) -> Took | None:
    """A name by itself: "Acme", "Ada Park's tasks"."""
    name = name_at(reader, i)
    if name is None and (_asks_for_record(reader, i) or _ends_after_noun(reader, i)):
        name = name_at(reader, i, small=True)
    if name is None or reader.tokens[i].kind == "address":
        return None
    return _take_names(reader, i, name, small=False)


def _asks_for_record(reader: Reader, i: int) -> bool:
    """Whether the question so far only said "show" or "who is", so that the rest is a name."""
    for start in range(i):
        if reader.end_of(reader.language.links["lookup"], start) == i and not any(reader.weights[:start]):
            return True
    return False


def _ends_after_noun(reader: Reader, i: int) -> bool:
    """Whether only words that nothing explains follow the object's noun: "contacts acme"."""
    behind = any(end == i for start in range(max(0, i - 3), i) for end, _ in reader.entries(start, "object"))
    adverb = reader.low(i).endswith("ly")  # "urgently" is nobody's name
    return behind and not adverb and not any(reader.is_known_word(k) for k in range(i, len(reader.tokens)))


def _take_names(reader: Reader, i: int, first: Name, *, small: bool) -> Took | None:
    names, end = listed(reader, first, small=small)
    nodes = [node for name in names if (node := _linked(reader, name)) is not None]
    waiting = [name for name in names if name.text in reader.lookups]
    if not nodes and not waiting:
        reader.missing += [name.text for name in names if not reader.ones]
        return Took(end) if reader.ones else None
    if nodes and len(nodes) + len(waiting) == len(names):
        reader.add(any_of(nodes), i)
    return Took(end + (reader.low(end) == "'s"))


def _linked(reader: Reader, name: Name) -> Node | None:
    """Give the condition that the object points to the named record; notes the record itself as the one asked for."""
    relations = {f.target: f for f in reader.type.fields if f.type is FieldType.RELATION}
    found = look_up(reader, name.text, lambda hit: hit.object in relations or hit.object == reader.type.name)
    if found is None or found.waiting:
        return None
    hit = found.hits[0]
    if hit.object == reader.type.name:
        reader.ones.append(hit)
        return None
    return _pointing(reader, hit, name.text)


def _pointing(reader: Reader, hit: Hit, text: str) -> Node:
    fields = [f for f in reader.type.fields if f.type is FieldType.RELATION and f.target == hit.object]
    if len(fields) > 1:
        reader.doubts.append(Doubt(text, tuple(f.label for f in fields)))
    return one_of((fields[0].name,), [(hit.id, hit.label)])


# places --------------------------------------------------------------------------------------------


def place(reader: Reader, i: int) -> Took | None:
    """Read "in Berlin or Paris": the city or country, the object's own or that of a record it points to."""
    end = reader.end_of(reader.language.place_cues, i)
    if end is None:
        return None
    first = name_at(reader, end) or (name_at(reader, end, small=True) if _is_strong(reader, i) else None)
    if first is None:
        return None
    names, stop = listed(reader, first, small=not first.sure)
    if _before_text_field(reader, names[-1]):
        return None
    if len(names) > 1 and not any(reader.low(k) in ("or", "and", "nor", "&") for k in range(end, stop)):
        return _city_and_country(reader, i, names)
    paths = place_paths(reader, [name.text for name in names])
    if not paths or (not _is_strong(reader, i) and _may_be_record(reader, names)):
        return None
    reader.add(any_of(text_equals(path, names) for path in paths), i)
    return Took(stop)


def _city_and_country(reader: Reader, i: int, names: list[Name]) -> Took | None:
    """Read "in Paris, France": both hold; other lists without "or" are not understood."""
    if len(names) != 2 or names[1].text.lower() not in reader.language.countries:
        return None
    for name in names:
        paths = place_paths(reader, [name.text])
        if not paths:
            return None
        reader.add(any_of(text_equals(path, [name]) for path in paths), i)
    return Took(names[-1].end)


def _is_strong(reader: Reader, i: int) -> bool:
    return reader.end_of(reader.language.strong_place_cues, i) is not None


def _may_be_record(reader: Reader, names: list[Name]) -> bool:
    """Whether "from X" may name a record: the object points to others, and X was not looked up in vain."""
    points = any(f.type is FieldType.RELATION and f.target != MEMBER for f in reader.type.fields)
    in_vain = all(reader.world.known.get(fold(name.text)) == () for name in names)
    return reader.world.can_look_up and points and not in_vain


def where_is(reader: Reader, i: int) -> Took | None:
    """Read "where is Acme": asks for its places."""
    if i or reader.low(0) != "where" or reader.low(1) not in ("is", "are", "was"):
        return None
    for field in reader.type.fields:
        if any(_is_place(reader, field, sort) for sort in ("city", "country", "region")):
            reader.add_select((field.name,))
    return Took(2, None)


def trailing_link(reader: Reader, i: int) -> Took | None:
    """Read "which company does Ada work for": a link at the end, after the name."""
    end = reader.end_of(reader.language.links["cues"], i)
    if end is None or not (reader.ones or reader.lookups):
        return None
    return Took(end, None) if all(token.kind == "punct" for token in reader.tokens[end:]) else None


def place_paths(reader: Reader, names: list[str]) -> list[Path]:
    """Give the fields that may hold these places: countries by their names, else cities; own ones before others'."""
    for prefix, kind in _place_holders(reader):
        paths = _place_fields(reader, kind, names)
        if paths:
            return [(*prefix, name) for name in paths]
    return []


def _place_holders(reader: Reader) -> list[tuple[Path, ObjectType]]:
    found: list[tuple[Path, ObjectType]] = [((), reader.type)]
    for field in reader.type.fields:
        target = reader.world.schema.object(field.target) if field.target else None
        if target is not None:
            found.append(((field.name,), target))
    if reader.scope is not None:
        found.sort(key=lambda item: item[0] != (reader.scope.name if reader.scope else "",))
    return found


def _place_fields(reader: Reader, kind: ObjectType, names: list[str]) -> list[str]:
    if _is_place_itself(reader, kind):
        return [kind.title]
    by_sort = {
        sort: [f.name for f in kind.fields if _is_place(reader, f, sort)] for sort in ("country", "city", "region")
    }
    if by_sort["country"] and all(name.lower() in reader.language.countries for name in names):
        return by_sort["country"][:1]
    return (by_sort["city"] or by_sort["region"] or by_sort["country"])[:1]


def _is_place_itself(reader: Reader, kind: ObjectType) -> bool:
    noun = reader.language.stems.phrase(kind.label)
    return any(noun in places for places in reader.language.places.values())


def _is_place(reader: Reader, field: Field, sort: str) -> bool:
    if field.type is not FieldType.TEXT:
        return False
    stems = reader.language.stems
    phrases = [stems.phrase(field.label), stems.phrase(field.name.replace("_", " "))]
    return any(
        phrase == place or phrase[-len(place) :] == place
        for place in reader.language.places[sort]
        for phrase in phrases
    )


# scope ---------------------------------------------------------------------------------------------


def scope(reader: Reader, i: int) -> Took | None:
    """Read "at companies in …", "whose company …": what follows is about the record pointed to."""
    start = i
    if reader.low(i) != "whose":
        end = reader.end_of(reader.language.links["cues"], i)
        if end is None:
            return None
        start = end
    else:
        start = i + 1
    for stop, entry in reader.fields(reader.after_determiners(start), frozenset((FieldType.RELATION,))):
        if len(entry.path) > 1:
            continue
        if not reader.named or not _goes_on(reader, stop) or value_after(reader, entry, stop):
            return None
        reader.scope = entry.field
        return Took(stop, entry.weight)
    return None


def _goes_on(reader: Reader, i: int) -> bool:
    return any(reader.tokens[k].kind != "punct" for k in range(i, len(reader.tokens)))


def _is_link(reader: Reader, i: int) -> bool:
    return any(reader.end_of(reader.language.links["cues"], start) == i for start in range(max(0, i - 3), i))


def value_before_field(reader: Reader, i: int) -> Took | None:
    """Read "the software industry", "the Sales department": a text before its field."""
    name = name_at(reader, i, small=True)
    if name is None or reader.low(i - 1) not in reader.language.sets["before_values"]:
        return None
    for end, entry in reader.fields(name.end, frozenset((FieldType.TEXT,))):
        if _fits_text(reader, entry):
            reader.add(text_equals(entry.path, [name]), i)
            return Took(end, entry.weight)
    return None


def _before_text_field(reader: Reader, name: Name) -> bool:
    return any(_fits_text(reader, entry) for _, entry in reader.fields(name.end, frozenset((FieldType.TEXT,))))


def _fits_text(reader: Reader, entry: Entry) -> bool:
    return entry.path != (reader.type.title,) and entry.weight >= TRIMMED


def address(reader: Reader, i: int) -> Took | None:
    """An e-mail address or a domain: the only field that holds such."""
    token = reader.tokens[i]
    if token.kind != "address":
        return None
    wanted = FieldType.EMAILS if "@" in token.text else FieldType.LINKS
    fields = [f for f in reader.type.fields if f.type is wanted]
    if len(fields) != 1:
        return None
    whole = wanted is FieldType.EMAILS and not token.text.startswith("@")
    op = "ilike" if whole else "ends_with" if wanted is FieldType.EMAILS else "contains"
    reader.add(Condition((fields[0].name,), op, token.text), i)
    return Took(i + 1)
