"""JSON Schema: checks values and says what is wrong where."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import orjson

from metier.errors import Invalid, Problem, nearest

_KEEP = 512  # compiled schemas; one is some 10 kB, a workspace has about three per object


class Validators:
    """Compiled schemas by content, the least used dropped first."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[bytes, Any] = OrderedDict()  # Any: the extension module's validators are untyped
        self._by_identity: dict[int, tuple[Mapping[str, Any], Any]] = {}

    def problems(self, schema: Mapping[str, Any], value: Any) -> list[Problem]:
        """Give what is wrong with `value`; empty if it fits.

        Raises:
            Invalid: The schema is none, or names another document.
        """
        validator = self._validator(schema)
        if validator.is_valid(value):
            return []
        return [_problem(error, schema) for error in validator.iter_errors(value)]

    def _validator(self, schema: Mapping[str, Any]) -> Any:
        known = self._by_identity.get(id(schema))
        if known is not None and known[0] is schema:
            return known[1]
        key = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
        compiled = self._compiled.pop(key, None) or _compile(schema)
        self._compiled[key] = compiled
        while len(self._compiled) > _KEEP:
            self._compiled.popitem(last=False)
        if len(self._by_identity) > _KEEP:
            self._by_identity.clear()
        self._by_identity[id(schema)] = (schema, compiled)
        return compiled


def _compile(schema: Mapping[str, Any]) -> Any:
    """Make a validator that reads nothing but the schema: by itself the library fetches what a `$ref` names (S-27)."""
    try:
        return jsonschema_rs.validator_for(dict(schema), offline=True)
    except ValueError as error:
        raise Invalid.of([Problem("", str(error).partition("\n")[0])], what="The JSON Schema") from None


def _problem(error: Any, schema: Mapping[str, Any]) -> Problem:
    path = ".".join(str(part) for part in error.instance_path)
    message = str(error.message)
    names = tuple(schema.get("properties", ()))
    if "were unexpected" in message or "was unexpected" in message:
        stray = message.split("'")[1] if "'" in message else ""
        return Problem(path or stray, message, allowed=names, did_you_mean=nearest(stray, names) if stray else None)
    return Problem(path, message)
