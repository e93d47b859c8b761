"""The events of a run as the command line gets them, and how it prints them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metier.cli.terminal import note, say_part


@dataclass(frozen=True)
class Line:
    """One event as it is printed with `--json`: the stored form."""

    type: str
    data: Mapping[str, Any]
    form: Mapping[str, Any]


def print_json(line: Line) -> None:
    """Print an event as one line of JSON."""
    import orjson

    sys.stdout.buffer.write(orjson.dumps(line.form) + b"\n")
    sys.stdout.flush()


class Printer:
    """Shows an answer to a person."""

    def __init__(self) -> None:
        self._open = False
        self._error: Mapping[str, Any] = {}

    def __call__(self, line: Line) -> None:
        match line.type:
            case "token":
                say_part(_safe(line.data["text"]))
                self._open = not str(line.data["text"]).endswith("\n")
            case "tool_call":
                self._note(f"→ {line.data['name']} {_brief(line.data['arguments'])}")
            case "tool_result":
                self._note(f"  {'✓' if line.data['success'] else '✗'} {line.data['message']}")
            case "resumed":
                self._note("Another process goes on with the answer:")
            case "interrupt_response":
                self._note(f"  {line.data['status']}: {said(line.data)}")
            case "error":
                self._error = line.data
            case "complete":
                self._end(line.data)
            case _:
                pass

    def _end(self, data: Mapping[str, Any]) -> None:
        self._close()
        if data["status"] != "succeeded":
            note(f"{data['status']}: {self._error.get('message', data['stop_reason'])}")
            if cure := self._error.get("cure"):
                note(f"cure: {cure}")

    def _note(self, text: str) -> None:
        self._close()
        note(_safe(text))

    def _close(self) -> None:
        if self._open:
            say_part("\n")
            self._open = False


def _safe(text: str) -> str:
    """Keep words of agents and records from giving the terminal orders."""
    from metier.runs.requests import readable

    return readable(text)


def said(end: Mapping[str, Any]) -> str:
    """Say what came of a request; `end` as in the event `interrupt_response`."""
    answer: Mapping[str, Any] = end.get("answer") or {}
    words = [str(answer.get("verdict", "no longer asked"))]
    words += [f"by {end['by']}"] if end.get("by") else []
    words += [f"({end['note']})"] if end.get("note") else []
    return " ".join(words)


def _brief(arguments: Mapping[str, Any]) -> str:
    import orjson

    return orjson.dumps(arguments).decode() if arguments else ""
