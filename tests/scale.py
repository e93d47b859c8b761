"""How many cases a test of many cases runs: what its file says, or `METIER_PROOF` times as many (`make proof`)."""

import os


def cases(number: int) -> int:
    """Give the number of cases to run."""
    return number * int(os.environ.get("METIER_PROOF", "1"))
