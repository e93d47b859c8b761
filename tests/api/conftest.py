"""The API under test: the real application over ASGI."""

from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest

from metier import api
from metier.testing import House


@pytest.fixture
async def key(sample_house: House) -> str:
    """A key of the admin role."""
    return (await sample_house.metier.access.create_key(sample_house.actor, role="admin", name="test")).token


@pytest.fixture
async def anonymous(sample_house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    transport = httpx.ASGITransport(app=api.build(sample_house.metier), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://metier.test") as client:
        yield client


@pytest.fixture
async def client(anonymous: httpx.AsyncClient, key: str) -> httpx.AsyncClient:
    """A client with the admin's key."""
    anonymous.headers["Authorization"] = f"Bearer {key}"
    return anonymous
