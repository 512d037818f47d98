"""Connections kept open between requests, one pool per origin."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from creative_services.server.upstream.connection import Connection
from creative_services.server.upstream.dialling import dial
from creative_services.server.upstream.origins import Origin

# Connections to one origin: more than one process's streams, fewer than its file descriptors.
MOST_CONNECTIONS: Final = 8192
# A new TLS connection to a vendor costs 50 ms and more. Shorter than what balancers on the way forget silently.
IDLE_SECONDS: Final = 30.0


class Pool:
    """Gives out connections to one origin: the one used last first, so that idle ones grow old and are closed."""

    __slots__ = ("_closed", "_idle", "_now", "_open", "_waiting", "most", "origin")

    def __init__(self, origin: Origin, *, now: Callable[[], float], most: int = MOST_CONNECTIONS) -> None:
        self.origin = origin
        self.most = most
        self._now = now
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def idle(self) -> Connection | None:
        """A kept connection, if there is one: the way of nearly every request, and without waiting."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return None

    async def take(self) -> Connection:
        """A connection nobody uses: a new one or, when there are too many, the next that is let go."""
        while len(self._open) >= self.most:
            await self._turn()
            if (kept := self.idle()) is not None:
                return kept
        return await self._dialled()

    async def new(self) -> Connection:
        """A connection nobody has used, for a request that met a stale one."""
        while len(self._open) >= self.most:
            await self._turn()
        return await self._dialled()

    async def _dialled(self) -> Connection:
        connection = Connection(self._released)
        self._open.add(connection)  # counted before it is there, so that many at once do not pass the limit
        try:
            await dial(self.origin, connection)
        except BaseException:
            self._open.discard(connection)
            self._next()
            raise
        return connection

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # our turn had come: pass it on
            raise

    def _released(self, connection: Connection) -> None:
        if connection.closed:
            self._open.discard(connection)
        elif self._closed:
            connection.abort()
        else:
            connection.idle_since = self._now()
            self._idle.append(connection)
        self._next()

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def close_idle(self) -> None:
        """Close what has been idle for too long; the oldest are at the front."""
        oldest = self._now() - IDLE_SECONDS
        while self._idle and (self._idle[0].closed or self._idle[0].idle_since < oldest):
            connection = self._idle.popleft()
            if not connection.closed:
                connection.abort()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is open and nobody waits."""
        return not self._open and not self._waiting

    def close(self) -> None:
        """Cut everything."""
        self._closed = True
        for connection in list(self._open):
            connection.abort()
