"""`ask_person`: the agent asks whom it works for, and waits for the answer, days if need be."""

from collections.abc import Mapping, Sequence
from typing import Any

from metier.context import Context
from metier.errors import GiveUp
from metier.tools import Kind, Option, Question, Tool

GUIDE = """\
Ask with ask_person only what you need to know to go on and cannot find out; the work rests until the person answers. \
Do not ask whether you may do something: what needs a yes is asked by itself."""


class AskingTools:
    """The tools that ask."""

    name = "asking"
    guide = GUIDE

    async def tools(self, ctx: Context) -> Sequence[Tool]:
        """Give the one tool, to everybody."""
        return (ASK_PERSON,)


def toolsets() -> list[AskingTools]:
    """Give the shelf's toolsets of this file."""
    return [AskingTools()]


async def ask(ctx: Context, arguments: Mapping[str, Any]) -> Question:
    """Make the question: one of some options, or words."""
    options = [Option(text, text) for text in dict.fromkeys(arguments.get("options", ()))]
    kind = Kind.DECISION if options else Kind.INPUT
    return Question(kind, arguments["question"], arguments.get("context", ""), options)


async def run(ctx: Context, arguments: Mapping[str, Any]) -> Any:
    """Never called: the answer is the result."""
    raise GiveUp("A question is answered by a person.")


ASK_PERSON = Tool(
    name="ask_person",
    description="Ask the person you work for, and wait for the answer.",
    parameters={
        "type": "object",
        "properties": {
            "question": {"type": "string", "minLength": 1, "maxLength": 200},
            "context": {"type": "string", "maxLength": 2000, "description": "What the person should know to answer"},
            "options": {
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": 100},
                "minItems": 2,
                "maxItems": 8,
                "description": "To choose one of; leave out to let the person write",
            },
        },
        "required": ["question"],
        "additionalProperties": False,
    },
    run=run,
    reads=(),
    question=ask,
    annotations={"kind": "ask"},
)
