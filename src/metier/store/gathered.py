"""Look-ups of single things that share statements while the database is busy with one of them."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Looks things up by key, nothing remembered: each answer is of a statement that began after it was asked for.

    Whoever asks while nobody does is answered at once. Those who ask while a statement is under way share the next one.

    Args:
        look_up: Gives what there is of some keys, by key.
    """

    def __init__(self, look_up: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._look_up = look_up
        self._waiting: list[tuple[K, asyncio.Future[V | None]]] = []
        self._busy = False
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """Give what there is of a key, or None; raises what `look_up` does."""
        if self._busy:
            future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
            self._waiting.append((key, future))
            return await future
        self._busy = True
        try:
            return (await self._look_up([key])).get(key)
        finally:
            self._task = asyncio.create_task(self._answer_all()) if self._waiting else None
            self._busy = self._task is not None

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._answer([one for one in asked if not one[1].done()])  # who was stopped waits no more
        finally:
            self._busy = False
            for _, future in self._waiting:
                future.cancel()

    async def _answer(self, asked: Sequence[tuple[K, "asyncio.Future[V | None]"]]) -> None:
        try:
            found = await self._look_up(list({key: None for key, _ in asked}))
        except Exception as error:  # noqa: BLE001 - it is raised again by each who asked
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            return
        except BaseException:
            for _, future in asked:
                future.cancel()
            raise
        for key, future in asked:
            if not future.done():
                future.set_result(found.get(key))
