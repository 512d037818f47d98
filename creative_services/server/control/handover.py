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


class LeftError(Exception):
    """Nobody waits for the rest of the answer any more, or takes it far too slowly."""


class Handover:
    """One answer. The thread begins, writes and ends it; the loop carries it out."""

    __slots__ = ("_failed", "_gone", "_head", "_loop", "_news", "_over", "_parts", "_room", "_size", "_stalled")

    def __init__(self, loop: asyncio.AbstractEventLoop, *, stalled: float = STALLED_SECONDS) -> None:
        self._loop = loop
        self._news = asyncio.Event()
        self._room = Condition()
        self._head: tuple[int, Headers] | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._over = self._gone = self._failed = False
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
        self._tell()

    def end(self, *, failed: bool = False) -> None:
        """That was all, or all there will be."""
        with self._room:
            self._over, self._failed = True, failed
        self._tell()

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(self._news.set)

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

    def _take(self) -> tuple[bytes, bool]:
        with self._room:
            parts, self._parts, self._size = self._parts, [], 0
            self._room.notify_all()
            return b"".join(parts), self._over
