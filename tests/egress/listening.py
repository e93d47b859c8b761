"""A server on every address of this machine, which counts who connects."""

import asyncio
import socket
from typing import Self


class Listening:
    """Accepts connections on IPv4 and IPv6 alike, and answers each with 200.

    Attributes:
        connections: How many there have been.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        four = socket.create_server(("0.0.0.0", 0))
        self.port = four.getsockname()[1]
        self._servers.append(await asyncio.start_server(self._accept, sock=four))
        if socket.has_ipv6:
            six = socket.create_server(("::", self.port), family=socket.AF_INET6)
            self._servers.append(await asyncio.start_server(self._accept, sock=six))
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()

    async def _accept(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()
