"""Waiting for an event, but not for ever. Real time: what waits here are heartbeats and retries, not business."""

import asyncio


async def happens(event: asyncio.Event, within_s: float) -> bool:
    """Wait for an event and say whether it happened in time."""
    try:
        async with asyncio.timeout(within_s):
            return await event.wait()
    except TimeoutError:
        return False
