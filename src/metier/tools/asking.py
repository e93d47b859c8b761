"""Asking a person for a call: what is shown, what the answer means.

needs a person? ─▶ no request yet: made, the run waits ─▶ answered: yes and nothing has changed: run
                                                                   no, or nobody: the model is told
                                                                   changed meanwhile: asked anew
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from metier.actor import PrincipalKind
from metier.context import Context
from metier.errors import Declined, NobodyToAsk
from metier.llm.messages import ToolCall
from metier.runs.requests import Audience, Kind, Preview, Question, Request, Shown, State, Verdict
from metier.runs.requests.request import EXPIRES_AFTER
from metier.tools.approval import Careful, Caution, Need, decide
from metier.tools.tool import Tool

JUDGES = "AI_SETTINGS"  # whoever holds it judges the risks of what an API key's agent does

#: Gives the last request of a call, by workspace and key.
Asked = Callable[[UUID, str], Awaitable[Request | None]]

#: Takes secrets out of a JSON value of a workspace.
Clean = Callable[[Any, UUID], Any]


class NeedsPerson(Exception):
    """A call waits for a person. `request` is new, or None if it is asked already."""

    def __init__(self, request: Request | None = None) -> None:
        self.request = request


@dataclass(frozen=True)
class Consent:
    """What a person said to a call. `answer` is the output of a question; `remark` is for the model."""

    answer: Mapping[str, Any] | None = None
    remark: str = ""
    request_id: UUID | None = None


NOT_NEEDED = Consent()


async def consent(
    ctx: Context,
    call: ToolCall,
    tool: Tool,
    arguments: Mapping[str, Any],
    careful: Careful,
    *,
    asked: Asked | None,
    clean: Clean,
) -> Consent:
    """Let a call pass that needs no person, or has a person's yes to exactly this.

    Args:
        asked: Finds what was asked before; None where nobody can be asked.
        clean: What is shown is shown without secrets (S-34); the hash is of what is meant, with them.

    Raises:
        NeedsPerson: It is asked now, or is asked already.
        Declined: The person, or time, said no.
        NobodyToAsk: It needs a person, and there is none.
        MetierError: What a preview says of a call that cannot be done.
    """
    if tool.question is None and tool.effect == "read" and tool.approval != "always":
        return NOT_NEEDED
    request = await asked(ctx.actor.workspace_id, ctx.effect_key) if asked and ctx.effect_key else None
    if request is not None and request.answer is not None and request.answer.verdict is Verdict.DECLINE:
        raise Declined(request.shown.title, _who(request), request.note)  # whatever has been chosen since
    hosts: tuple[str, ...] = ()
    if tool.question is not None:
        shown = _question(await tool.question(ctx, arguments), tool, arguments)
    else:
        caution = await careful()
        preview, need = await look(ctx, tool, arguments, caution)
        if need is None:
            return NOT_NEEDED
        shown, hosts = show(tool, arguments, preview, need, caution), need.hosts
    if asked is None or ctx.run_id is None or not ctx.effect_key:
        raise NobodyToAsk(shown.title, shown.why, hosts)
    return _said(ctx, call, shown, request, clean)


async def look(
    ctx: Context, tool: Tool, arguments: Mapping[str, Any], caution: Caution
) -> tuple[Preview | None, Need | None]:
    """Say what a call would do and whether it needs a person."""
    preview = await tool.preview(ctx, arguments) if tool.preview else None
    return preview, decide(tool, arguments, preview, caution)


def show(tool: Tool, arguments: Mapping[str, Any], preview: Preview | None, need: Need, caution: Caution) -> Shown:
    """Give what the person sees of a call."""
    seen = preview or Preview(f"Run {tool.name}")
    return Shown(
        Kind(need.kind),
        one_line(seen.title),
        text=seen.text,
        why=need.why,
        tool=_brief(tool),
        arguments=arguments,
        changes=seen.changes,
        more=seen.more,
        reads=sorted(caution.reads),
        pinned=seen.pinned,
    )


def cleaned(shown: Shown, clean: Clean, workspace_id: UUID) -> Shown:
    """Give the same without secrets."""
    return Shown.of(clean(shown.to_json(), workspace_id))


def one_line(text: str) -> str:
    """Give a title in one line of at most 200 characters; what stands in records may be anything."""
    words = " ".join(text.split())
    return words if len(words) <= 200 else f"{words[:199]}…"


def _said(ctx: Context, call: ToolCall, shown: Shown, request: Request | None, clean: Clean) -> Consent:
    """Give the yes or the words that a request has brought, or ask."""
    digest = shown.digest(ctx.effect_key)  # secrets included
    if request is not None and request.status is State.OPEN:
        raise NeedsPerson
    if request is None or request.answer is None or request.hash != digest:
        raise NeedsPerson(_request(ctx, call, cleaned(shown, clean, ctx.actor.workspace_id), digest))
    return Consent(_answer(request) if request.answer.verdict is Verdict.ANSWER else None, request.note, request.id)


def _request(ctx: Context, call: ToolCall, shown: Shown, digest: str) -> Request:
    assert ctx.run_id is not None
    now = ctx.clock.now()
    return Request(
        workspace_id=ctx.actor.workspace_id,
        id=ctx.clock.new_id(),
        root_id=ctx.root_id or ctx.run_id,
        run_id=ctx.run_id,
        thread_id=None,  # the run's, as it is stored
        key=ctx.effect_key,
        call_id=call.id,
        shown=shown,
        hash=digest,
        actor=ctx.actor.to_json(),
        principal_id=ctx.actor.principal.id,
        audience=_audience(ctx, shown),
        created_at=now,
        expires_at=now + EXPIRES_AFTER,
    )


def _audience(ctx: Context, shown: Shown) -> Audience:
    """Say who answers: whom the agent acts for; a risk of an API key's agent is judged by people who may."""
    if shown.kind is Kind.APPROVAL and ctx.actor.principal.kind is PrincipalKind.KEY:
        return Audience(principal=False, flag=JUDGES)
    return Audience()


def _question(question: Question, tool: Tool, arguments: Mapping[str, Any]) -> Shown:
    return Shown(
        question.kind,
        one_line(question.title),
        text=question.text,
        tool=_brief(tool),
        arguments=arguments,
        options=tuple(question.options),
        schema=question.schema,
    )


def _answer(request: Request) -> dict[str, Any]:
    value = request.answer.value if request.answer else None
    words = value if isinstance(value, str) else "see the result"
    return {"success": True, "message": f"{_who(request)} answers: {words}", "result": {"answer": value}}


def _who(request: Request) -> str | None:
    return str(request.answered_by["label"]) if request.answered_by else None


def _brief(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "category": tool.category, "effect": tool.effect}
