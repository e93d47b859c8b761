"""Passwords: argon2id, in threads, few at a time; one check takes about 160 ms and 64 MiB."""

import asyncio
import unicodedata
from dataclasses import dataclass

from metier.errors import Invalid, Problem

SHORTEST = 10  # characters
LONGEST = 1000  # characters; longer ones only cost time
AT_ONCE = 2


@dataclass(frozen=True)
class Cost:
    """How hard a password is to try; argon2's parameters (RFC 9106, section 4). `memory_kib` in KiB."""

    rounds: int = 3
    memory_kib: int = 65536
    lanes: int = 4


STRONG = Cost()

#: For tests: a millisecond each.
CHEAP = Cost(rounds=1, memory_kib=8, lanes=1)


class Passwords:
    """Makes and checks password hashes."""

    def __init__(self, cost: Cost) -> None:
        self._cost = cost
        self._places = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Give what is stored of a password."""
        async with self._places:
            return await asyncio.to_thread(_hash, self._cost, _form(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Say whether the password is right; takes as long when there is none."""
        if stored is None:
            await self.hash(password[:LONGEST])
            return False
        async with self._places:
            return await asyncio.to_thread(_verify, self._cost, _form(password[:LONGEST]), stored)


def check_password(password: str) -> None:
    """Let a new password pass.

    Raises:
        Invalid: It is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        problem = f"a password has {SHORTEST} to {LONGEST} characters, this has {len(password)}"
        raise Invalid.of([Problem("password", problem)])


def _form(password: str) -> str:
    """Give the form in which passwords are compared: the same letters typed on another keyboard are equal."""
    return unicodedata.normalize("NFKC", password)


def _hash(cost: Cost, password: str) -> str:
    from pwdlib.hashers.argon2 import Argon2Hasher

    hasher = Argon2Hasher(time_cost=cost.rounds, memory_cost=cost.memory_kib, parallelism=cost.lanes)
    return hasher.hash(password.encode(errors="surrogatepass"))


def _verify(cost: Cost, password: str, stored: str) -> bool:
    from pwdlib.hashers.argon2 import Argon2Hasher

    hasher = Argon2Hasher(time_cost=cost.rounds, memory_cost=cost.memory_kib, parallelism=cost.lanes)
    return hasher.verify(password.encode(errors="surrogatepass"), stored)
