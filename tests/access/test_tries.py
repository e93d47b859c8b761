"""Counting tries stays small, whoever tries."""

from metier.access.tries import NAMES_MAX, Tries
from metier.testing import FrozenClock


def test_a_flood_of_names_is_forgotten_from_its_oldest(clock: FrozenClock):
    tries = Tries(clock, "tries")

    for n in range(NAMES_MAX + 5):
        tries.count(f"{n}@flood.test")

    assert len(tries._counts) == NAMES_MAX
    assert "0@flood.test" not in tries._counts
    assert f"{NAMES_MAX + 4}@flood.test" in tries._counts
