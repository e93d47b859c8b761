"""What an agent is: a prompt, a model, tools and limits under a name."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from metier.errors import Invalid, Problem, nearest
from metier.records.shape import NAME
from metier.registry import fold_name
from metier.tools import Confirm, Tool


@dataclass(frozen=True)
class Limits:
    """Where a run ends by itself.

    Attributes:
        max_steps: Model calls.
        max_seconds: From the run's start.
        max_tokens: In and out, over all model calls.
        max_same_call: How often the same tool may be called with the same arguments.
    """

    max_steps: int = 20
    max_seconds: float = 300.0
    max_tokens: int = 400_000
    max_same_call: int = 3


@dataclass(frozen=True)
class Agent:
    """Somebody who answers, with a prompt, a model and tools.

    Attributes:
        model: `default-smart-model`, `default-fast-model`, or a model's id.
        toolsets: Names of tool groups on the shelf, e.g. `records`.
        tools: Tools of its own.
        confirm: Which of its changes a person confirms first, unless the workspace chooses for this agent; None leaves
            it to what the workspace chooses for all.
        role: Name of a role of the workspace: what the agent may do at most, whoever asks. None stands for what the
            asker may.
    """

    name: str
    prompt: str
    label: str = ""
    description: str = ""
    model: str = "default-smart-model"
    toolsets: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    limits: Limits = field(default_factory=Limits)
    confirm: Confirm | None = None
    role: str | None = None

    @property
    def title(self) -> str:
        """What people read."""
        return self.label or self.name

    def to_json(self) -> dict[str, Any]:
        """Give the agent as clients get it, of its own tools the names."""
        return {
            "name": self.name,
            "label": self.title,
            "description": self.description,
            "prompt": self.prompt,
            "model": self.model,
            "toolsets": list(self.toolsets),
            "tools": [tool.name for tool in self.tools],
            "role": self.role,
            "limits": asdict(self.limits),
            "confirm": self.confirm,
        }


def define_agent(
    *,
    name: str,
    prompt: str,
    label: str = "",
    description: str = "",
    model: str = "default-smart-model",
    toolsets: Sequence[str] = (),
    tools: Sequence[Tool] = (),
    limits: Limits | None = None,
    confirm: Confirm | str | None = None,
    role: str | None = None,
) -> Agent:
    """Define an agent.

    Raises:
        Invalid: The name is not an identifier (letters, digits, `-`, `_`), the prompt is empty, or `confirm` is none of
            `always`, `outside_own` and `never`.
    """
    problems: list[Problem] = []
    if not NAME.match(fold_name(name).replace("-", "_")):
        problems.append(Problem("name", f"{name!r} must be letters, digits, '-' or '_'", example="crm-assistant"))
    if not prompt.strip():
        problems.append(Problem("prompt", "must say what the agent is for"))
    if confirm is not None and confirm not in tuple(Confirm):
        near = nearest(confirm, Confirm)
        problems.append(Problem("confirm", f"{confirm!r} is not known", tuple(Confirm), did_you_mean=near))
    if problems:
        raise Invalid.of(problems, what=f"The agent {name!r}")
    given = (tuple(toolsets), tuple(tools), limits or Limits(), Confirm(confirm) if confirm else None)
    return Agent(name, prompt, label, description, model, *given, role)
