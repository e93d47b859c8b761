"""What a role says of objects, checked against the objects there are: own names, fields, row rules that can be read.

Whoever writes a role names only what they see themselves (S-08), so that no rule tells of what is hidden from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from metier.actor import Action, Actor, Role, RowRule
from metier.errors import Invalid, NotFound, Problem, UnknownField
from metier.filters import Here, Node, read_where, snake
from metier.records.catalog import View
from metier.records.policy import tests
from metier.records.shape import ObjectType


def own_names(role: Role, actor: Actor, view: View, here: Here) -> Role:
    """Give the role with the own names of objects and fields: a rule for `companies` is one for `company`.

    Args:
        actor: Who writes the role.
        view: What that one sees.
        here: When and where; with the fields of a member.

    Raises:
        Invalid: Names each place: an object or field that there is not or that is hidden, a filter that cannot be read.
    """
    reader = _Reader(actor, view, here)
    objects = {kind.name: role.objects[name] for name, kind in reader.kinds("objects", role.objects)}
    fields = {kind.name: reader.fields(name, kind, role) for name, kind in reader.kinds("fields", role.fields)}
    rows = {kind.name: reader.rules(name, kind, role.rows[name]) for name, kind in reader.kinds("rows", role.rows)}
    inherits = {kind.name: role.inherits[name] for name, kind in reader.kinds("inherits", role.inherits)}
    if reader.problems:
        raise Invalid.of(reader.problems, what="The role")
    return replace(role, objects=objects, inherits=inherits, fields=fields, rows=rows)


class _Reader:
    """Reads what one role says, and collects what is wrong."""

    def __init__(self, actor: Actor, view: View, here: Here) -> None:
        self._actor, self._view, self._here = actor, view, here
        self.problems: list[Problem] = []

    def kinds(self, part: str, given: Mapping[str, Any]) -> Iterable[tuple[str, ObjectType]]:
        """Give the objects that a part of the role names."""
        found: dict[str, str] = {}
        for name in given:
            try:
                kind = self._view.object(name)
            except NotFound as error:
                near = error.problems[0].did_you_mean
                self.problems.append(Problem(f"{part}.{name}", error.message, did_you_mean=near))
                continue
            if kind.name in found:
                other = found[kind.name] if name == kind.name else name
                self.problems.append(Problem(f"{part}.{other}", f"{kind.name!r} is named twice"))
            found[kind.name] = name
            yield name, kind

    def fields(self, name: str, kind: ObjectType, role: Role) -> dict[str, frozenset[Action]]:
        found: dict[str, frozenset[Action]] = {}
        for given, actions in role.fields[name].items():
            path = f"fields.{name}.{given}"
            known = next((word for word in (given, snake(given)) if word in kind.by_name), None)
            if known is None:
                self.problems += UnknownField(given[:100], kind.name, kind.by_name, path=path).problems
            elif known == "id":
                self.problems.append(Problem(path, "a record always has its id"))
            elif known in found:
                self.problems.append(Problem(path, f"{known!r} is named twice"))
            else:
                found[known] = actions
        return found

    def rules(self, name: str, kind: ObjectType, rules: Iterable[RowRule]) -> tuple[RowRule, ...]:
        for i, rule in enumerate(rules):
            path = f"rows.{name}.{i}.where"
            try:
                tree = read_where(rule.where, self._view.names(kind.name), self._here, path=path).tree
            except Invalid as error:
                self.problems += error.problems
                continue
            self._check_reach(tree, kind, path)
        return tuple(rules)

    def _check_reach(self, tree: Node, kind: ObjectType, path: str) -> None:
        """Refuse to look through objects of which the writer sees some records only: rules would tell of the others."""
        for test in tests(tree):
            at = kind
            for step in test.path[:-1]:
                at = self._view.objects[at.by_name[step].target or ""]
                if self._actor.row_rules(Action.READ, at.name):
                    problem = f"you see some {at.label_plural} only, so a rule of yours cannot ask about them"
                    self.problems.append(Problem(path, problem))
