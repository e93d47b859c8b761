"""The workspace as the planner may know it: object types and tool names, read from the tools it was given.

Nothing else is looked at, so what the actor may not see cannot be recognised, corrected to or suggested.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import orjson

from metier.llm.messages import ToolSpec
from metier.records.shape import ObjectType

T = TypeVar("T")
WRITES = ("create", "update", "delete")
MEMBER = "member"  # the object whose records are people with a sign-in; its ids take "me"


@dataclass(frozen=True)
class WriteTool:
    """A tool that writes records of one object, and the fields that it takes."""

    name: str
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Schema:
    """Objects that can be searched, and by which tools.

    Attributes:
        objects: Object types with a find tool, by name, in the tools' order.
        targets: Object types that relations point to, by name; may hold objects without a tool of their own.
        find, find_one: Tool names by object name.
        search: The tool that finds records of any object by name, if there is one.
        writes: The tools that write, by verb (create, update, delete, restore) and object name.
        ask: The tool that asks the person, if there is one.
    """

    objects: Mapping[str, ObjectType] = field(default_factory=dict[str, ObjectType])
    targets: Mapping[str, ObjectType] = field(default_factory=dict[str, ObjectType])
    find: Mapping[str, str] = field(default_factory=dict[str, str])
    find_one: Mapping[str, str] = field(default_factory=dict[str, str])
    search: str | None = None
    writes: Mapping[tuple[str, str], WriteTool] = field(default_factory=dict[tuple[str, str], WriteTool])
    ask: str | None = None

    def object(self, name: str) -> ObjectType | None:
        """Give an object type, searchable or only pointed to."""
        return self.objects.get(name) or self.targets.get(name)


def read_schema(tools: Sequence[ToolSpec]) -> Schema:
    """Read the schema from the tools' annotations (`{"kind": "find", "object": {…}, "objects": {…}}`)."""
    objects: dict[str, ObjectType] = {}
    targets: dict[str, ObjectType] = {}
    names: dict[str, dict[str, str]] = {"find": {}, "find_one": {}}
    single: dict[str, str] = {}
    writes: dict[tuple[str, str], WriteTool] = {}
    for tool in tools:
        kind = tool.annotations.get("kind")
        if kind in ("search", "ask"):
            single[kind] = tool.name
        if kind in WRITES:
            writes |= _write_tools(tool)
        if kind not in names:
            continue
        body: Mapping[str, Any] = tool.annotations["object"]
        names[kind][body["name"]] = tool.name
        if kind == "find":
            objects[body["name"]] = ObjectType.from_json(body, cut=True)
        for name, other in tool.annotations.get("objects", {}).items():
            if name not in targets:
                targets[name] = ObjectType.from_json(other, cut=True)
    find, find_one = names["find"], names["find_one"]
    return Schema(objects, targets, find, find_one, single.get("search"), writes, single.get("ask"))


def _write_tools(tool: ToolSpec) -> dict[tuple[str, str], WriteTool]:
    """Read a tool that writes, and the one that brings back what it deletes."""
    note = tool.annotations
    found = {(note["kind"], note["object"]): WriteTool(tool.name, frozenset(note["fields"]))}
    return found | ({("restore", note["object"]): WriteTool(note["restored_by"])} if "restored_by" in note else {})


class ByTools(Generic[T]):
    """Things made from tools, kept by the tools' identity and, for equal tools made anew, by their content.

    Args:
        keep: Number of things kept; the least recently used goes first.
    """

    def __init__(self, *, keep: int = 32) -> None:
        self._keep = keep
        self._same: OrderedDict[tuple[int, ...], tuple[tuple[Mapping[str, Any], ...], bytes]] = OrderedDict()
        self._made: OrderedDict[bytes, T] = OrderedDict()

    def get(self, tools: Sequence[ToolSpec]) -> T | None:
        """Give what was made of these tools."""
        return self._made.get(self._key(tools))

    def put(self, tools: Sequence[ToolSpec], made: T) -> None:
        """Keep what was made of these tools."""
        key = self._key(tools)
        self._made[key] = made
        self._made.move_to_end(key)
        while len(self._made) > self._keep:
            self._made.popitem(last=False)

    def _key(self, tools: Sequence[ToolSpec]) -> bytes:
        annotations = tuple(tool.annotations for tool in tools)
        identity = tuple(map(id, annotations))
        known = self._same.get(identity)
        # Holding the annotations keeps their ids from being given to others.
        if known is None:
            known = (annotations, _digest(tools))
            self._same[identity] = known
            while len(self._same) > self._keep:
                self._same.popitem(last=False)
        return known[1]


def _digest(tools: Sequence[ToolSpec]) -> bytes:
    body = [[tool.name, dict(tool.annotations)] for tool in tools if tool.annotations.get("kind")]
    return blake2b(orjson.dumps(body), digest_size=16).digest()
