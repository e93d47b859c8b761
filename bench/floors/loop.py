"""The floors of an agent's turn: raw loops of 5 model calls and 4 tool calls, nothing checked, nothing stored.

Run: python -m bench.floors.loop httpx2|httpx2-streamed|httpx|aiohttp MODEL_URL
"""

import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import aiohttp
import orjson
import uvloop

from bench.processes import answer_commands
from bench.turns import timed

SYSTEM = "You are a calculator. Use the tools for every sum, one at a time, and say the sums in the end."
QUESTION = "Add 2 to 0, 1, 2 and 3, one after the other."
NUMBER = {"type": "integer"}
ADD: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two whole numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": NUMBER, "b": NUMBER},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
}
Ask = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


async def turn(ask: Ask) -> str:
    """Do one turn: `ask` posts a request and gives the assistant's message."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    while True:
        message = await ask({"model": "loop", "messages": messages, "tools": [ADD]})
        messages.append(message)
        if not message.get("tool_calls"):
            return message["content"]
        for call in message["tool_calls"]:
            numbers = orjson.loads(call["function"]["arguments"])
            content = str(numbers["a"] + numbers["b"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})


async def with_httpx(url: str, library: str) -> None:
    """Answer commands with turns on httpx or its successor httpx2."""
    httpx = import_module(library)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as client:

        async def ask(body: dict[str, Any]) -> dict[str, Any]:
            answer = await client.post(f"{url}/chat/completions", json=body)
            return answer.json()["choices"][0]["message"]

        await answer_commands(timed(lambda: turn(ask)))


async def with_httpx_streamed(url: str, library: str) -> None:
    """Answer commands with turns whose answers are read as streams, as an agent that shows its words has to."""
    httpx = import_module(library)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as client:

        async def ask(body: dict[str, Any]) -> dict[str, Any]:
            message: dict[str, Any] = {"role": "assistant", "content": ""}
            async with client.stream("POST", f"{url}/chat/completions", json={**body, "stream": True}) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data: {"):
                        _gather(message, orjson.loads(line[6:])["choices"][0]["delta"])
            return message

        await answer_commands(timed(lambda: turn(ask)))


def _gather(message: dict[str, Any], delta: dict[str, Any]) -> None:
    message["content"] += delta.get("content") or ""
    if "tool_calls" in delta:
        message["tool_calls"] = delta["tool_calls"]


async def with_aiohttp(url: str) -> None:
    """Answer commands with turns on aiohttp."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(body: dict[str, Any]) -> dict[str, Any]:
            async with session.post(f"{url}/chat/completions", json=body) as answer:
                return (await answer.json())["choices"][0]["message"]

        await answer_commands(timed(lambda: turn(ask)))


async def main(loop: str, url: str) -> None:
    """Answer commands with one of the loops."""
    library, _, form = loop.partition("-")
    if library == "aiohttp":
        await with_aiohttp(url)
    else:
        await (with_httpx_streamed if form else with_httpx)(url, library)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
