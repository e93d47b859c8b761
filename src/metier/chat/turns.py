"""A turn: a person's message, the agent's work on it, and its answer.

`send` stores message and run in one commit, then works in the background: the turn goes on while nobody watches, and
everybody who watches reads it from the log. If the process dies, another goes on from the last message.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from metier.access import Outside
from metier.actor import Actor, check_flag
from metier.agents import Agent, Agents, Loop, Outcome, Parts, offered
from metier.chat.repeats import Repeats
from metier.chat.threads import Thread, Threads
from metier.clock import Clock
from metier.context import Ask, Context, Emit, no_model
from metier.errors import Conflict, Invalid, MetierError, Problem
from metier.events import Status
from metier.llm.catalog import ModelCatalog
from metier.llm.history import mended
from metier.llm.messages import Message, ToolCall, user
from metier.records import Records
from metier.redaction import get_logger
from metier.runs import Open, Run, RunLog, Runs
from metier.runs.requests import Request as PersonRequest
from metier.runs.requests import Requests, Shown
from metier.tools import Offer, interrupted_output, read_in

KIND = "turn"
MAX_TEXT = 100_000  # characters of one message
MAX_TAKE_OVERS = 5  # of one turn that does not get on in between: it may be what kills its processes
FAULT = {"error": "Fault", "message": "Metier failed inside; the operator's log has the cause."}
LEAVING_S = 5.0  # what turns have to let go of their work when the process goes


@dataclass(frozen=True)
class Turn:
    """One turn of a thread: its run, and its messages in order, the person's first."""

    run: Run
    messages: Sequence[Message]


@dataclass(frozen=True)
class _Ready:
    """What a turn needs to begin; whoever acts was looked up just now."""

    acting: Actor
    agent: Agent
    model: str


class Chat:
    """Conversations with agents.

    Args:
        ask: Makes the model door of one run, which meters what it asks.
        repeats: Knows messages that are sent again.
        recall: Gives who began a run, from what is stored of them, with the authority of now.
        outside: The door to other servers.
    """

    def __init__(
        self,
        threads: Threads,
        *,
        repeats: Repeats,
        runs: Runs,
        requests: Requests,
        records: Records,
        clock: Clock,
        agents: Agents,
        catalog: ModelCatalog,
        parts: Parts,
        ask: Callable[[RunLog], Ask],
        recall: Callable[[UUID, Mapping[str, Any]], Awaitable[Actor]],
        outside: Outside,
        default_agent: str,
    ) -> None:
        self._threads = threads
        self._repeats = repeats
        self._runs = runs
        self._records = records
        self._clock = clock
        self._agents = agents
        self._catalog = catalog
        self._parts = parts
        self._ask = ask
        self._recall = recall
        self._outside = outside
        self._default_agent = default_agent
        self._working: set[asyncio.Task[None]] = set()
        self._logger = get_logger("metier.chat")
        runs.resumes(KIND, self.go_on, self.able)
        requests.looks_again(KIND, self.look_again)

    # threads

    async def create_thread(self, actor: Actor, *, agent: str | None = None, model: str | None = None) -> Thread:
        """Begin a conversation.

        Raises:
            NotFound: No such agent.
            NoModel: No such model.
            MissingPermission: The role lacks the flag `AI`.
        """
        check_flag(actor, "AI")
        chosen = await self._agents.get(actor.workspace_id, agent or self._default_agent)
        if model is not None:
            model = self._catalog.resolve(model).id
        return await self._threads.create(actor, agent=chosen.name, model=model)

    async def threads(self, actor: Actor, *, q: str = "", limit: int = 50) -> list[Thread]:
        """Give the actor's threads, the last used first."""
        return await self._threads.list(actor, q=q, limit=limit)

    async def thread(self, actor: Actor, thread_id: UUID) -> Thread:
        """Give one of the actor's threads; NotFound for any other."""
        return await self._threads.get(actor, thread_id)

    async def rename(self, actor: Actor, thread_id: UUID, title: str) -> Thread:
        """Give a thread another title."""
        return await self._threads.rename(actor, thread_id, title)

    async def delete(self, actor: Actor, thread_id: UUID) -> None:
        """Take a thread out of sight."""
        await self._threads.delete(actor, thread_id)

    async def restore(self, actor: Actor, thread_id: UUID) -> None:
        """Bring a deleted thread back into sight."""
        await self._threads.restore(actor, thread_id)

    async def transcript(self, actor: Actor, thread_id: UUID) -> list[Turn]:
        """Give the turns of a thread in order; the last one may still be running."""
        await self._threads.get(actor, thread_id)
        page = await self._runs.list(actor, thread_id=thread_id, limit=500)
        stored = await self._runs.messages(actor.workspace_id, thread_id=thread_id)
        by_run: dict[UUID, list[Message]] = {}
        for one in stored:
            by_run.setdefault(one.run_id, []).append(one.message)
        turns = sorted((run for run in page.runs if run.parent_id is None), key=lambda run: run.turn or 0)
        return [Turn(run, by_run.get(run.id, [])) for run in turns]

    # turns

    async def send(self, actor: Actor, thread_id: UUID, text: str, *, key: str | None = None) -> Run:
        """Store a message and begin the turn that answers it.

        Args:
            key: A message that is sent again with its key is not sent twice; it gets the run of the first time.

        Returns:
            The turn's run, already stored; follow its log for the answer.

        Raises:
            Invalid: The text is empty or too long.
            NotFound: No such thread of the actor.
            Conflict: The thread's last turn is still running.
            KeyReused: The key stands for another request.
            MissingPermission: The role lacks the flag `AI`.
        """
        check_flag(actor, "AI")
        _check_text(text)
        thread = await self._threads.get(actor, thread_id)
        if key is None:
            run = await self._begin(await self._ready(actor, thread), thread, text)
        else:
            run_id = await self._repeats.run_of(actor, key, thread_id, text)
            if await self._runs.exists(run_id):
                return await self._runs.get(actor, run_id)
            ready = await self._ready(actor, thread)
            async with self._repeats.alone(actor, key) as tx:
                is_new = not await self._runs.exists(run_id, tx)
                run = await self._begin(ready, thread, text, run_id) if is_new else None
            if run is None:
                return await self._runs.get(actor, run_id)
        await self._threads.touch(actor, thread_id, text)
        return run

    def go_on(self, log: RunLog) -> None:
        """Go on with a turn from its last message, in the background: its process died, or it waited for a person."""
        self._start(log, lambda: self._answer_on(log))

    async def able(self, run: Open) -> bool:
        """Say whether this process has the agent and the model of a turn."""
        agent = await self._agents.find(run.workspace_id, run.name)
        if agent is None or run.thread_id is None:
            return False
        return self._catalog.has(await self._threads.model(run.workspace_id, run.thread_id) or agent.model)

    async def look_again(self, request: PersonRequest) -> tuple[Shown, str]:
        """Give what the person who is asked for a call of a turn would see now, and its hash.

        Raises:
            MetierError: Whoever the agent acts for may not do it any more, or it cannot be done.
        """
        actor = await self._recall(request.workspace_id, request.actor)
        run = await self._runs.get(actor, request.run_id)
        agent = await self._agents.as_of(run.workspace_id, run.name, run.created_at)
        before, said = await self._messages(run)
        acting = await self._agents.acting(actor, agent.name)
        check_flag(acting, "AI")
        ctx = replace(self._context(run, acting), effect_key=request.key)
        caution = await self._parts.caution(acting, agent, await self._model(run, agent))
        offer = Offer.of((await offered(ctx, agent, self._parts.toolsets))[0])
        call = called(said, request.key)
        caution = replace(caution, reads=read_in([*before, *said]))
        return await self._parts.dispatcher.show(ctx, call, offer, caution, request)

    async def aclose(self) -> None:
        """Let go of the turns that are still at work; others go on with them."""
        for task in self._working:
            task.cancel()
        if self._working:
            await asyncio.wait(self._working, timeout=LEAVING_S)

    async def _open(self, actor: Actor, agent: Agent, thread: Thread, question: Message, run_id: UUID | None) -> RunLog:
        try:
            return await self._runs.open(
                actor,
                kind=KIND,
                name=agent.name,
                input=question.text,
                thread_id=thread.id,
                message=question,
                run_id=run_id,
            )
        except Conflict as error:
            raise Conflict(
                "This chat is still answering the message before.", cure="Wait for the answer, or stop it, then send."
            ) from error

    async def _ready(self, actor: Actor, thread: Thread) -> _Ready:
        agent = await self._agents.get(actor.workspace_id, thread.agent)
        model = self._catalog.resolve(thread.model or agent.model).id
        return _Ready(await self._agents.acting(actor, agent.name), agent, model)

    async def _begin(self, ready: _Ready, thread: Thread, text: str, run_id: UUID | None = None) -> Run:
        log = await self._open(ready.acting, ready.agent, thread, user(text), run_id)
        self._start(log, lambda: self._answer(log, ready.acting, ready.agent, ready.model))
        return log.run

    def _start(self, log: RunLog, answer: Callable[[], Awaitable[Outcome]]) -> None:
        task = asyncio.create_task(self._work(log, answer))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, log: RunLog, answer: Callable[[], Awaitable[Outcome]]) -> None:
        try:
            end = await answer()
            if end.status is Status.WAITING:
                await log.wait(end.asked)
            else:
                await _close(log, end)
        except MetierError as error:
            await _close(log, _failed(error))
        except Exception:  # the worker's edge: a fault of ours ends this run only, and is told
            self._logger.exception("turn failed", run_id=str(log.run.id))
            await _close(log, Outcome(Status.FAILED, "", "error", FAULT))

    async def _answer_on(self, log: RunLog) -> Outcome:
        if log.left.take_overs > MAX_TAKE_OVERS:
            return _given_up(log.left.take_overs)
        run = log.run
        agent = await self._agents.as_of(run.workspace_id, run.name, run.created_at)
        actor = await self._recall(run.workspace_id, run.actor)
        acting = await self._agents.acting(actor, agent.name)
        return await self._answer(log, acting, agent, await self._model(run, agent))

    async def _model(self, run: Run, agent: Agent) -> str:
        chosen = await self._threads.model(run.workspace_id, _thread(run))
        return self._catalog.resolve(chosen or agent.model).id

    async def _answer(self, log: RunLog, actor: Actor, agent: Agent, model: str) -> Outcome:
        before, said = await self._messages(log.run)
        ctx = replace(self._context(log.run, actor), llm=self._ask(log), emit=_emit(log), note=log.note)
        return await Loop(ctx, agent, log, before, said, model=model, parts=self._parts).run()

    def _context(self, run: Run, actor: Actor) -> Context:
        """Give what a run's work is done with; nothing is asked of a model, and nothing told, outside of it."""
        return Context(
            actor,
            self._clock,
            self._records,
            llm=no_model,
            run_id=run.id,
            root_id=run.root_id,
            outside=self._outside,
        )

    async def _messages(self, run: Run) -> tuple[list[Message], list[Message]]:
        """Give the conversation before a turn, as it can be sent, and the turn's own messages so far."""
        stored = await self._runs.messages(run.workspace_id, thread_id=_thread(run))
        before = [one.message for one in stored if one.run_id != run.id]
        said = [one.message for one in stored if one.run_id == run.id]
        return mended(before, interrupted_output), said


def _emit(log: RunLog) -> Emit:
    return lambda type, data: log.put(events=[(type, data)])


def called(said: Sequence[Message], key: str) -> ToolCall:
    """Find a call of a turn by its key, `RUN/STEP/CALL`: step is the message's number, call its number in that."""
    _, step, number = key.split("/")
    return said[int(step) - 1].tool_calls[int(number) - 1]


def _thread(run: Run) -> UUID:
    assert run.thread_id is not None  # as each turn has one
    return run.thread_id


async def _close(log: RunLog, end: Outcome) -> None:
    await log.close(end.status, output=end.output, stop_reason=end.stop_reason, error=end.error, messages=end.messages)


def _failed(error: MetierError) -> Outcome:
    return Outcome(Status.FAILED, "", "forbidden" if error.status in (401, 403) else "error", error.to_json())


def _given_up(take_overs: int) -> Outcome:
    message = f"The process at work on this answer died {take_overs} times in a row, so nobody tries again."
    cure = "Ask in another way; the operator's log may tell what kills the process."
    return Outcome(Status.FAILED, "", "crash_loop", {"error": "StepInterrupted", "message": message, "cure": cure})


def _check_text(text: str) -> None:
    if not text.strip():
        raise Invalid.of([Problem("text", "must not be empty", example="Which companies are new?")], what="The message")
    if len(text) > MAX_TEXT:
        raise Invalid.of([Problem("text", f"is {len(text):,} characters; at most {MAX_TEXT:,}")], what="The message")
