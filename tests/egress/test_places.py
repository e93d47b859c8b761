"""S-27, S-28: from no place does any spelling of an inner address get a connection."""

import asyncio
from pathlib import Path

import pytest
import uvloop

import metier
from tests.egress.forms import urls
from tests.egress.listening import Listening
from tests.egress.places import HAND_ON, PLACES, Place
from tests.house import source


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_no_form_of_an_inner_address_is_connected_to(place: Place):
    assert await reached(place) == []


@pytest.mark.parametrize("place", PLACES[:6], ids=lambda place: place.name)
def test_nor_on_the_event_loop_of_the_server(place: Place):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(reached(place)) == []


async def reached(place: Place) -> list[str]:
    """Send a place to every form, and give those after which the listening server had a connection."""
    found: list[str] = []
    async with Listening() as inner, place.opened(inner.port) as go:
        for url in filter(place.takes, urls(inner.port)):
            before = inner.connections
            await asyncio.gather(go(url), return_exceptions=True)
            if inner.connections != before:
                found.append(url)
    return found


def test_the_forms_are_many_and_none_stands_twice():
    forms = list(urls(80))

    assert len(forms) == len(set(forms)) >= 150


async def test_the_listening_server_counts():
    """The others could not fail if it did not."""
    async with Listening() as inner:
        for address in ("127.0.0.1", "127.0.0.2", "::1"):
            _, writer = await asyncio.open_connection(address, inner.port)
            writer.close()
        await asyncio.sleep(0)

        assert inner.connections == 3


def test_each_module_that_goes_out_is_a_place():
    house = source.read(Path(metier.__file__).parent).values()
    outside = [m for m in house if "Egress" in m.text and not m.name.startswith(("metier.egress", "metier.testing"))]

    going_out = {m.name for m in outside if any(use.name.startswith("metier.egress.Egress") for use in m.uses)}
    assert going_out == {place.module for place in PLACES} - {"metier.egress.client", "metier.schema"} | HAND_ON
