"""What an app brings, read from its files alone: manifest, definitions, and parts added to definitions of others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metier.definitions.apps.kind import ROLE, AppKind
from metier.definitions.bodies import Body, check_json
from metier.definitions.kind import Kind
from metier.definitions.source import Source, parse, read, telling
from metier.errors import BadManifest, Invalid, Problem, nearest
from metier.filters.operands import is_list, is_object

MANIFEST = "metier.toml"


@dataclass(frozen=True)
class Part:
    """A definition that an app brings; the body is canonical."""

    kind: str
    body: Body
    source: Source


@dataclass(frozen=True)
class Added:
    """A part that an app adds to a definition of others, e.g. a field of `company`."""

    kind: str
    name: str
    body: Body
    source: Source


@dataclass(frozen=True)
class Coded:
    """What an app's code has defined, and where.

    Attributes:
        limits: Whether it is the application role.
    """

    thing: object
    file: str
    line: int
    limits: bool = False


@dataclass(frozen=True)
class Bundle:
    """An app as it was read."""

    body: Body
    source: Source
    parts: Sequence[Part] = ()
    added: Sequence[Added] = ()

    @property
    def name(self) -> str:
        """The app's name."""
        return self.body["name"]


def bundle(files: Mapping[str, bytes], coded: Iterable[Coded], kinds: Sequence[Kind]) -> Bundle:
    """Read an app.

    Args:
        files: By path from the app's folder, with `/`; those that are none of an app's are passed over.
        coded: What its code has defined, if that was loaded.

    Raises:
        BadManifest: Something cannot be read or has a wrong form; names file, line, column.
    """
    if MANIFEST not in files:
        cure = 'Write one: name = "fleet" and version = "1.0.0"'
        raise Invalid.of([Problem(MANIFEST, "is missing")], what="The app", cure=cure)
    manifest = Source.named(MANIFEST, files[MANIFEST])
    body = read(manifest, _only_manifest)
    _check_folders(files, kinds)
    parts, added = list(_parts(files, kinds)), list(_added(files, kinds))
    limits: list[tuple[Coded, Part]] = []
    for one in coded:
        found = _of_code(one, kinds)
        if isinstance(found, Part):
            parts.append(found)
            limits += [(one, found)] if one.limits else []
        elif found is not None:
            added.append(found)
    _check_once(parts, added)
    body = _with_role(body, limits)
    _check_limited(body, parts, [part.body["name"] for part in parts if _kind(kinds, part.kind).acts])
    return Bundle(body, manifest if body == read(manifest, _only_manifest) else Source.of(body), parts, added)


def _only_manifest(raw: Body) -> Body:
    """Give the form of what people may write; what was added to others is counted, not told."""
    if "added" in raw:
        raise Invalid.of([Problem("added", "there is no key 'added' here")], what="The app")
    return AppKind().form(raw)


def _parts(files: Mapping[str, bytes], kinds: Sequence[Kind]) -> Iterable[Part]:
    for kind in kinds:
        for path in sorted(files):
            if kind.folder and path.startswith(f"{kind.folder}/") and _is_declared(path):
                source = Source.named(path, files[path])
                yield Part(kind.name, kind.load(source), source)


def _added(files: Mapping[str, bytes], kinds: Sequence[Kind]) -> Iterable[Added]:
    for kind in kinds:
        for path in sorted(files):
            if kind.parts and path.startswith(f"{kind.parts}/") and _is_declared(path):
                source = Source.named(path, files[path])
                raw = check_json(parse(source))
                with telling(source):
                    _check_added(raw, kind)
                for part in raw[kind.parts]:
                    yield Added(kind.name, raw[kind.name], dict(part), source)


def _check_added(raw: Mapping[str, Any], kind: Kind) -> None:
    known = (kind.name, kind.parts)
    problems = [
        Problem(key, f"there is no key {key[:60]!r} here", known, did_you_mean=nearest(key, known))
        for key in raw
        if key not in known
    ]
    if not isinstance(raw.get(kind.name), str):
        problems.append(Problem(kind.name, f"must name the {kind.label} that gets them", example="company"))
    listed = raw.get(kind.parts)
    if not is_list(listed) or not all(is_object(one) and isinstance(one.get("name"), str) for one in listed):
        problems.append(Problem(kind.parts, "must be a list of objects with a name"))
    if problems:
        raise Invalid.of(problems, what=f"What is added to the {kind.label}")


def _of_code(one: Coded, kinds: Sequence[Kind]) -> Part | Added | None:
    for kind in kinds:
        try:
            if (body := kind.of_code(one.thing)) is not None:
                source = Source(Source.of(body).data, file=one.file, line=one.line)
                return Part(kind.name, kind.load(source), source)
            if found := kind.part_of_code(one.thing):
                return Added(kind.name, *found, Source(Source.of(found[1]).data, file=one.file, line=one.line))
        except BadManifest:
            raise
        except Invalid as error:
            raise BadManifest.at([(one.file, one.line, 1, problem) for problem in error.problems]) from None
    return None


def _check_once(parts: Sequence[Part], added: Sequence[Added]) -> None:
    first: dict[tuple[str, ...], Source] = {}
    named = [((part.kind, part.body["name"]), part.source) for part in parts]
    named += [((one.kind, one.name, one.body["name"]), one.source) for one in added]
    for key, source in named:
        if key in first:
            where = first[key].file
            raise BadManifest(
                source.file, f"brings the {key[0]} {'.'.join(key[1:])!r}, as {where} does", line=source.line
            )
        first[key] = source


def _with_role(body: Body, limits: Sequence[tuple[Coded, Part]]) -> Body:
    """Let the application role that code defines be the manifest's."""
    names = {part.body["name"] for _, part in limits} | ({body["role"]} if "role" in body else set[str]())
    if len(names) > 1:
        one = limits[-1][0]
        told = ", ".join(map(repr, sorted(names)))
        raise BadManifest(one.file, f"an app has one application role, not {told}", line=one.line)
    return AppKind().form(body | {"role": names.pop()}) if names else body


def _check_limited(body: Body, parts: Sequence[Part], acts: Sequence[str]) -> None:
    """Demand a role that says what the app's agents may do at most, and with which they can answer."""
    for part in parts:
        if acts and part.kind == ROLE and part.body["name"] == body.get("role") and not _may_ask(part.body):
            problem = "limits the app's agents and does not hold the flag AI, so that they could not answer"
            raise BadManifest(part.source.file, problem, line=part.source.line or 1)
    if acts and "role" not in body:
        told = ", ".join(map(repr, acts))
        problem = (
            f"names no role, which says what its agents ({told}) may do at most; bring one in roles/ and name it here"
        )
        raise BadManifest(MANIFEST, problem, line=1, column=1)


def _may_ask(role: Body) -> bool:
    return "AI" in role["flags"] or role["can_access_all_tools"]


def _check_folders(files: Mapping[str, bytes], kinds: Sequence[Kind]) -> None:
    """Tell of files in a folder whose name is nearly right: they would be passed over."""
    known = [name for kind in kinds for name in (kind.folder, kind.parts) if name]
    for path in sorted(files):
        folder = path.partition("/")[0]
        if "/" not in path or folder in known or not _is_declared(path):
            continue
        if near := nearest(folder, known):
            raise BadManifest(path, f"lies in {folder!r}, where nothing is looked for; did you mean {near!r}?")


def _is_declared(path: str) -> bool:
    return path.endswith((".toml", ".json"))


def _kind(kinds: Sequence[Kind], name: str) -> Kind:
    return next(kind for kind in kinds if kind.name == name)
