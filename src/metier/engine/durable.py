"""DBOS, which carries jobs over the death of a process; the one place that imports it, and late.

enqueue(job) ─▶ dbos.workflow_status ─▶ one process takes it ─▶ run(job), on the house's loop ─▶ once(step) …
                                          it dies ─▶ take_over(the living) ─▶ another one; steps that are done stand

DBOS keeps one instance in a process, so only one Metier of a process can be `on`. It works on threads and a loop of its
own: its coroutines are never awaited on the house's loop, for they would take over that loop's threads.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

from metier.engine.carrier import Run
from metier.errors import Unavailable
from metier.redaction import HidingFormatter, get_logger
from metier.store import Database

if TYPE_CHECKING:
    from dbos import DBOS, DBOSConfig

T = TypeVar("T")

NAME = "metier"
SCHEMA = "dbos"
QUEUE = "metier_jobs"
WORKFLOW = "metier.job"
VERSION = "1"  # of what a stored job needs; raised when a job that is under way could not be gone on with by new code
POLL_S = 1.0  # how often the queue is looked at
CONNECTIONS = 3
TRIES = 5  # a job that kills so many processes is let go of

_home: ContextVar[asyncio.AbstractEventLoop] = ContextVar("home")  # the loop that a job's steps are asked from


class Durable:
    """The carrier of a house.

    Args:
        run: Called on the loop that `start` was called from; again, on any process, if this one dies.
    """

    _here: ClassVar["Durable | None"] = None  # mirrors DBOS's own: whose instance it is

    def __init__(self, db: Database, run: Run) -> None:
        self._db = db
        self._run = run
        self._dbos: type[DBOS] | None = None
        self._workflow: Callable[[str], Coroutine[Any, Any, None]] | None = None
        self._logger = get_logger("metier.engine")

    @property
    def is_on(self) -> bool:
        return self._dbos is not None

    async def start(self, executor: UUID) -> None:
        if Durable._here is not None:
            raise Unavailable("Another Metier of this process runs the schedules.", cure="One of them is enough.")
        Durable._here = self
        try:
            await asyncio.to_thread(self._launch, str(executor), asyncio.get_running_loop())
        except BaseException as error:
            Durable._here = None
            if isinstance(error, Exception):
                reason = str(error).partition("\n")[0]
                raise Unavailable(f"Schedules cannot run: {reason}", cure="The operator's log may say more.") from error
            raise

    async def aclose(self) -> None:
        dbos, self._dbos = self._dbos, None
        if dbos is not None:
            await asyncio.to_thread(_destroy, dbos)
            Durable._here = None

    async def enqueue(self, job_id: UUID) -> None:
        await asyncio.to_thread(self._enqueue, str(job_id))

    async def holders(self) -> set[UUID]:
        return await asyncio.to_thread(self._holders)

    async def take_over(self, dead: Collection[UUID]) -> None:
        # Only what is theirs still is queued anew, in one statement; DBOS has no other call that looks whose it is.
        recover = self._given()._recover_pending_workflows  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        await asyncio.to_thread(recover, [str(one) for one in dead])

    async def is_lost(self, job_id: UUID) -> bool:
        return await asyncio.to_thread(self._is_lost, str(job_id))

    async def forget(self, job_ids: Collection[UUID]) -> None:
        await asyncio.to_thread(self._given().delete_workflows, [str(one) for one in job_ids])

    async def once(self, name: str, do: Callable[[], Awaitable[T]]) -> T:
        if self._dbos is None:
            raise asyncio.CancelledError("this process lets go of its jobs")
        dbos, home = self._dbos, asyncio.get_running_loop()

        async def step() -> T:
            return await _on(home, do())

        async def asked() -> T:
            return await dbos.run_step_async({"name": name}, step)

        return await _on(_home.get(), asked())

    # on DBOS's threads

    def _launch(self, executor: str, house: asyncio.AbstractEventLoop) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer

        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": self._db.direct_url.replace("postgresql://", "postgresql+psycopg://", 1),
            "dbos_system_schema": SCHEMA,
            "executor_id": executor,
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),  # the usual one is pickle (S-41)
            "sys_db_pool_size": CONNECTIONS,
            "scheduler_polling_interval_sec": 3600.0,  # ticks are the house's own: they go by its clock
            "log_level": "WARNING",
        }
        _log_to_standard_error()
        DBOS(config=config)

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=TRIES)
        async def work(job_id: str) -> None:
            _home.set(asyncio.get_running_loop())
            await _on(house, self._run(UUID(job_id)))

        try:
            DBOS.launch()
            DBOS.register_queue(QUEUE, polling_interval_sec=POLL_S)
        except BaseException:
            _destroy(DBOS)
            raise
        self._dbos, self._workflow = DBOS, work

    def _enqueue(self, job_id: str) -> None:
        from dbos import SetWorkflowID

        assert self._workflow is not None
        with SetWorkflowID(job_id):
            self._given().enqueue_workflow(QUEUE, self._workflow, job_id)

    def _holders(self) -> set[UUID]:
        found = self._given().list_workflows(status=["PENDING"], name=WORKFLOW, load_input=False, load_output=False)
        return {UUID(one.executor_id) for one in found if one.executor_id}

    def _is_lost(self, job_id: str) -> bool:
        found = self._given().get_workflow_status(job_id)
        return found is None or found.status not in ("ENQUEUED", "DELAYED", "PENDING")

    def _given(self) -> "type[DBOS]":
        if self._dbos is None:
            raise Unavailable("Schedules do not run in this process.")
        return self._dbos


async def _on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Awaitable[T]) -> T:
    """Await something on another loop, in the context of who asks: DBOS knows by it which step this is."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(work), loop))


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _log_to_standard_error() -> None:
    """Give DBOS the standard error of now, without secrets; what it took when it was imported may be closed."""
    handler = logging.StreamHandler()
    handler.setFormatter(HidingFormatter("%(asctime)s [%(levelname)s] %(message)s"))
    logging.getLogger("dbos").handlers[:] = [handler]


def _destroy(dbos: "type[DBOS]") -> None:
    logging.getLogger("dbos").setLevel(logging.ERROR)  # that it lets go of jobs is no news
    dbos.destroy(destroy_registry=True)
