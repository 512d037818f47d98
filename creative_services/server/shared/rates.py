"""Requests and tokens per minute, leased."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from creative_services.core.access import KeyRecord
from creative_services.server.access.limits import LocalRates, Refusal
from creative_services.server.shared.line import AwayError, Line
from creative_services.server.shared.scripts import RATE

# A lease lasts a busy worker some ten milliseconds, so that asking Redis is lost among the calls themselves.
_REQUESTS: Final = 100
_CALLS_OF_TOKENS: Final = 50
# What is not used for so long goes back: another worker may need it.
_IDLE_SECONDS: Final = 1.0


class Lease:
    """What this worker may still use of one bucket."""

    __slots__ = ("key", "left", "limit", "lock", "used_at")

    def __init__(self, key: str, limit: int) -> None:
        self.key = key
        self.limit = limit
        self.left = 0
        self.used_at = 0.0
        self.lock = asyncio.Lock()


class SharedRates:
    """Limits of all workers together. While Redis is away, each counts its own share."""

    __slots__ = ("_leases", "_line", "_local", "_now", "_sweeper")

    def __init__(self, line: Line, *, now: Callable[[], float], workers: int) -> None:
        self._line = line
        self._now = now
        self._local = LocalRates(now=now, share=1 / max(1, workers))
        self._leases: dict[str, Lease] = {}
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def mode(self) -> str:
        """shared, or local while Redis is away."""
        return "local" if self._line.away else "shared"

    async def request(self, key: KeyRecord) -> Refusal | None:
        """Let one request in, or say why not."""
        limit = key.requests_per_minute
        if limit is None:
            return None
        lease = self._lease("requests", key, limit)
        if lease.left >= 1:
            self._use(lease, 1)
            return None
        try:
            wait = await self._take(lease, 1, _REQUESTS)
        except AwayError:
            return await self._local.request(key)
        return Refusal(what="requests", limit=limit, retry_after=wait) if wait else None

    async def tokens(self, key: KeyRecord, amount: int) -> Refusal | None:
        """Set tokens aside for a call, or say why not."""
        limit = key.tokens_per_minute
        if limit is None:
            return None
        lease, amount = self._lease("tokens", key, limit), min(amount, limit)
        if lease.left >= amount:
            self._use(lease, amount)
            return None
        try:
            wait = await self._take(lease, amount, amount * _CALLS_OF_TOKENS)
        except AwayError:
            return await self._local.tokens(key, amount)
        return Refusal(what="tokens", limit=limit, retry_after=wait) if wait else None

    def settle(self, key: KeyRecord, taken: int, actual: int) -> None:
        """The call is over and used ``actual`` tokens: the rest is this worker's to use, a debt to pay first."""
        if key.tokens_per_minute is not None:
            self._lease("tokens", key, key.tokens_per_minute).left += min(taken, key.tokens_per_minute) - actual

    def _lease(self, what: str, key: KeyRecord, limit: int) -> Lease:
        name = f"creative_services:rate:{what}:{key.account}"
        lease = self._leases.get(name)
        if lease is None or lease.limit != limit:
            lease = self._leases[name] = Lease(name, limit)
        return lease

    def _use(self, lease: Lease, amount: int) -> None:
        lease.left -= amount
        lease.used_at = self._now()

    async def _take(self, lease: Lease, amount: int, most: int) -> float:
        """0.0 and the amount is taken, or the seconds until it could be."""
        # One asks for all who wait: the next finds what the first was granted.
        async with lease.lock:
            if lease.left < amount:
                least = min(amount - lease.left, lease.limit)
                granted, wait, _ = await self._line.run(RATE, lease.key, lease.limit, least, most, 0)
                lease.left += int(granted)
                if not granted:
                    return max(0.001, int(wait) / 1e6)
            self._use(lease, amount)
            return 0.0

    async def start(self) -> None:
        """Begin to give back what is not used."""
        await self._line.start()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_IDLE_SECONDS / 2)
            await self._give_back(self._now() - _IDLE_SECONDS)

    async def _give_back(self, idle_since: float) -> None:
        for lease in list(self._leases.values()):
            if lease.left and lease.used_at <= idle_since:
                back, lease.left = lease.left, 0
                try:
                    await self._line.run(RATE, lease.key, lease.limit, 0, 0, back)
                except AwayError:
                    lease.left += back

    async def stop(self) -> None:
        """Give everything back."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        await self._give_back(self._now())
        await self._line.stop()
