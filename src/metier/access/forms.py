"""Roles as people and programs write them, in our spelling or Twenty's → one form, or all that is wrong with it.

`{"all_objects": ["read"], "objects": {"company": ["read", "update"]}, "fields": {"company": {"revenue": []}},
"rows": {"opportunity": [{"where": {"owner": "me"}}]}, "flags": ["AI"]}`
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, TypedDict

from metier.actor import EVERY_ACTION, FIELD_ACTIONS, FLAGS, Action, Holder, Role, RowRule, flag_name
from metier.errors import BadFilter, Invalid, Problem, below, nearest
from metier.filters import is_predicate, read_flat, read_predicate, snake
from metier.filters.operands import is_list, is_object

MOST_RULES = 50  # row rules of one object
LONGEST = 2_000  # characters of a description

Actions = frozenset[Action]


class RoleForm(TypedDict, total=False):
    """What can be said of a role; what is left out, or None, stays. `Any`: JSON in either spelling, see `docs`."""

    label: str | None
    description: str | None
    icon: str | None
    can_be_assigned_to: Any
    can_update_all_settings: bool | None
    can_access_all_tools: bool | None
    all_objects: Any
    objects: Any
    inherits: Any
    fields: Any
    rows: Any
    flags: Any


def changed(role: Role, form: Mapping[str, Any]) -> Role:
    """Give the role as the form says it shall be.

    Args:
        role: As it is; one that allows nothing to make a new one.
        form: Any mapping, keys in our spelling or Twenty's.

    Raises:
        Invalid: Names each place that is wrong, what was expected, and the nearest name.
    """
    reader = _Reader(role)
    found = reader.read({snake(_name(key)): value for key, value in form.items() if value is not None})
    if reader.problems:
        raise Invalid.of(reader.problems, what="The role")
    return found


class _Reader:
    """Reads one form and collects what is wrong."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self._switched_objects: set[str] = set()  # of which the form says anew what is allowed
        self.problems: list[Problem] = []

    def read(self, body: Mapping[str, Any]) -> Role:
        known = {*_TWENTYS, *RoleForm.__annotations__}
        for key in body.keys() - known:
            near = nearest(key, known)
            self._wrong(key, f"a role has no {key[:100]!r}", RoleForm.__annotations__, did_you_mean=near)
        role = replace(self._role, **self._plain(body))
        role = replace(role, all_objects=self._all_objects(body, role))
        role = replace(role, objects=self._objects(body, role), fields=self._fields(body, role))
        role = self._inheriting(body, role)
        return replace(role, rows=self._rows(body, role), flags=self._flags(body, role))

    def _wrong(self, path: str, problem: str, allowed: Iterable[str] = (), **more: Any) -> None:
        self.problems.append(Problem(path, problem, tuple(allowed), **more))

    def _plain(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in ("label", "description", "icon"):
            if key in body:
                found[key] = self._text(key, body[key])
        for key in ("can_update_all_settings", "can_access_all_tools"):
            if key in body:
                found[key] = self._switch(key, body[key])
        holders = self._holders(body)
        return found | {"can_be_assigned_to": holders}

    def _text(self, key: str, raw: Any) -> str:
        if isinstance(raw, str) and len(raw) <= LONGEST and raw.isprintable():
            return raw.strip()
        self._wrong(key, f"expected a text of at most {LONGEST} characters, on one line")
        return ""

    def _switch(self, path: str, raw: Any) -> bool:
        if not isinstance(raw, bool):
            self._wrong(path, f"expected true or false, not {str(raw)[:60]!r}", example=True)
        return raw is True

    def _holders(self, body: Mapping[str, Any]) -> frozenset[Holder]:
        found = set(self._role.can_be_assigned_to)
        if "can_be_assigned_to" in body:
            names = self._names("can_be_assigned_to", body["can_be_assigned_to"], tuple(Holder))
            found = {Holder(name) for name in names}
        for holder in Holder:
            if (key := f"can_be_assigned_to_{holder}") in body:
                found = found | {holder} if self._switch(key, body[key]) else found - {holder}
        return frozenset(found)

    def _names(self, path: str, raw: Any, allowed: Sequence[str]) -> list[str]:
        """Read a list of names that there are."""
        return [name for name in self._list(path, raw, allowed[:1]) if self._known(path, name, allowed)]

    def _known(self, path: str, name: Any, allowed: Sequence[str]) -> bool:
        if name in allowed:
            return True
        near = nearest(name, allowed) if isinstance(name, str) else None
        self._wrong(path, f"there is no {str(name)[:60]!r}", allowed, did_you_mean=near)
        return False

    def _list(self, path: str, raw: Any, example: Any) -> Sequence[Any]:
        if isinstance(raw, frozenset | set):
            return sorted(map(str, raw))  # pyright: ignore[reportUnknownArgumentType] of any element
        if is_list(raw):
            return raw
        self._wrong(path, f"expected a list, not {str(raw)[:60]!r}", example=example)
        return ()

    def _object(self, path: str, raw: Any, example: Any) -> dict[str, Any]:
        if is_object(raw):
            return {_name(key): value for key, value in raw.items()}
        self._wrong(path, f"expected an object, not {str(raw)[:60]!r}", example=example)
        return {}

    # --- actions ---------------------------------------------------------------------------------------------------

    def _all_objects(self, body: Mapping[str, Any], role: Role) -> Actions:
        found = self._actions("all_objects", body["all_objects"]) if "all_objects" in body else role.all_objects
        return self._switched("", body, found, "can_{}_all_object_records")

    def _actions(self, path: str, raw: Any, allowed: AbstractSet[Action] = EVERY_ACTION) -> Actions:
        given = [snake(str(name)) for name in self._list(path, raw, ["read", "update"])]
        named = [_SYNONYMS.get(name, name) for name in given]
        return frozenset(
            Action(name) for name in named if self._known(path, name, tuple(a for a in Action if a in allowed))
        )

    def _switched(self, path: str, body: Mapping[str, Any], found: Actions, name: str) -> Actions:
        """Take Twenty's switches: true adds, false takes away. It knows no creating apart from updating."""
        for word, actions in _SWITCHES.items():
            if body.get(key := name.format(word)) is not None:
                found = found | actions if self._switch(f"{path}{key}", body[key]) else found - actions
        return found

    def _objects(self, body: Mapping[str, Any], role: Role) -> Mapping[str, Actions]:
        found = dict(role.objects)
        if "objects" in body:
            given = self._object("objects", body["objects"], {"company": ["read"]})
            found = {name: self._object_actions(f"objects.{name}", raw, role) for name, raw in given.items()}
        for path, name, one in self._named("object_permissions", body):
            start = found.get(name, role.all_objects)
            found[name] = self._switched(f"{path}.", one, start, "can_{}_object_records")
            self._switched_objects.add(name)
        return found

    def _inheriting(self, body: Mapping[str, Any], role: Role) -> Role:
        """Let single actions of objects follow `all_objects`; whoever says what an object allows says it anew."""
        given = self._object("inherits", body.get("inherits", {}), {"company": ["create"]})
        found = {} if "objects" in body else {n: a for n, a in role.inherits.items() if n in role.objects}
        found = {name: actions for name, actions in found.items() if name not in self._switched_objects}
        found |= {name: self._actions(f"inherits.{name}", raw) for name, raw in given.items()}
        objects = dict(role.objects)
        for name, actions in found.items():
            objects[name] = (objects.get(name, role.all_objects) - actions) | (role.all_objects & actions)
        whole = {name for name, actions in found.items() if actions == EVERY_ACTION}
        return replace(
            role,
            objects={name: actions for name, actions in objects.items() if name not in whole},
            inherits={name: actions for name, actions in found.items() if actions and name not in whole},
        )

    def _object_actions(self, path: str, raw: Any, role: Role) -> Actions:
        if not is_object(raw):
            return self._actions(path, raw)
        one = {snake(str(key)): value for key, value in raw.items()}
        return self._switched(f"{path}.", one, role.all_objects, "can_{}_object_records")

    def _named(self, key: str, body: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
        """Give the entries of one of Twenty's lists: where each stands, its object's name, and what it says."""
        for i, raw in enumerate(self._list(key, body.get(key, ()), [{"object": "company"}])):
            path = f"{key}.{i}"
            one = {snake(name): value for name, value in self._object(path, raw, {"object": "company"}).items()}
            name = next((_name(one[word]) for word in _OBJECT_WORDS if isinstance(one.get(word), str)), None)
            if name is None:
                self._wrong(f"{path}.object", "expected the name of an object", example="company")
            else:
                yield path, name, one

    # --- fields ----------------------------------------------------------------------------------------------------

    def _fields(self, body: Mapping[str, Any], role: Role) -> Mapping[str, Mapping[str, Actions]]:
        found = {name: dict(rules) for name, rules in role.fields.items()}
        if "fields" in body:
            given = self._object("fields", body["fields"], {"company": _HIDDEN})
            found = {name: self._object_fields(f"fields.{name}", rules) for name, rules in given.items()}
        for path, name, one in self._named("field_permissions", body):
            known = next((_name(one[word]) for word in _FIELD_WORDS if isinstance(one.get(word), str)), None)
            if known is None:
                self._wrong(f"{path}.field", "expected the name of a field", example="revenue")
            else:
                found.setdefault(name, {})[known] = self._field_actions(path, one)
        kept = {name: {f: a for f, a in rules.items() if a != FIELD_ACTIONS} for name, rules in found.items()}
        return {name: rules for name, rules in kept.items() if rules}

    def _object_fields(self, path: str, raw: Any) -> dict[str, Actions]:
        given = self._object(path, raw, _HIDDEN)
        return {known: self._field_actions(below(path, known), actions) for known, actions in given.items()}

    def _field_actions(self, path: str, raw: Any) -> Actions:
        """Give what is left: only what withholds counts, and what is not read is not written."""
        if not is_object(raw):
            found = self._actions(path, raw, FIELD_ACTIONS)
        else:
            one = {_FIELD_SPELLINGS.get(snake(str(key)), snake(str(key))): value for key, value in raw.items()}
            given = {action: one[action] for action in FIELD_ACTIONS if one.get(action) is not None}
            found = FIELD_ACTIONS - {a for a, value in given.items() if not self._switch(f"{path}.{a}", value)}
            found = found if Action.READ in found else frozenset[Action]()
        if Action.UPDATE in found and Action.READ not in found:
            self._wrong(path, "what may be updated may be read too", example=["read", "update"])
        return found

    # --- rows ------------------------------------------------------------------------------------------------------

    def _rows(self, body: Mapping[str, Any], role: Role) -> Mapping[str, tuple[RowRule, ...]]:
        found = dict(role.rows)
        if "rows" in body:
            given = self._object("rows", body["rows"], {"opportunity": [_RULE]})
            found = {name: self._rules(below("rows", name), raw) for name, raw in given.items()}
        for name, rules in self._flat_rows(body).items():
            found[name] = rules
        return {name: rules for name, rules in found.items() if rules}

    def _rules(self, path: str, raw: Any) -> tuple[RowRule, ...]:
        rules = [raw] if is_object(raw) else self._list(path, raw, [_RULE])
        if len(rules) > MOST_RULES:
            self._wrong(path, f"at most {MOST_RULES} rules for one object, not {len(rules)}")
        found = [self._rule(f"{path}.{i}", one) for i, one in enumerate(rules[:MOST_RULES])]
        return tuple(rule for rule in found if rule)

    def _rule(self, path: str, raw: Any) -> RowRule | None:
        if isinstance(raw, RowRule):
            return raw
        if is_predicate(raw):
            return self._tried(lambda: RowRule(read_predicate(raw, path)))
        body = self._object(path, raw, _RULE)
        for key in body.keys() - {"where", "actions", "label"}:
            near = nearest(key, ("where", "actions", "label"))
            self._wrong(
                below(path, key), f"a rule has no {key[:60]!r}", ("where", "actions", "label"), did_you_mean=near
            )
        where = body.get("where")
        if is_predicate(where):
            where = self._tried(lambda: read_predicate(where, f"{path}.where"))
        if not is_object(where):
            if where is not None or "where" not in body:
                self._wrong(f"{path}.where", "expected a filter", example=_RULE["where"])
            return None
        actions = self._actions(f"{path}.actions", body["actions"]) if body.get("actions") is not None else EVERY_ACTION
        if not actions:
            self._wrong(f"{path}.actions", "a rule restricts at least one action", Action)
        return RowRule(dict(where), actions, self._text(f"{path}.label", body.get("label") or ""))

    def _flat_rows(self, body: Mapping[str, Any]) -> Mapping[str, tuple[RowRule, ...]]:
        """Read Twenty's two flat lists, one tree per object."""
        lists = [list(self._named(key, body)) for key in (_PREDICATES, f"{_PREDICATES[:-1]}_groups")]
        found: dict[str, tuple[RowRule, ...]] = {}
        for name in dict.fromkeys(name for entries in lists for _, name, _ in entries):
            flat, groups = ([one for _, other, one in entries if other == name] for entries in lists)
            rule = self._tried(lambda flat=flat, groups=groups: RowRule(read_flat(flat, groups, _PREDICATES)))
            found[name] = (rule,) if rule else ()
        return found

    def _tried(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except BadFilter as error:
            self.problems += error.problems
            return None

    # --- flags -----------------------------------------------------------------------------------------------------

    def _flags(self, body: Mapping[str, Any], role: Role) -> frozenset[str]:
        keys = [key for key in _FLAG_KEYS if key in body]
        if not keys:
            return role.flags
        return frozenset(flag for key in keys for flag in self._flag_names(key, body[key]))

    def _flag_names(self, path: str, raw: Any) -> Iterable[str]:
        for given in self._list(path, raw, ["AI"]):
            one = given.get("flag", given.get("key")) if is_object(given) else given
            name = flag_name(str(one))
            if name is None:
                self._wrong(path, f"there is no flag {str(one)[:60]!r}", FLAGS, did_you_mean=nearest(str(one), FLAGS))
            else:
                yield name


def _name(given: Any) -> str:
    """Give a name that can stand in an error: half a surrogate pair cannot."""
    return str(given)[:200].encode(errors="replace").decode()


_HIDDEN: dict[str, Any] = {"revenue": []}
_RULE: dict[str, Any] = {"where": {"owner": "me"}}
_SYNONYMS = {"soft_delete": "delete", "write": "update"}
_SWITCHES: Mapping[str, Actions] = {
    "read": frozenset({Action.READ}),
    "update": frozenset({Action.CREATE, Action.UPDATE}),
    "soft_delete": frozenset({Action.DELETE}),
    "destroy": frozenset({Action.DESTROY}),
}
_OBJECT_WORDS = ("object", "object_name", "object_name_singular", "object_universal_identifier", "object_metadata_id")
_FIELD_WORDS = ("field", "field_name", "field_universal_identifier", "field_metadata_id")
_FIELD_SPELLINGS = {"can_read_field_value": "read", "can_update_field_value": "update"}
_PREDICATES = "row_level_permission_predicates"
_FLAG_KEYS = ("flags", "permission_flags", "permission_flag_universal_identifiers", "role_permission_flags")
_TWENTYS = (
    *(f"can_{word}_all_object_records" for word in _SWITCHES),
    *(f"can_be_assigned_to_{holder}" for holder in Holder),
    "object_permissions",
    "field_permissions",
    _PREDICATES,
    f"{_PREDICATES[:-1]}_groups",
    *_FLAG_KEYS[1:],
)
