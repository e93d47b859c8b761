"""When a call needs a person first (S-16): what it may change, what the house has set, and whose words led to it.

tool and arguments + Preview ──▶ decide(…, Caution) ──▶ None, or a Need: confirm (one's own change), approve (a risk)
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metier.access import Confirm
from metier.llm.messages import Message, ToolResult
from metier.runs.requests import Preview
from metier.tools.tool import Tool


def _nowhere(host: str) -> bool:
    return False


@dataclass(frozen=True)
class Caution:
    """What a run is careful about.

    Attributes:
        confirm: Which changes of the workspace are confirmed.
        reads: Whose words the model has read in this conversation: `records`, `web`, `files`, `mail`, `other`. They may
            hold instructions that no person gave.
        allows: Says of a host whether `external` calls may go there all the same.
    """

    confirm: Confirm = Confirm.ALWAYS
    reads: frozenset[str] = frozenset()
    allows: Callable[[str], bool] = _nowhere


#: Looks up what a run is careful about now; only calls that may need a person ask.
Careful = Callable[[], Awaitable[Caution]]


@dataclass(frozen=True)
class Need:
    """That a person must say yes, and why, as a sentence.

    Attributes:
        kind: `confirm`: who is acted for says that it is meant. `approval`: there is a risk to judge.
        hosts: Where the call reaches, if nobody were needed with these on the workspace's list.
    """

    kind: Literal["confirm", "approval"]
    why: str
    hosts: tuple[str, ...] = ()


def decide(tool: Tool, arguments: Mapping[str, Any], preview: Preview | None, caution: Caution) -> Need | None:
    """Say whether a call needs a person, and for what."""
    if tool.effect == "read" and tool.approval != "always":
        return None
    if tool.effect in ("external", "admin") and caution.reads and not _is_expected(tool, arguments, caution.allows):
        why = f"{_TOUCHES[tool.effect]}, and this conversation has read {read_words(caution.reads)}."
        return Need("approval", why, _unlisted(tool, arguments, caution))
    if tool.approval == "always":
        return Need("approval", f"{tool.name} never runs without an approval.")
    if tool.approval == "never" or tool.effect == "external" or not _is_confirmed(preview, caution.confirm):
        return None
    return Need("confirm", "Changes are confirmed before they are made.")


def read_in(messages: Iterable[Message]) -> frozenset[str]:
    """Say whose words a conversation holds, by the results of its calls; one that does not say counts as `other`.

    From what is stored alone, so it is the same after a restart and on another process.
    """
    results = (part for message in messages for part in message.parts if isinstance(part, ToolResult))
    return frozenset(name for result in results for name in (("other",) if result.reads is None else result.reads))


def read_words(reads: Iterable[str]) -> str:
    """Name what was read: `records and mail`.

    >>> read_words({"web", "records"})
    'records and web pages'
    """
    found = [_READ[name] for name in _READ if name in set(reads)]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


_READ = {"records": "records", "web": "web pages", "files": "files", "mail": "mail", "other": "texts from elsewhere"}
_TOUCHES = {"external": "It reaches beyond the workspace", "admin": "It changes how the workspace is set up"}


def _is_expected(tool: Tool, arguments: Mapping[str, Any], allows: Callable[[str], bool]) -> bool:
    targets = _targets(tool, arguments)
    return bool(targets) and all(map(allows, targets))


def _targets(tool: Tool, arguments: Mapping[str, Any]) -> Sequence[str]:
    return tool.targets(arguments) if tool.targets and tool.effect == "external" else ()


def _unlisted(tool: Tool, arguments: Mapping[str, Any], caution: Caution) -> tuple[str, ...]:
    """Give the hosts that would have to be listed; none where a list does not help."""
    if tool.approval == "always":
        return ()
    return tuple(host for host in _targets(tool, arguments) if not caution.allows(host))


def _is_confirmed(preview: Preview | None, confirm: Confirm) -> bool:
    if confirm is Confirm.OUTSIDE_OWN:
        return preview is None or not preview.own
    return confirm is Confirm.ALWAYS
