"""The form in which people write an agent: what it is called, what it is told, with what it works, and where it ends.

`{"name": "scout", "prompt": "You find …", "toolsets": ["records"], "role": "reader"}` is a whole one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from metier.agents.agent import Agent, Limits
from metier.errors import Invalid, Problem, nearest
from metier.filters.operands import is_list, is_object
from metier.registry import fold_name
from metier.tools import Confirm

Body = dict[str, Any]  # Any: JSON

AGENT_KEYS = (
    "name",
    "label",
    "description",
    "prompt",
    "model",
    "toolsets",
    "role",
    "limits",
    "confirm",
    "universal_identifier",
)
LIMIT_KEYS = tuple(one.name for one in fields(Limits))

#: Bounds of the limits that people may set.
MOST: Mapping[str, int] = {"max_steps": 300, "max_seconds": 3_600, "max_tokens": 10_000_000, "max_same_call": 20}
LONGEST_PROMPT = 19_000  # characters; one input of a form holds it
LONGEST_TEXT = 2_000
LONGEST_LABEL = 100
MOST_TOOLSETS = 50

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,48}")


def read_agent(raw: Mapping[str, Any]) -> Body:
    """Read an agent as people write it, and give its canonical body: nothing in it that goes without saying.

    Raises:
        Invalid: Names every place that is wrong; an unknown key with the nearest that is known.
    """
    said = {key: value for key, value in raw.items() if value is not None}
    if problems := list(_problems(said)):
        raise Invalid.of(problems, what=f"The agent {raw.get('name', '')!r}"[:120])
    name = fold_name(said["name"])
    body: Body = {"name": name, "label": name.replace("-", " ").capitalize()}
    body |= {key: said[key] for key in AGENT_KEYS if key in said and said[key] not in ("", [], {})}
    body |= {"name": name, "model": said.get("model") or Agent.model}
    if "limits" in body:
        body["limits"] = {key: said["limits"][key] for key in LIMIT_KEYS if said["limits"].get(key) is not None}
    if "universal_identifier" in body:
        body["universal_identifier"] = str(UUID(body["universal_identifier"]))
    return {key: body[key] for key in AGENT_KEYS if key in body}


def agent_of(body: Mapping[str, Any]) -> Agent:
    """Give the agent that a canonical body says."""
    return Agent(
        name=body["name"],
        prompt=body["prompt"],
        label=body["label"],
        description=body.get("description", ""),
        model=body["model"],
        toolsets=tuple(body.get("toolsets", ())),
        limits=Limits(**body.get("limits", {})),
        confirm=Confirm(body["confirm"]) if "confirm" in body else None,
        role=body.get("role"),
    )


def body_of(agent: Agent) -> Body:
    """Give the canonical body of an agent that code defines.

    Raises:
        Invalid: It has tools of its own, which are code and no part of a definition.
    """
    if agent.tools:
        problem = (
            "are code, which no definition holds; name groups of tools in 'toolsets', or leave the agent in a package"
        )
        raise Invalid.of([Problem("tools", problem)], what=f"The agent {agent.name!r}")
    usual = Limits()
    limits = {key: getattr(agent.limits, key) for key in LIMIT_KEYS}
    return read_agent(
        {
            "name": agent.name,
            "label": agent.label or None,
            "description": agent.description,
            "prompt": agent.prompt,
            "model": agent.model,
            "toolsets": list(agent.toolsets),
            "role": agent.role,
            "limits": {key: value for key, value in limits.items() if value != getattr(usual, key)},
            "confirm": agent.confirm.value if agent.confirm else None,
        }
    )


# --- what may not be there -------------------------------------------------------------------------------------------


def _problems(said: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _unknown(said, AGENT_KEYS, "")
    name = said.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problem = f"{str(name)[:100]!r} must begin with a to z, then a to z, 0 to 9, _ and -, at most 49"
        yield Problem("name", problem, example="support-scout")
    prompt = said.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        yield Problem("prompt", "must say what the agent is for", example="You find what customers asked before.")
    elif len(prompt) > LONGEST_PROMPT:
        yield Problem("prompt", f"has {len(prompt):,} characters; at most {LONGEST_PROMPT:,}")
    yield from _text_problems(said)
    yield from _toolset_problems(said.get("toolsets", []))
    yield from _limit_problems(said.get("limits", {}))
    yield from _choice_problems(said)


def _unknown(body: Mapping[str, Any], known: Sequence[str], path: str) -> Iterator[Problem]:
    for key in body:
        if key not in known:
            problem = f"there is no key {key[:60]!r} here"
            yield Problem(f"{path}{key[:60]}", problem, allowed=tuple(known), did_you_mean=nearest(key, known))


def _text_problems(said: Mapping[str, Any]) -> Iterator[Problem]:
    for key, longest in (("label", LONGEST_LABEL), ("model", 200), ("role", 49)):
        text = said.get(key, "x")
        if not isinstance(text, str) or len(text) > longest or not text.isprintable() or text != text.strip():
            yield Problem(key, f"must be one line of at most {longest} characters, no space around")
    description = said.get("description", "")
    if not isinstance(description, str) or len(description) > LONGEST_TEXT:
        yield Problem("description", f"must be a text of at most {LONGEST_TEXT:,} characters")


def _toolset_problems(raw: Any) -> Iterator[Problem]:
    if not is_list(raw) or len(raw) > MOST_TOOLSETS:
        yield Problem("toolsets", f"must be a list of at most {MOST_TOOLSETS} names", example=["records"])
        return
    for i, name in enumerate(raw):
        if not isinstance(name, str) or name in raw[:i]:
            yield Problem(f"toolsets.{i}", f"{str(name)[:60]!r} must be a name, and there once", example="records")


def _limit_problems(raw: Any) -> Iterator[Problem]:
    if not is_object(raw):
        yield Problem("limits", "must be an object", example={"max_steps": 20})
        return
    yield from _unknown(raw, LIMIT_KEYS, "limits.")
    for key, most in MOST.items():
        value = raw.get(key)
        kind = (int, float) if key == "max_seconds" else int
        if value is not None and (isinstance(value, bool) or not isinstance(value, kind) or not 1 <= value <= most):
            yield Problem(f"limits.{key}", f"must be a number from 1 to {most:,}", example=getattr(Limits(), key))


def _choice_problems(said: Mapping[str, Any]) -> Iterator[Problem]:
    confirm = said.get("confirm")
    if confirm is not None and confirm not in tuple(Confirm):
        near = nearest(str(confirm), Confirm)
        yield Problem("confirm", f"{str(confirm)[:60]!r} is not known", tuple(Confirm), did_you_mean=near)
    if said.get("universal_identifier", "") != "" and not _is_uuid(said["universal_identifier"]):
        yield Problem("universal_identifier", "must be a UUID", example="b3c4d5e6-f7a8-4012-8cde-f34567890123")


def _is_uuid(raw: Any) -> bool:
    try:
        return bool(str(UUID(raw)))
    except (ValueError, AttributeError, TypeError):
        return False
