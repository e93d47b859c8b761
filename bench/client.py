"""A small HTTP/1.1 client on a kept connection: it measures servers and takes little time itself."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Self

import orjson


class Client:
    """One connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Mapping[str, str]) -> None:
        self._reader = reader
        self._writer = writer
        self._head = "".join(f"{name}: {value}\r\n" for name, value in {"host": "127.0.0.1", **headers}.items())

    @classmethod
    async def open(cls, port: int, headers: Mapping[str, str] | None = None) -> Self:
        """Connect to a port of this machine; `headers` go with every request."""
        return cls(*await asyncio.open_connection("127.0.0.1", port), headers or {})

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def json(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Ask, and give status and body."""
        self._send(method, path, body)
        status, length = await self._answer_head()
        if length is not None:
            return status, await self._reader.readexactly(length)
        return status, b"".join([chunk async for chunk in self._chunks()])

    async def stream(self, method: str, path: str, body: object = None) -> AsyncGenerator[bytes, None]:
        """Ask, and give the body in the pieces it comes in.

        Raises:
            RuntimeError: The answer is no success.
        """
        self._send(method, path, body)
        status, length = await self._answer_head()
        if status >= 300:
            detail = await self._reader.readexactly(length) if length else b""
            raise RuntimeError(f"{method} {path} answered {status}: {detail[:500]!r}")
        if length is not None:
            yield await self._reader.readexactly(length)
            return
        async for chunk in self._chunks():
            yield chunk

    def _send(self, method: str, path: str, body: object) -> None:
        raw = b"" if body is None else orjson.dumps(body)
        kind = "content-type: application/json\r\n" if raw else ""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{kind}content-length: {len(raw)}\r\n\r\n"
        self._writer.write(head.encode() + raw)

    async def _answer_head(self) -> tuple[int, int | None]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head[9:12])
        _, found, rest = head.partition(b"content-length:")
        return status, int(rest.partition(b"\r\n")[0]) if found else None

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        while size := int(await self._reader.readline(), 16):
            yield (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
