"""A tool is described by its function and refuses what it cannot be."""

import pytest

from metier import Context, tool
from metier.errors import Invalid


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
