"""What a tool is: something an agent may do, described for models and checked before it runs.

`@tool` makes one of a typed async function whose first argument is the Context. A Toolset makes tools for an actor,
e.g. one search tool per object the actor may read.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, get_type_hints, overload

from pydantic import ConfigDict, ValidationError, create_model

from metier.context import Context
from metier.errors import Invalid, Problem, SchemaMismatch
from metier.llm.messages import ToolSpec
from metier.runs.requests import Preview, Question

Effect = Literal["read", "write", "external", "admin"]
Approval = Literal["policy", "always", "never"]
Source = Literal["records", "web", "files", "mail"]
Runner = Callable[[Context, Mapping[str, Any]], Awaitable["Output | Any"]]
Previewer = Callable[[Context, Mapping[str, Any]], Awaitable[Preview]]
Questioner = Callable[[Context, Mapping[str, Any]], Awaitable[Question]]
Targets = Callable[[Mapping[str, Any]], Sequence[str]]
Idempotent = bool | Callable[[Mapping[str, Any]], bool] | None


@dataclass(frozen=True)
class Output:
    """What a tool gives back: a sentence for the model and people, and JSON.

    Attributes:
        success: False for a call that ran and did not get what it wanted, such as an answer 404 of another server.
    """

    message: str
    result: Any = None  # any JSON value
    success: bool = True


@dataclass(frozen=True)
class Tool:
    """One thing an agent may do.

    Attributes:
        parameters: JSON Schema of the arguments; always an object without additional properties.
        run: Gets the Context and checked arguments; returns an Output, or a JSON value taken as its result.
        category: Group shown to people and used by agents to choose, e.g. `DATABASE_CRUD`.
        flag: Permission flag the actor must hold, or None.
        effect: What a call can change: nothing (`read`), workspace data through `ctx.records` (`write`), the outside
            (`external`) or the workspace's set-up (`admin`).
        idempotent: Whether the same call twice, with the same `ctx.effect_key`, does no more than once. None stands for
            yes where `effect` is `read` or `write`, else no.
        annotations: For the offline planner; never sent to a vendor.
        preview: Says what a call would do, for the person who is asked first; gets what `run` gets, changes nothing,
            and raises what `run` would raise, so that nobody is asked for what cannot be done. Without one the person
            sees the arguments.
        approval: Whether a person is asked first: as `tools.approval` decides, always, or never by the house's
            choice (foreign words in the conversation ask all the same).
        reads: Whose words its answers bring, errors included; `()` for none. None, not said, counts as foreign.
        targets: For `external`: the hosts that a call would reach.
        aliases: Other names it answers to, never told.
        hidden: It is done when it is called, and never offered.
        question: Makes a call a question to a person, whose answer is its result; `run` gets no call then.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Runner
    category: str = "ACTION"
    flag: str | None = None
    effect: Effect = "read"
    idempotent: Idempotent = None
    annotations: Mapping[str, Any] = field(default_factory=dict[str, Any])
    preview: Previewer | None = None
    approval: Approval = "policy"
    reads: tuple[Source, ...] | None = None
    targets: Targets | None = None
    aliases: tuple[str, ...] = ()
    hidden: bool = False
    question: Questioner | None = None

    @property
    def brings(self) -> tuple[str, ...]:
        """Whose words its answers bring; `other` if the tool does not say."""
        return ("other",) if self.reads is None else self.reads

    def repeatable(self, arguments: Mapping[str, Any]) -> bool:
        """Say whether a call that a process died on is made again; else it is interrupted, and the model decides."""
        if callable(self.idempotent):
            return self.idempotent(arguments)
        return self.effect in ("read", "write") if self.idempotent is None else self.idempotent

    def spec(self) -> ToolSpec:
        """Give the tool as a model is told of it."""
        return ToolSpec(self.name, self.description, self.parameters, self.annotations)


class Toolset(Protocol):
    """Makes tools for who asks. One per shelf file.

    Attributes:
        name: How agents refer to the group, e.g. `records`.
        guide: What the tools of the group have in common, told to the model once, in the agent's prompt.
    """

    name: str
    guide: str

    async def tools(self, ctx: Context) -> Sequence[Tool]:
        """Give the tools this actor may use now, in a stable order."""
        ...


@overload
def tool(function: Callable[..., Awaitable[Any]], /) -> Tool: ...


@overload
def tool(
    *,
    name: str | None = None,
    category: str = "ACTION",
    flag: str | None = None,
    effect: Effect = "read",
    idempotent: Idempotent = None,
    preview: Previewer | None = None,
    approval: Approval = "policy",
    reads: tuple[Source, ...] | None = None,
    targets: Targets | None = None,
) -> Callable[[Callable[..., Awaitable[Any]]], Tool]: ...


def tool(
    function: Callable[..., Awaitable[Any]] | None = None,
    /,
    *,
    name: str | None = None,
    category: str = "ACTION",
    flag: str | None = None,
    effect: Effect = "read",
    idempotent: Idempotent = None,
    preview: Previewer | None = None,
    approval: Approval = "policy",
    reads: tuple[Source, ...] | None = None,
    targets: Targets | None = None,
) -> Tool | Callable[[Callable[..., Awaitable[Any]]], Tool]:
    """Make a Tool of an async function `(ctx: Context, *, …typed arguments…)`.

    The docstring is the description, the signature the schema; `Annotated[str, Field(description=…)]` describes and
    limits an argument. The decorator only tags and describes; nothing is registered.

    Raises:
        Invalid: The function is not async, has no docstring, or its first argument is not the context.
    """

    def make(func: Callable[..., Awaitable[Any]]) -> Tool:
        made = _from_function(func, name or func.__name__)
        return replace(
            made,
            category=category,
            flag=flag,
            effect=effect,
            idempotent=idempotent,
            preview=preview,
            approval=approval,
            reads=reads,
            targets=targets,
        )

    return make if function is None else make(function)


def _from_function(func: Callable[..., Awaitable[Any]], name: str) -> Tool:
    _check_function(func, name)
    hints = get_type_hints(func, include_extras=True)
    arguments = list(inspect.signature(func).parameters.values())[1:]
    fields: dict[str, Any] = {  # pydantic's own form: (type, default)
        p.name: (hints.get(p.name, Any), ... if p.default is inspect.Parameter.empty else p.default) for p in arguments
    }
    model = create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid", strict=True), **fields)
    schema = model.model_json_schema()
    schema.pop("title", None)

    async def run(ctx: Context, given: Mapping[str, Any]) -> Any:
        try:
            checked = model.model_validate(given, strict=False)
        except ValidationError as error:
            problems = [Problem(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
            raise SchemaMismatch(f"The call of {name}", problems) from None
        return await func(ctx, **{p.name: getattr(checked, p.name) for p in arguments})

    return Tool(name, inspect.getdoc(func) or "", schema, run)


def _check_function(func: Callable[..., Awaitable[Any]], name: str) -> None:
    problems: list[Problem] = []
    parameters = list(inspect.signature(func).parameters.values())
    if not inspect.iscoroutinefunction(func):
        problems.append(Problem(name, "a tool is an async function: write 'async def'"))
    if not inspect.getdoc(func):
        problems.append(Problem(name, "a tool needs a docstring: it is what the model reads"))
    if not parameters or parameters[0].name != "ctx":
        problems.append(Problem(name, "a tool's first argument is 'ctx: Context'"))
    if problems:
        raise Invalid.of(problems, what=f"The tool {name!r}")
