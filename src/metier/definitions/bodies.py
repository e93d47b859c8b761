"""The body of a definition: JSON in one canonical form, that the database can hold, with no secret in it."""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from metier.errors import Invalid, Problem, below
from metier.filters import storable_text
from metier.filters.operands import is_list, is_object

Body = dict[str, Any]  # any JSON object

LARGEST = 1_000_000  # bytes of a body or a source
DEEPEST = 50  # levels of lists and objects
BIGGEST = 2**63 - 1  # whole numbers

#: Keys whose value is a secret, and so may only name one.
_SECRET_KEYS = frozenset(
    {"password", "passwd", "secret", "token", "api_key", "apikey", "access_key", "client_secret", "private_key"}
    | {"access_token", "refresh_token", "secret_key", "authorization"}
)
_SECRET_NAME = re.compile(r"secret:[A-Za-z][A-Za-z0-9_-]{0,99}")


def canonical(body: Mapping[str, Any]) -> bytes:
    """Give a body as its digest is taken of: keys sorted, nothing between."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def digest(body: Mapping[str, Any]) -> bytes:
    """Give what tells two bodies apart: SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(body)).digest()


def render(body: Mapping[str, Any]) -> bytes:
    """Give a body as a file for people: JSON in the order of its keys, two spaces in."""
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def check_json(raw: Any) -> Body:  # Any: what a file or a client gave
    """Let pass what can be the body of a definition, whatever its kind.

    Raises:
        Invalid: It is no JSON object, too deep or too large, or holds what the database cannot, or a secret.
    """
    if not is_object(raw):
        raise Invalid.of([Problem("", "must be an object", example={"name": "…"})], what="The definition")
    if problems := list(_problems(raw, "", 1)):
        raise Invalid.of(problems, what="The definition")
    body: Body = dict(raw)
    if (size := len(canonical(body))) > LARGEST:
        raise Invalid.of([Problem("", f"has {size:,} bytes; at most {LARGEST:,}")], what="The definition")
    return body


def _problems(raw: Any, path: str, depth: int) -> Iterator[Problem]:
    if depth > DEEPEST:
        yield Problem(path, f"lies more than {DEEPEST} levels deep")
    elif is_object(raw):
        for key, value in raw.items():
            yield from _key_problems(key, value, path)
            yield from _problems(value, below(path, str(key)), depth + 1)
    elif is_list(raw):
        for i, value in enumerate(raw):
            yield from _problems(value, below(path, str(i)), depth + 1)
    elif problem := _scalar_problem(raw):
        yield Problem(path, problem)


def _key_problems(key: Any, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(key, str) or not storable_text(key):
        yield Problem(path, "has a key that no definition can hold")
    elif _is_secret(key) and isinstance(value, str) and not _SECRET_NAME.fullmatch(value):
        yield Problem(below(path, key), "holds a secret itself; name one", example="secret:CRM_KEY")


def _is_secret(key: str) -> bool:
    return key.casefold().replace("-", "_") in _SECRET_KEYS


def _scalar_problem(raw: Any) -> str | None:
    match raw:
        case None | bool():
            return None
        case str():
            return None if storable_text(raw) else "holds a character that no definition can hold"
        case int():
            return None if abs(raw) <= BIGGEST else "is too big a number"
        case float():
            return None if math.isfinite(raw) else "must be a number"
        case _:
            return f"must be JSON; write {type(raw).__name__} values as text"
