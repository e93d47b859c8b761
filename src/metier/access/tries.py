"""How often one may try to sign in.

Counted in memory, per process: a stranger who tries many addresses then costs no row and no write, and the few tries
more that several processes allow do not matter against argon2id.
"""

from metier.clock import Clock
from metier.errors import TooManyRequests

TRIES = 10
WINDOW_S = 600.0
NAMES_MAX = 10_000


class Tries:
    """Counts tries per name in windows of `WINDOW_S`."""

    def __init__(self, clock: Clock, what: str) -> None:
        self._clock = clock
        self._what = what
        self._counts: dict[str, tuple[float, int]] = {}  # name: (begin of its window, tries in it), oldest first

    def count(self, name: str) -> None:
        """Count a try.

        Raises:
            TooManyRequests: `TRIES` were made within the window; says when the next may be.
        """
        now = self._clock.monotonic()
        begin, tries = self._counts.get(name, (now, 0))
        if now - begin >= WINDOW_S:
            self.forget(name)
            begin, tries = now, 0
        if tries >= TRIES:
            raise TooManyRequests(self._what, begin + WINDOW_S - now)
        self._counts[name] = (begin, tries + 1)
        if len(self._counts) > NAMES_MAX:
            del self._counts[next(iter(self._counts))]

    def forget(self, name: str) -> None:
        """Begin again: the try was right."""
        self._counts.pop(name, None)
