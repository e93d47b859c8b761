"""A tool is described by its function and refuses what it cannot be."""

from datetime import date
from typing import Annotated

import pytest
from pydantic import Field

from metier import Context, define_agent, tool
from metier.app import found_on_shelf
from metier.errors import Invalid, NotFound, SchemaMismatch


def test_the_signature_becomes_the_schema():
    @tool
    async def price(ctx: Context, sku: str, amount: int = 1) -> int:
        """Price of an article."""
        return amount

    assert price.name == "price"
    assert price.description == "Price of an article."
    assert price.parameters["required"] == ["sku"]
    assert price.parameters["additionalProperties"] is False
    assert price.parameters["properties"]["amount"]["default"] == 1


def test_a_function_without_docstring_is_refused_by_name():
    async def price(ctx: Context) -> int:
        return 1

    with pytest.raises(Invalid, match=r"price.*docstring"):
        tool(price)


def test_a_plain_function_is_refused():
    def price(ctx: Context) -> int:
        """Price."""
        return 1

    with pytest.raises(Invalid, match="async def"):
        tool(price)


def test_a_tool_without_the_context_is_refused():
    async def price(sku: str) -> int:
        """Price."""
        return 1

    with pytest.raises(Invalid, match="ctx: Context"):
        tool(price)


def test_an_argument_can_be_described_and_limited():
    @tool
    async def price(ctx: Context, sku: Annotated[str, Field(description="Article number", max_length=8)]) -> int:
        """Price."""
        return 1

    assert price.parameters["properties"]["sku"]["description"] == "Article number"
    assert price.parameters["properties"]["sku"]["maxLength"] == 8


async def test_a_value_that_only_looks_right_is_told_with_its_place():
    @tool
    async def agenda(ctx: Context, day: date) -> str:
        """What is on."""
        return day.isoformat()

    with pytest.raises(SchemaMismatch, match="day"):
        await agenda.run(None, {"day": "tomorrow"})  # type: ignore[arg-type]


def test_an_agent_with_an_unknown_toolset_is_refused_at_once():
    clerk = define_agent(name="clerk", prompt="Help.", toolsets=["record"])

    with pytest.raises(NotFound, match="Did you mean 'records'"):
        found_on_shelf([clerk])
