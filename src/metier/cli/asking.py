"""Asking a person at the terminal: what an agent wants to do, exactly, and what one says to it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metier.cli.terminal import note

YES, NO = frozenset({"y", "yes"}), frozenset({"", "n", "no"})


@dataclass(frozen=True)
class Reply:
    """What was said. `verdict` is `approve`, `decline` or `answer`."""

    verdict: str
    value: Any = None  # any JSON value
    note: str = ""


def is_there() -> bool:
    """Say whether a person can be asked: whether what is typed comes from a terminal."""
    return sys.stdin.isatty()


def is_plain_change(asked: Mapping[str, Any]) -> bool:
    """Say whether `--yes` covers a request: a change of records to confirm, no risk and no change of the set-up."""
    tool: Mapping[str, Any] = asked.get("tool") or {}
    return asked["kind"] == "confirm" and tool.get("effect") == "write"


def show(asked: Mapping[str, Any]) -> None:
    """Print what is asked, as remarks beside the result."""
    for line in lines(asked):
        note(line)


def lines(asked: Mapping[str, Any]) -> Iterator[str]:
    """Write what is asked: title, reason, before and after, arguments, options; nothing in it is unseen."""
    from metier.runs.requests import readable

    return map(readable, _lines(asked))


def _lines(asked: Mapping[str, Any]) -> Iterator[str]:
    yield f"? {asked['title']}"
    for text in (asked.get("text"), asked.get("why")):
        if text:
            yield f"  {text}"
    for change in asked.get("changes", ()):
        yield f"  {change['deed']} {change['object']} {change['label']}"
        for field in change["fields"]:
            yield f"    {field['label']}: {_json(field['before'])} → {_json(field['after'])}"
    if asked.get("more"):
        yield f"  and {asked['more']} more"
    if asked.get("arguments") is not None:
        yield f"  {asked['tool']['name']} {_json(asked['arguments'])}"
    if asked.get("reads"):
        yield f"  this conversation has read: {', '.join(asked['reads'])}"
    for number, option in enumerate(asked.get("options", ()), start=1):
        about = f": {option['description']}" if option.get("description") else ""
        yield f"  {number}. {option['label']}{about}"
    if asked.get("schema"):
        yield f"  values: {_json(asked['schema'])}"


def ask(asked: Mapping[str, Any]) -> Reply:
    """Ask at the terminal until there is an answer; no input at all is a no."""
    while True:
        try:
            said = _prompt(asked["kind"])
        except EOFError:
            return Reply("decline")
        if (reply := _read(asked, said)) is not None:
            return reply


def _prompt(kind: str) -> str:
    questions = {"decision": "Number or value, empty to decline: ", "input": "Answer, empty to decline: "}
    sys.stderr.write(questions.get(kind, "JSON, empty to decline: " if kind == "form" else "Do it? [y/N] "))
    sys.stderr.flush()
    return input().strip()


def _read(asked: Mapping[str, Any], said: str) -> Reply | None:
    match asked["kind"]:
        case "confirm" | "approval":
            return _yes_or_no(said)
        case "decision":
            return _choice(asked["options"], said) if said else Reply("decline")
        case "input":
            return Reply("answer", said) if said else Reply("decline")
        case _:
            return _values(said) if said else Reply("decline")


def _yes_or_no(said: str) -> Reply | None:
    word, _, remark = said.partition(" ")
    if word.lower() in YES:
        return Reply("approve", note=remark.strip())
    if word.lower() in NO:
        return Reply("decline", note=remark.strip())
    note("y or n; what you write behind it goes to the agent as a remark.")
    return None


def _choice(options: Sequence[Mapping[str, Any]], said: str) -> Reply | None:
    values = [option["value"] for option in options]
    if said in values:
        return Reply("answer", said)
    if said.isdecimal() and 1 <= int(said) <= len(values):
        return Reply("answer", values[int(said) - 1])
    note(f"One of: {', '.join(values)}")
    return None


def _values(said: str) -> Reply | None:
    import orjson

    try:
        return Reply("answer", orjson.loads(said))
    except orjson.JSONDecodeError as error:
        note(f"That is not JSON: {error}")
        return None


def _json(value: Any) -> str:
    import orjson

    return "–" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
