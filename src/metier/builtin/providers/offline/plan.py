"""The plan that pages show as chips: what was understood, piece by piece, and the call it leads to."""

from collections.abc import Sequence
from typing import Any

from metier.builtin.providers.offline.restate import Teller, capital, restate
from metier.builtin.providers.offline.spec import AnyOf, Condition, Node, Not, Spec, arguments, node_json


def plan_json(spec: Spec, teller: Teller, *, call: str, unread: Sequence[str], confidence: float) -> dict[str, Any]:
    """Give the plan as data.

    Args:
        call: Name of the tool.

    Returns:
        `{"object", "restatement", "chips": [{"kind", "label", "path"?, "op"?, "value"?}], "call": {"name",
        "arguments"}, "unread": [words], "confidence": 0–1}`; the chips' labels joined by "; " plan back to the same.
    """
    given = {"id": spec.one.id} if spec.one else arguments(spec, title=teller.type.title)
    return {
        "object": spec.object,
        "restatement": restate(spec, teller),
        "chips": chips(spec, teller),
        "call": {"name": call, "arguments": given},
        "unread": list(unread),
        "confidence": round(confidence, 2),
    }


def chips(spec: Spec, teller: Teller) -> list[dict[str, Any]]:
    """Give the pieces of a spec, each with a label and what it stands for."""
    found: list[dict[str, Any]] = [{"kind": "object", "label": _object_label(spec, teller), "value": spec.object}]
    if spec.count:
        found.append({"kind": "count", "label": "How many", "value": True})
    found += [_filter(node, teller) for node in spec.where]
    if spec.sort:
        value = [("-" if order.descending else "") + ".".join(order.path) for order in spec.sort]
        found.append({"kind": "sort", "label": capital(teller.order(spec.sort)), "value": value})
    if spec.limit is not None:
        found.append({"kind": "limit", "label": f"First {spec.limit}", "value": spec.limit})
    if spec.select:
        paths = [".".join(path) for path in spec.select]
        found.append({"kind": "select", "label": capital(teller.fields(spec.select)), "value": paths})
    return found


def _object_label(spec: Spec, teller: Teller) -> str:
    return teller.noun(spec) if spec.one else capital(teller.type.label_plural)


def _filter(node: Node, teller: Teller) -> dict[str, Any]:
    chip: dict[str, Any] = {"kind": "filter", "label": capital(teller.condition(node))}
    match node:
        case Condition():
            return chip | {"path": ".".join(node.path), "op": node.op, "value": node.value}
        case AnyOf():
            return chip | {"op": "or", "value": node_json(node)["or"]}
        case Not():
            return chip | {"path": ".".join(node.part.path), "op": "not", "value": node_json(node.part)}
