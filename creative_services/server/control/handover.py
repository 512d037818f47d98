"""An answer on its way from the thread that makes it to the event loop that sends it."""

import asyncio
from contextlib import suppress
from threading import Condition
from typing import Final

from creative_services.server.callers.incoming import Send

Headers = list[tuple[bytes, bytes]]

# What may wait to be sent; past it the thread waits for the reader, and not for ever.
_ENOUGH: Final = 256 * 1024
STALLED_SECONDS: Final = 60.0
# A table of a hundred thousand rows is written row by row; what comes within a blink of an eye travels together.
_GATHER_SECONDS: Final = 0.005


class LeftError(Exception):
    """Nobody waits for the rest of the answer any more, or takes it far too slowly."""


class Handover:
    """One answer. The thread begins, writes and ends it; the loop carries it out."""

    __slots__ = ("_ended", "_failed", "_gone", "_head", "_loop", "_news", "_over", "_parts", "_room", "_size",
                 "_stalled", "_told")  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, *, stalled: float = STALLED_SECONDS) -> None:
        self._loop = loop
        self._news, self._ended = asyncio.Event(), asyncio.Event()
        self._room = Condition()
        self._head: tuple[int, Headers] | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._over = self._gone = self._failed = self._told = False
        self._stalled = stalled

    # In the thread

    @property
    def begun(self) -> bool:
        """Whether the head may have left."""
        return self._head is not None

    def begin(self, status: int, headers: Headers) -> None:
        """The head; it leaves with the first part."""
        self._head = (status, headers)

    def write(self, part: bytes) -> None:
        """A part. Raises ``LeftError`` when it is not worth going on."""
        with self._room:
            self._room.wait_for(lambda: self._gone or self._size < _ENOUGH, self._stalled)
            if self._gone or self._size >= _ENOUGH:
                self._gone = True
                raise LeftError
            self._parts.append(part)
            self._size += len(part)
            told, self._told = self._told, True
        if not told:
            self._tell(self._news)

    def end(self, *, failed: bool = False) -> None:
        """That was all, or all there will be."""
        with self._room:
            self._over, self._failed = True, failed
        self._tell(self._news)
        self._tell(self._ended)

    def _tell(self, event: asyncio.Event) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(event.set)

    @property
    def left(self) -> bool:
        """Whether the caller has gone."""
        return self._gone

    # On the loop

    def leave(self) -> None:
        """The caller has gone: the thread is told at its next part."""
        with self._room:
            self._gone = True
            self._room.notify_all()
        self._news.set()
        self._ended.set()

    async def carry(self, send: Send) -> bool:
        """Send it all; whether an answer was sent. Raises when it broke off half-way: it must not look whole."""
        sent = False
        while True:
            await self._news.wait()
            self._news.clear()
            body, over = self._take()
            if self._gone:
                return sent
            if over and self._failed and not sent:
                return False
            if self._head is not None and not sent:
                sent = True
                await send({"type": "http.response.start", "status": self._head[0], "headers": self._head[1]})
            if over and self._failed:
                raise RuntimeError("the answer broke off")
            if sent and (body or over):
                await send({"type": "http.response.body", "body": body, "more_body": not over})
            if over:
                return sent
            await self._gather()

    async def _gather(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GATHER_SECONDS):
                await self._ended.wait()

    def _take(self) -> tuple[bytes, bool]:
        with self._room:
            parts, self._parts, self._size, self._told = self._parts, [], 0, False
            self._room.notify_all()
            return b"".join(parts), self._over
