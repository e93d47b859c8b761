"""A turn: a person's message, the agent's work on it, and its answer.

`send` stores message and run in one commit, then works in the background: the turn goes on while nobody watches, and
everybody who watches reads it from the log.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from uuid import UUID

from metier.actor import Actor, check_flag
from metier.agents import Agent, Loop, Parts
from metier.chat.threads import Thread, Threads
from metier.clock import Clock
from metier.context import Ask, Context
from metier.errors import Conflict, Invalid, Problem
from metier.events import Status
from metier.llm.catalog import ModelCatalog
from metier.llm.messages import Message, user
from metier.records import Records
from metier.redaction import get_logger
from metier.registry import Registry
from metier.runs import Run, RunLog, Runs

MAX_TEXT = 100_000  # characters of one message


@dataclass(frozen=True)
class Turn:
    """One turn of a thread: its run, and its messages in order, the person's first."""

    run: Run
    messages: Sequence[Message]


class Chat:
    """Conversations with agents.

    Args:
        ask: Makes the model door of one run, which meters what it asks.
    """

    def __init__(
        self,
        threads: Threads,
        *,
        runs: Runs,
        records: Records,
        clock: Clock,
        agents: Registry[Agent],
        catalog: ModelCatalog,
        parts: Parts,
        ask: Callable[[RunLog], Ask],
        default_agent: str,
    ) -> None:
        self._threads = threads
        self._runs = runs
        self._records = records
        self._clock = clock
        self._agents = agents
        self._catalog = catalog
        self._parts = parts
        self._ask = ask
        self._default_agent = default_agent
        self._working: set[asyncio.Task[None]] = set()
        self._logger = get_logger("metier.chat")

    # threads

    async def create_thread(self, actor: Actor, *, agent: str | None = None, model: str | None = None) -> Thread:
        """Begin a conversation.

        Raises:
            NotFound: No such agent.
            NoModel: No such model.
            MissingPermission: The role lacks the flag `AI`.
        """
        check_flag(actor, "AI")
        chosen = self._agents.get(agent or self._default_agent)
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

    async def send(self, actor: Actor, thread_id: UUID, text: str) -> Run:
        """Store a message and begin the turn that answers it.

        Returns:
            The turn's run, already stored; follow its log for the answer.

        Raises:
            Invalid: The text is empty or too long.
            NotFound: No such thread of the actor.
            Conflict: The thread's last turn is still running.
            MissingPermission: The role lacks the flag `AI`.
        """
        check_flag(actor, "AI")
        _check_text(text)
        thread = await self._threads.get(actor, thread_id)
        agent = self._agents.get(thread.agent)
        model = self._catalog.resolve(thread.model or agent.model).id
        question = user(text)
        history = [one.message for one in await self._runs.messages(actor.workspace_id, thread_id=thread_id)]
        acting = actor.through(agent.name, None)
        log = await self._open(acting, agent, thread, question)
        self._start(self._work(acting, agent, log, [*history, question], model))
        await self._threads.touch(actor, thread_id, text)
        return log.run

    async def aclose(self) -> None:
        """Let go of the turns that are still at work; the log marks them as interrupted."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def _open(self, actor: Actor, agent: Agent, thread: Thread, question: Message) -> RunLog:
        try:
            return await self._runs.open(
                actor, kind="turn", name=agent.name, input=question.text, thread_id=thread.id, message=question
            )
        except Conflict as error:
            raise Conflict(
                "This chat is still answering the message before.", cure="Wait for the answer, or stop it, then send."
            ) from error

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, actor: Actor, agent: Agent, log: RunLog, history: list[Message], model: str) -> None:
        ctx = Context(
            actor=actor,
            clock=self._clock,
            records=self._records,
            llm=self._ask(log),
            run_id=log.run.id,
            root_id=log.run.root_id,
            emit=lambda type, data: log.put(events=[(type, data)]),
        )
        try:
            end = await Loop(ctx, agent, log, history, model=model, parts=self._parts).run()
            await log.close(end.status, output=end.output, stop_reason=end.stop_reason, error=end.error)
        except Exception:  # the worker's edge: a fault of ours ends this run only, and is told
            self._logger.exception("turn failed", run_id=str(log.run.id))
            await log.close(
                Status.FAILED,
                output=None,
                stop_reason="error",
                error={"error": "Fault", "message": "Metier failed inside; the operator's log has the cause."},
            )


def _check_text(text: str) -> None:
    if not text.strip():
        raise Invalid.of([Problem("text", "must not be empty", example="Which companies are new?")], what="The message")
    if len(text) > MAX_TEXT:
        raise Invalid.of([Problem("text", f"is {len(text):,} characters; at most {MAX_TEXT:,}")], what="The message")
