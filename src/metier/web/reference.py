"""The API's description as people read it: operations by room, made of the OpenAPI document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]  # parts of an OpenAPI document

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Given:
    """Something that is sent: a parameter or a field of the body. `place` is `path`, `query`, `header` or `body`."""

    name: str
    place: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class Operation:
    """One thing the API does."""

    method: str
    path: str
    summary: str
    description: str
    given: Sequence[Given]

    @property
    def id(self) -> str:
        """Where its paragraph is on the page."""
        return f"{self.method}{self.path}".replace("/", "-").replace("{", "").replace("}", "").lower()


def operations(document: Json) -> dict[str, list[Operation]]:
    """Give the operations of an OpenAPI document by their tag, in its order."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if operation := methods.get(method):
                tag = (operation.get("tags") or ["other"])[0]
                found.setdefault(tag, []).append(_operation(document, path, method, operation))
    return found


def _operation(document: Json, path: str, method: str, operation: Json) -> Operation:
    description: str = operation.get("description", "")
    first, _, rest = description.partition("\n")
    return Operation(
        method=method.upper(),
        path=path,
        summary=first.strip() or operation.get("summary", ""),
        description=rest.strip(),
        given=[*_parameters(operation), *_body(document, operation)],
    )


def _parameters(operation: Json) -> Iterator[Given]:
    for parameter in operation.get("parameters", ()):
        yield Given(
            name=parameter["name"],
            place=parameter["in"],
            kind=_kind(parameter.get("schema", {})),
            required=parameter.get("required", False),
            description=parameter.get("description", ""),
        )


def _body(document: Json, operation: Json) -> Iterator[Given]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _resolved(document, content.get("schema", {}))
    for name, field in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        yield Given(name, "body", _kind(field), required, field.get("description", ""))


def _resolved(document: Json, schema: Json) -> Json:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _kind(schema: Json) -> str:
    """Say what a value is: `string`, `integer`, `list of string`."""
    options = [_kind(option) for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(options))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "object"))
