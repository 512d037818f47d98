"""The leg the gateway walks: pooled connections of our own on asyncio protocols and httptools."""

import asyncio
from collections.abc import Callable

from creative_services.server.upstream.connection import Connection
from creative_services.server.upstream.origins import Origin, Target
from creative_services.server.upstream.pool import IDLE_SECONDS, Pool


class PooledLeg:
    """Pools by origin, for one event loop."""

    __slots__ = ("_now", "_pools", "_sweep")

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._pools: dict[Origin, Pool] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def ask(self, target: Target, body: bytes, *, more: bytes = b"", streamed: bool = False) -> Connection:
        """Send; the answer when it is whole, or, streamed, when its first piece is there."""
        pool = self._pools.get(target.origin) or self._pool(target.origin)
        head = target.request(body, more)
        connection = pool.idle()
        if connection is not None:
            await _exchange(connection, head, body, streamed)
            if connection.failure is None:
                return connection
            # A kept connection may have been closed under the request. Nothing was heard, so nothing was begun.
            if not connection.heard_nothing:
                raise connection.failure
            connection = await pool.new()
        else:
            connection = await pool.take()
        await _exchange(connection, head, body, streamed)
        if connection.failure is not None:
            raise connection.failure
        return connection

    def _pool(self, origin: Origin) -> Pool:
        pool = self._pools[origin] = Pool(origin, now=self._now)
        if self._sweep is None:
            self._sweep_later()
        return pool

    def _sweep_later(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(IDLE_SECONDS / 2, self._close_idle)

    def _close_idle(self) -> None:
        for origin, pool in list(self._pools.items()):
            pool.close_idle()
            if pool.is_empty:
                del self._pools[origin]
        self._sweep = None
        if self._pools:
            self._sweep_later()

    async def start(self) -> None:
        """Connections are made when they are needed."""

    async def stop(self) -> None:
        """Close every connection."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        await asyncio.sleep(0)  # the loop closes aborted transports in its next round


async def _exchange(connection: Connection, head: bytes, body: bytes, streamed: bool) -> None:
    try:
        await connection.send(head, body, streamed=streamed)
    except BaseException:
        connection.abort()  # given up: the vendor must not go on
        raise
