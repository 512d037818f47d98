"""Counts requests and how long they take, and tells the registry with each heartbeat. Plain ASGI."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from logging import getLogger
from random import random
from typing import Any, Final, Protocol

from creative_services.core.errors import StoreError
from creative_services.replicas.endings import finished

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

WINDOW: Final = 15 * 60.0
_BUCKET: Final = 15.0  # what is counted falls out of the window in steps of this many seconds
_log = getLogger("creative_services.replicas")


class Told(Protocol):
    """Who hears of it: a ``ServerRegistry``, or a ``Registration`` at a routing service."""

    lease: float

    async def heartbeat(self, *, data: Mapping[str, Any] | None = None) -> bool:
        """Take the figures; False when the server is not registered."""
        ...


class Counts:
    """Requests and their seconds over the last quarter of an hour, in as little room for ten as for ten million."""

    __slots__ = ("_buckets", "_now", "in_flight")

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: deque[list[float]] = deque()  # [since, requests, seconds]
        self.in_flight = 0

    def add(self, seconds: float) -> None:
        """One more request is answered."""
        now = self._now()
        if not self._buckets or now - self._buckets[-1][0] >= _BUCKET:
            self._buckets.append([now, 0, 0.0])
        self._buckets[-1][1] += 1
        self._buckets[-1][2] += seconds

    def told(self) -> dict[str, Any]:
        """As the record holds it, in the original's words."""
        oldest = self._now() - WINDOW
        while self._buckets and self._buckets[0][0] < oldest:
            self._buckets.popleft()
        requests = sum(int(bucket[1]) for bucket in self._buckets)
        seconds = sum(bucket[2] for bucket in self._buckets)
        return {
            "request_stats": {
                "last_15_minutes": requests,
                "last_15_minutes_latency": round(seconds / requests, 6) if requests else 0.0,
                "in_flight": self.in_flight,
            }
        }


class RequestCounterMiddleware:
    """``app.add_middleware(RequestCounterMiddleware, registry=registry)``.

    Once the server is registered its heartbeats are sent from here, from the application's start (or its first request,
    where nobody announces a start) to its end, so that it needs no other.
    """

    def __init__(self, app: App, registry: Told, *, now: Callable[[], float] = time.monotonic) -> None:
        self.app, self.registry = app, registry
        self.counts = Counts(now)
        self._now = now
        self._beating: asyncio.Task[None] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http":
            await self._count(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _live(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            await self.aclose()

    async def _count(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        started = self._now()
        self.counts.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.counts.in_flight -= 1
            self.counts.add(self._now() - started)

    async def aclose(self) -> None:
        """Send no more heartbeats."""
        task, self._beating = self._beating, None
        if task:
            await finished(task)

    async def publish(self) -> bool:
        """Tell the registry now; False when the server is not registered."""
        return await self.registry.heartbeat(data=self.counts.told())

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.registry.lease / 3 * (0.9 + random() / 5))  # noqa: S311 - spreading, not secrecy
            try:
                await self.publish()
            except StoreError as error:
                _log.warning("A heartbeat did not arrive; the next one follows in time: %s", error)
