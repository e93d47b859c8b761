"""The provider: asks over the guarded way out, reads the stream, and tells faults in the house's words."""

import random
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from metier.builtin.providers.openai.answer import Reading
from metier.builtin.providers.openai.request import Encoder, TokenLimit
from metier.clock import Clock
from metier.egress import Answer, Egress, Limits, Secret
from metier.errors import ProviderDown, RefusedAddress, Unreachable
from metier.llm.catalog import bare
from metier.llm.faults import of_connection, of_status, with_back_off
from metier.llm.history import find_break
from metier.llm.messages import Chunk, Request
from metier.llm.provider import ModelInfo
from metier.llm.sse import EventTooLarge, SseReader

#: A model may think long before its first word; a redirect is never followed with a question and a key in hand.
LIMITS = Limits(
    connect_s=10.0, first_byte_s=120.0, between_s=60.0, total_s=1800.0, max_bytes=64 * 1024 * 1024, redirects=0
)
LINGER_S = 5.0  # for usage and the end of the stream, once the answer is whole
DRAIN_S = 0.2  # for the connection's own end after `[DONE]`, so that it can be used again

FIRST_LISTED = "default"  # the name under which a server's first model is asked, if the operator names none


class ChatCompletions:
    """One server that speaks chat completions; keeps the contract of `metier.llm.provider.Provider`.

    Args:
        base_url: Up to and without `/chat/completions`.
        key: Sent as `Authorization: Bearer`; None for servers that want none.
        listed: Models to offer; without any, the server's own list is asked at first use.
        describe: Gives what is known of a model by full id.
        limits: Time and size of one answer.
        jitter: Gives a number from 0 to 1, for back-off.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        key: str | None,
        listed: Sequence[ModelInfo],
        token_limit: TokenLimit,
        egress: Egress,
        clock: Clock,
        describe: Callable[[str], ModelInfo] = ModelInfo,
        limits: Limits = LIMITS,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._key = key.strip() if key else ""
        self._listed = list(listed)
        self._asks_list = not listed
        self._describe = describe
        self._encoder = Encoder(token_limit)
        self._egress = egress
        self._clock = clock
        self._limits = limits
        self._jitter = jitter

    def __repr__(self) -> str:
        return f"ChatCompletions({self.name!r})"

    def models(self) -> list[ModelInfo]:
        """Give the models on offer; a server without named ones offers its first."""
        return self._listed or [ModelInfo(f"{self.name}/{FIRST_LISTED}", "First model of the server")]

    def named(self, name: str) -> ModelInfo:
        """Describe a model by the server's name for it."""
        return self._describe(f"{self.name}/{name}")

    def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Ask; see the contract."""
        return with_back_off(lambda: self._attempt(request), self._clock, jitter=self._jitter)

    async def aclose(self) -> None:
        """Nothing to let go of: the connections are the egress's."""

    async def _attempt(self, request: Request) -> AsyncGenerator[Chunk, None]:
        self._check_history(request)
        with self._in_our_words():
            body = self._encoder.body(request, await self._wire_name(request.model))
            url = f"{self._base_url}/chat/completions"
            async with self._egress.stream(
                "POST", url, headers=self._headers(), body=body, limits=self._limits
            ) as answer:
                await self._check_status(answer)
                reading, reader = self._reading(request), self._reader(answer)
                while not (reading.over or reading.fault):
                    piece = await _piece(answer, reading)
                    for chunk in reading.feed(reader.feed(piece)):
                        yield chunk
                    if not piece:
                        break
                chunks = reading.end()
                await _drain(answer)
        for chunk in chunks:
            yield chunk

    def _check_history(self, request: Request) -> None:
        if problem := find_break(request.messages):
            raise ProviderDown(self.name, f"not asked: {problem}", kind="rejected", retryable=False)

    @contextmanager
    def _in_our_words(self) -> Generator[None]:
        try:
            yield
        except (Unreachable, RefusedAddress) as error:
            raise of_connection(self.name, error) from error
        except EventTooLarge as error:
            problem = "it sent an event without end"
            raise ProviderDown(self.name, problem, kind="malformed", retryable=False) from error

    def _headers(self) -> dict[str, str | Secret]:
        headers: dict[str, str | Secret] = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",  # a compressor would hold tokens back
        }
        if self._key:
            headers["Authorization"] = Secret(f"Bearer {self._key}")
        return headers

    async def _check_status(self, answer: Answer) -> None:
        if answer.status == 200:
            return
        try:
            body = await answer.body()
        except Unreachable:
            body = b""  # the status says enough
        raise of_status(self.name, answer.status, answer.headers, body, now=self._clock.now(), hide=[self._key])

    def _reading(self, request: Request) -> Reading:
        taken = {call.id for message in request.messages for call in message.tool_calls}
        return Reading(self.name, hide=[self._key], taken=taken, new_id=lambda: self._clock.new_id().hex)

    def _reader(self, answer: Answer) -> "SseReader | _WholeBody":
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in ("text/event-stream", ""):
            return SseReader()
        if kind == "application/json":
            return _WholeBody()
        problem = f"it answered with {kind}, not with a stream; is the base URL right (most end in /v1)?"
        raise ProviderDown(self.name, problem, kind="malformed", retryable=False)

    async def _wire_name(self, model: str) -> str:
        name = bare(model)
        if name != FIRST_LISTED or not self._asks_list:
            return name
        if not self._listed:
            self._listed = await self._ask_list()
        return bare(self._listed[0].id)

    async def _ask_list(self) -> list[ModelInfo]:
        headers = {**self._headers(), "Accept": "application/json"}
        reply = await self._egress.fetch("GET", f"{self._base_url}/models", headers=headers)
        if reply.status != 200:
            raise of_status(self.name, reply.status, reply.headers, reply.body, now=self._clock.now(), hide=[self._key])
        if not (names := _listed_names(reply.body)):
            problem = "it lists no models; name one in OPENAI_COMPATIBLE_MODEL_NAMES"
            raise ProviderDown(self.name, problem, kind="rejected", retryable=False)
        return [self._describe(f"{self.name}/{name}") for name in names]


def _listed_names(body: bytes) -> list[str]:
    try:
        listed: dict[str, Any] = orjson.loads(body)
        return [entry["id"] for entry in listed["data"] if isinstance(entry["id"], str)]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return []


class _WholeBody:
    """Reads the answer of a server that does not stream: one event, when all of it is there."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        self._pieces.append(piece)
        return [] if piece else [b"".join(self._pieces)]


async def _piece(answer: Answer, reading: Reading) -> bytes:
    """Read on; once the answer is whole, what fails after it does not matter."""
    if not reading.complete:
        return await answer.piece()
    try:
        return await answer.piece(within_s=LINGER_S)
    except Unreachable:
        return b""


async def _drain(answer: Answer) -> None:
    try:
        while await answer.piece(within_s=DRAIN_S):
            pass
    except Unreachable:
        pass
