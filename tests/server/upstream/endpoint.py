"""A vendor's end of a connection that does as it is told, byte by byte."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

Play = Callable[["Endpoint", asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


def whole(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A counted answer."""
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


def chunk(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def saying(answer: bytes, *, close: bool = False) -> Play:
    """Writes one answer to every request."""

    async def play(
        endpoint: "Endpoint", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: bytes
    ) -> None:
        writer.write(answer)
        await writer.drain()
        if close:
            writer.close()

    return play


class Endpoint:
    """Reads requests, plays an answer to each. ``seen`` are the requests, ``lost`` the connections that went away."""

    def __init__(self, play: Play, *, tls: ssl.SSLContext | None = None) -> None:
        self.play = play
        self._tls = tls
        self.seen: list[bytes] = []
        self.connections = 0
        self.lost = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                request = head + await reader.readexactly(length)
                self.seen.append(request)
                await self.play(self, reader, writer, request)
        self.lost.set()
        writer.close()
