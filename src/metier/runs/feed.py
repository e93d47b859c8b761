"""A reader's letter box for what happens now in a run of this process."""

import asyncio

from metier.events import Event

ROOM = 1_000  # events; a reader further behind goes on from the table, which waits for nobody


class Feed:
    """Events in order, until it is cut: by the end of the log, or because the reader is too slow."""

    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._cut = False
        self._news = asyncio.Event()

    def push(self, event: Event) -> None:
        """Put an event in, unless the feed is cut."""
        if self._cut:
            return
        if len(self._events) >= ROOM:
            self.cut()
            return
        self._events.append(event)
        self._news.set()

    def cut(self) -> None:
        """Put nothing in any more; what is in can still be taken."""
        self._cut = True
        self._news.set()

    async def take(self) -> list[Event]:
        """Wait for events and take all; empty if the feed is cut and there will be none."""
        while not self._events and not self._cut:
            self._news.clear()
            await self._news.wait()
        events, self._events = self._events, []
        return events
