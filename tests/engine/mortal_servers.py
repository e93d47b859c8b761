"""Server processes that can be killed and started again in a moment.

Run: python -m tests.engine.mortal_servers URL HOME. All is imported once; then each line `PORT` on standard input forks
a server, whose process id is printed. Its agent looks something up, writes a record, and answers in many words.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import uvicorn
import uvloop

from metier import Context, Metier, api, define_agent, tool
from metier.app import found_on_shelf
from metier.chat import turns
from metier.llm.messages import Chunk, Finish, Request, TextDelta, ToolCall, Usage
from metier.llm.provider import ModelInfo
from metier.records import Cause
from metier.settings import Settings

WORDS = [f"word{n} " for n in range(30)]
PAUSE_S = 0.004


@tool(reads=())
async def look(ctx: Context, text: str) -> str:
    """Look something up, which takes a moment."""
    await asyncio.sleep(0.03)
    return f"seen {text}"


@tool(effect="write", approval="never", reads=())
async def note(ctx: Context, text: str) -> str:
    """Write a record."""
    cause = Cause(run_id=ctx.run_id, root_id=ctx.root_id, effect_key=ctx.effect_key)
    await ctx.records.create(ctx.actor, "company", {"name": text}, cause=cause)
    await asyncio.sleep(0.02)
    return f"noted {text}"


class Model:
    """Looks, notes, then talks, whatever came before; each step from the conversation alone."""

    name = "mortal"

    def models(self) -> list[ModelInfo]:
        return [ModelInfo("mortal/model", "Mortal", 100_000)]

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        question = next(m.text for m in reversed(request.messages) if m.role == "user")
        step = sum(m.role == "tool" for m in request.messages)
        if step < 2:
            yield TextDelta("Let me see. ")
            await asyncio.sleep(PAUSE_S)
            yield ToolCall(f"call-{step}", ("look", "note")[step], f'{{"text": "{question}"}}')
        else:
            for word in WORDS:
                yield TextDelta(word)
                await asyncio.sleep(PAUSE_S)
        yield Finish("tool_calls" if step < 2 else "stop", Usage(10, 10))

    async def aclose(self) -> None: ...


CLERK = define_agent(name="clerk", prompt="You work.", model="mortal/model", tools=[look, note])


async def serve(url: str, home: Path, port: int) -> None:
    """Serve the API; what dies counts as dead after a second."""
    turns.MAX_TAKE_OVERS = 1_000  # who kills the servers is no turn
    settings = Settings.for_tests(home, database_url=url, port=port, heartbeat_s=0.3, silent_s=1.5)
    async with Metier.open(settings, providers=[Model()], agents=[CLERK]) as metier:
        config = uvicorn.Config(api.build(metier, {}), port=port, lifespan="off", log_level="error")
        await uvicorn.Server(config).serve()


def main(url: str, home: Path) -> None:
    """Fork a server for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed are buried by themselves
    found_on_shelf()  # so that no server has to import it
    for line in sys.stdin:
        if pid := os.fork():
            print(pid, flush=True)
            continue
        sys.stdin.close()
        os.dup2(2, 1)  # what servers log is nobody's process id
        uvloop.run(serve(url, home, int(line)))
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
