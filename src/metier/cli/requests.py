"""`metier requests`: what agents ask people, and the answers."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from metier.cli import asking
from metier.cli.answering import ENDED_BADLY, EXITS, Answering, see_through
from metier.cli.asking import Reply
from metier.cli.conversation import Here
from metier.cli.house import open_house, writing_for
from metier.cli.lines import Printer, print_json, said
from metier.cli.terminal import note, say, say_json, say_table
from metier.errors import Invalid, Problem, nearest

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.app import Metier
    from metier.formats.writing import Writing
    from metier.runs.requests import Request

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Email = Annotated[str | None, typer.Option("--as", help="Act as the member with this e-mail.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The request's id.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    requests = typer.Typer(help="Requests: what agents ask people, and the answers.", no_args_is_help=True)
    app.add_typer(requests, name="requests")

    @requests.command("list")
    def list_requests(
        status: Annotated[str | None, typer.Option(help="open, answered, expired or cancelled.")] = None,
        limit: Annotated[int, typer.Option(min=1, max=200, help="Most requests to print.")] = 20,
        as_: Email = None,
        as_json: AsJson = False,
    ) -> None:
        """List requests, newest first."""
        asyncio.run(_list(status, limit, as_, as_json=as_json))

    @requests.command("show")
    def show_request(request_id: Id, as_: Email = None, as_json: AsJson = False) -> None:
        """Show what is asked, exactly, and how to answer."""
        asyncio.run(_show(_id(request_id), as_, as_json=as_json))

    @requests.command("answer")
    def answer_request(
        request_id: Id,
        verdict: Annotated[
            str | None, typer.Argument(metavar="VERDICT", help="approve, decline or answer; asked for if left out.")
        ] = None,
        value: Annotated[
            str | None, typer.Option(help="With answer: the option, the words, or JSON for a form.")
        ] = None,
        remark: Annotated[str, typer.Option("--note", help="A remark for the agent.")] = "",
        seen: Annotated[str | None, typer.Option("--hash", help="Of what you saw; see: metier requests show.")] = None,
        as_: Email = None,
        wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Go on with the run and print its answer.")] = True,
        as_json: AsJson = False,
    ) -> None:
        """Answer a request; the run that waits for it goes on."""
        given = _given(verdict, value, remark, seen)
        raise typer.Exit(asyncio.run(_answer(_id(request_id), given, seen, as_, wait=wait, as_json=as_json)))


async def _list(status: str | None, limit: int, email: str | None, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        writing = writing_for(metier, operator)
        actor = await _actor(metier, operator, email)
        page = await metier.requests.list(actor, status=status, limit=limit)
    if as_json:
        for request in page.requests:
            say_json(request.to_json())
    else:
        titles = ("id", "asked", "kind", "what", "for", "status")
        say_table(titles, [_row(request, writing) for request in page.requests])


async def _show(request_id: UUID, email: str | None, *, as_json: bool) -> None:
    async with open_house() as (metier, operator):
        request = await metier.requests.get(await _actor(metier, operator, email), request_id)
        writing = writing_for(metier, operator)
    if as_json:
        say_json(request.to_json())
        return
    for line in asking.lines(request.to_json()):
        say(line)
    say(f"asked by {_who(request.actor)}, {writing.moment(request.created_at)}")
    if request.status.value == "open":
        say(f"open until {writing.moment(request.expires_at)}; answer with:")
        say(f"metier requests answer {request.id} approve --hash {request.hash}")
    else:
        say(f"{request.status.value}: {said(request.told_end())}")


async def _answer(
    request_id: UUID, given: Reply | None, seen: str | None, email: str | None, *, wait: bool, as_json: bool
) -> int:
    async with open_house() as (metier, operator):
        actor = await _actor(metier, operator, email)
        request = await metier.requests.get(actor, request_id)
        told = await metier.runs.events(request.root_id)
        reply = given or await _ask(request)
        done = await _give(metier, actor, request, reply, seen)
        _say_done(done, as_json=as_json)
        if not wait:
            return 0
        metier.runs.take_up(request.root_id)
        here = Here(metier, actor)
        lines = here.follow(request.root_id, after=told[-1].cursor)
        answering = Answering(quiet=as_json or given is not None)
        status = await see_through(here, lines, print_json if as_json else Printer(), answering)
        return EXITS.get(status, ENDED_BADLY)


async def _give(metier: "Metier", actor: "Actor", request: "Request", reply: Reply, seen: str | None) -> "Request":
    from metier.runs.requests import Answer, Verdict

    answer = Answer(Verdict(reply.verdict), reply.value)
    return await metier.requests.answer(actor, request.id, answer, hash=seen or request.hash, note=reply.note)


async def _ask(request: "Request") -> Reply:
    asked = request.to_json()
    if not asking.is_there():
        problem = Problem("VERDICT", "is needed where there is no terminal, and --hash of what you saw with it")
        raise Invalid.of([problem], what="The command")
    asking.show(asked)
    return await asyncio.to_thread(asking.ask, asked)


def _given(verdict: str | None, value: str | None, remark: str, seen: str | None) -> Reply | None:
    """Give what the command line says; None if the terminal is to ask.

    Raises:
        Invalid: A yes without the hash of what was seen, or no verdict that there is.
    """
    if verdict is None:
        return None
    known = ("approve", "decline", "answer")
    if verdict not in known:
        near = nearest(verdict, known)
        raise Invalid.of([Problem("VERDICT", f"{verdict!r} is none", known, did_you_mean=near)], what="The command")
    if seen is None and verdict != "decline":
        problem = Problem("--hash", "is needed, so that the answer is to what you saw; see: metier requests show ID")
        raise Invalid.of([problem], what="The command")
    return Reply(verdict, _value(value), remark)


def _value(text: str | None) -> Any:
    """Read an object of JSON as such, and all else as words."""
    import orjson

    if text is None or not text.lstrip().startswith("{"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid.of([Problem("--value", f"is not JSON: {error}")], what="The command") from error


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        problem = Problem("ID", f"{text!r} is not the id of a request; see: metier requests list")
        raise Invalid.of([problem], what="The command") from None


async def _actor(metier: "Metier", operator: "Actor", email: str | None) -> "Actor":
    from metier.actor import check_acts

    if email is None:
        return operator
    check_acts(operator)  # whoever looks as another does not act as a third
    return await metier.access.actor_for_email(operator.workspace_id, email)


def _say_done(done: "Request", *, as_json: bool) -> None:
    if as_json:
        say_json(done.to_json())
    else:
        note(f"{done.status.value}: {said(done.told_end())}")


def _row(request: "Request", writing: "Writing") -> tuple[str, ...]:
    when = writing.moment(request.created_at)
    return str(request.id), when, request.kind.value, request.shown.title, _who(request.actor), request.status.value


def _who(actor: Mapping[str, Any]) -> str:
    chain = ", ".join(str(link).partition(":")[2] for link in actor.get("chain", ()))
    return f"{actor['label']} (through {chain})" if chain else str(actor["label"])
