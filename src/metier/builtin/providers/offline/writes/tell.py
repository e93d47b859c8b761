"""What will be written, in words that read back as the same, and what was written, in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metier.builtin.providers.offline.cells import cell, escaped, link, plain_title
from metier.builtin.providers.offline.restate import Teller, capital, number, quoted, restate, small
from metier.builtin.providers.offline.spec import Spec
from metier.builtin.providers.offline.writes.deed import Deed, Setting
from metier.records.shape import FieldType

Json = Mapping[str, Any]

_PAST = {"create": "Created", "update": "Changed", "delete": "Deleted", "restore": "Restored"}


def plan_json(deed: Deed, teller: Teller, *, call: str, arguments: Json) -> dict[str, Any]:
    """Give the plan as data, see `plan.plan_json`; its chips' labels joined by "; " plan back to the same."""
    chips = _chips(deed, teller)
    return {
        "object": deed.object,
        "restatement": "; ".join(chip["label"] for chip in chips),
        "chips": chips,
        "call": {"name": call, "arguments": dict(arguments)},
        "unread": [],
        "confidence": 1.0,
    }


def _chips(deed: Deed, teller: Teller) -> list[dict[str, Any]]:
    label = f"{capital(deed.verb)} {_what(deed, teller)}"
    found: list[dict[str, Any]] = [{"kind": deed.verb, "label": label, "value": deed.object}]
    for setting in deed.settings:
        said = capital(_said(setting, teller))
        found.append({"kind": "value", "label": said, "path": setting.field.name, "value": setting.value})
    return found


def _what(deed: Deed, teller: Teller) -> str:
    noun = small(teller.type.label)
    if deed.target is None:
        return noun
    if deed.called:
        return f"{noun} {quoted(deed.called)}"
    if not isinstance(deed.target, Spec):
        return f"{noun} {quoted(deed.target.label)}"
    words = (
        small(teller.type.label_plural) if deed.target.where or deed.target.limit else f"all {teller.type.label_plural}"
    )
    return small(words) + restate(deed.target, teller).removeprefix(capital(teller.type.label_plural))


def _said(setting: Setting, teller: Teller) -> str:
    """Say a value: `stage is Won`, `amount is 50,000 EUR`."""
    if setting.field.type is FieldType.CURRENCY and setting.value is not None:
        code = setting.value.get("currency_code", "")
        return f"{small(setting.field.label)} is {number(setting.value['amount'])} {code}".rstrip()
    (node,) = setting.said
    return teller.condition(node)


def written(verb: str, teller: Teller, output: Json) -> Iterator[str]:
    """Tell what a call did, from the changes that it gave.

    Args:
        output: `{"success", "message", "result": {"object", "changes": […]}}` or what went wrong.
    """
    if not output.get("success"):
        yield refused(escaped(str(output.get("message") or "The tool failed.")))
        return
    result: Json = output.get("result") or {}
    changes: Sequence[Json] = result.get("changes") or ()
    if result.get("change_id") is None:
        yield f"{escaped(str(output.get('message')))}\n"
    elif len(changes) == 1:
        yield from _one(verb, changes[0], teller)
    else:
        yield f"**{escaped(str(output.get('message')))}**\n\n"
        yield from (f"- {_link(change, teller)}{_fields(change, teller, ', ', ': ')}\n" for change in changes)


def _one(verb: str, change: Json, teller: Teller) -> Iterator[str]:
    noun = escaped(small(teller.type.label))
    yield f"**{_PAST[verb]} {noun} {_link(change, teller, linked=verb != 'delete')}**\n"
    if verb in ("create", "update"):
        yield f"{_fields(change, teller, chr(10) + '- ', chr(10) + '- ')}\n"


def _link(change: Json, teller: Teller, *, linked: bool = True) -> str:
    label = str(change.get("label") or "")
    return link(label, teller.type.name, str(change["id"])) if linked else escaped(label)


def _fields(change: Json, teller: Teller, joiner: str, opener: str) -> str:
    told = [_field(one, teller) for one in change.get("fields") or () if one["name"] in teller.type.by_name]
    return opener + joiner.join(told) if told else ""


def _field(change: Json, teller: Teller) -> str:
    field = teller.type.by_name[change["name"]]
    before, after = (_cell(change.get(key), teller, change["name"]) for key in ("before", "after"))
    if not before:
        return f"{escaped(field.label)}: {after or 'empty'}"
    return f"{escaped(field.label)}: {before} → {after or 'empty'}"


def _cell(value: Any, teller: Teller, name: str) -> str:
    field = teller.type.by_name[name]
    return escaped(plain_title(value)) if field.type is FieldType.FULL_NAME else cell(value, field, teller.clock)


def refused(why: str, cure: str = "") -> str:
    """Say that nothing was written, and why; `why` and `cure` are Markdown."""
    return f"Nothing was changed. {why}\n" + (f"\n{cure}\n" if cure else "")
