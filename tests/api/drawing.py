"""Examples of a strategy, drawn outside of a Hypothesis test."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest import SkipTest

from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable


def draw(strategy: Any, count: int) -> list[Any]:
    """Give examples of a strategy, the same each time."""
    drawn: list[Any] = []

    @settings(
        max_examples=count,
        database=None,
        deadline=timedelta(seconds=5),
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(case: Any) -> None:
        drawn.append(case)

    with suppress(Unsatisfiable, SkipTest):  # an operation without input has no wrong input
        keep()
    return drawn
