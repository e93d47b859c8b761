"""Answering what a run asks: by `--yes`, at the terminal, or not at all."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from metier.cli import asking
from metier.cli.asking import Reply
from metier.cli.conversation import Asked, Conversation
from metier.cli.lines import Line
from metier.cli.terminal import note
from metier.errors import MetierError

ENDED_BADLY, WAITS = 1, 3
EXITS = {"succeeded": 0, "waiting": WAITS}  # all else: ENDED_BADLY


class Answering:
    """How requests are answered in one command.

    Args:
        yes: Say yes to changes of records; risks and changes of the set-up still need a person.
        quiet: Ask nobody and print nothing: what is printed is for a program.
    """

    def __init__(self, *, yes: bool = False, quiet: bool = False) -> None:
        self._yes = yes
        self._quiet = quiet
        self._tried: set[tuple[str, str]] = set()  # id and hash; what was not taken is not said again

    async def settle(self, conversation: Conversation) -> bool:
        """Answer what is open; False if something is left for others, or for later."""
        left: list[Asked] = []
        while pending := [one for one in await conversation.waiting() if self._is_new(one[0])]:
            for asked, mine in pending:
                self._tried.add((asked["id"], asked["hash"]))
                if not await self._answer(conversation, asked, mine=mine):
                    left.append(asked)
        for asked in left:
            self._say(f"waiting: {asked['title']} (metier requests show {asked['id']})")
        return not left

    def _is_new(self, asked: Asked) -> bool:
        return (asked["id"], asked["hash"]) not in self._tried

    async def _answer(self, conversation: Conversation, asked: Asked, *, mine: bool) -> bool:
        reply = await self._reply(asked) if mine else None
        if reply is None:
            return False
        try:
            await conversation.reply(asked, reply)
        except MetierError as error:  # answered elsewhere, or not what it was: look again
            self._say(error.message)
        return True

    async def _reply(self, asked: Asked) -> Reply | None:
        if self._yes and asking.is_plain_change(asked):
            return Reply("approve")
        if self._quiet or not asking.is_there():
            return None
        asking.show(asked)
        return await asyncio.to_thread(asking.ask, asked)

    def _say(self, text: str) -> None:
        if not self._quiet:
            note(text)


async def see_through(
    conversation: Conversation,
    lines: AsyncGenerator[Line, None],
    show: Callable[[Line], None],
    answering: Answering,
) -> str:
    """Show an answer as it comes and answer what it asks; gives how it ended, or `waiting`."""
    status = "failed"
    async with aclosing(lines):
        async for line in lines:
            show(line)
            if line.type == "interrupt" and not await answering.settle(conversation):
                return "waiting"
            if line.type == "complete":
                status = str(line.data["status"])
    return status
