"""A roster kept at hand: read anew in the background while it is used, and still served when the store is out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from logging import getLogger
from typing import Final

from creative_services.core.clock import Clock
from creative_services.core.errors import StoreError
from creative_services.core.replicas import Replica
from creative_services.core.retries import full_jitter
from creative_services.replicas.endings import finished

_log = getLogger("creative_services.replicas")
_EAGER: Final = 1.0  # how often those who find nobody may make us look again


class RosterView:
    """The last good roster, and how old it is.

    ``fresh`` seconds it is simply used; then used while a newer one is read; after ``lasts`` seconds the newer one is
    waited for. When the store does not answer, the last good one goes on being served for ``keeps`` seconds.

    What a store says right after an outage is not believed at once: it may have lost what it held, and everybody's
    lease may have ended because nobody could renew it. Who is missing then is kept for ``lasts`` seconds, in which
    the living show life again.
    """

    __slots__ = ("_clock", "_failures", "_next_try", "_read", "_read_at", "_reading", "_trusted_from", "fresh", "keeps",
                 "lasts", "outage", "replicas", "version")  # fmt: skip

    def __init__(
        self,
        read: Callable[[], Awaitable[Sequence[Replica]]],
        clock: Clock,
        *,
        fresh: float,
        lasts: float,
        keeps: float,
    ) -> None:
        self._read, self._clock = read, clock
        self.fresh, self.lasts, self.keeps = fresh, lasts, keeps
        self.replicas: Sequence[Replica] = ()
        self.version = 0
        self.outage: StoreError | None = None
        self._read_at = -float("inf")
        self._next_try = self._trusted_from = -float("inf")
        self._failures = 0
        self._reading: asyncio.Task[None] | None = None

    @property
    def age(self) -> float:
        """Seconds since the store told us this."""
        return self._clock.now() - self._read_at

    @property
    def stale(self) -> bool:
        """Whether this is the last good roster of a store that does not answer any more."""
        return self.outage is not None

    def expire(self) -> None:
        """Wait for a newer one the next time."""
        self._read_at = min(self._read_at, self._clock.now() - self.lasts)
        self._next_try = -float("inf")

    def glance(self) -> bool:
        """Whether what is here will do; a newer one may be on its way."""
        age = self.age
        if age < self.fresh:
            return True
        if age >= self.lasts and not (self.stale and self._clock.now() < self._next_try and age < self.keeps):
            return False
        self._refresh()
        return True

    async def settle(self) -> None:
        """Make sure that there is a roster to go by, or raise the store's error."""
        if self.glance():
            return
        self._refresh(now=True)
        if self._reading:
            # Shielded: others wait for the same reading.
            await asyncio.shield(self._reading)
        if self.outage is not None and self.age >= self.keeps:
            raise self.outage

    async def look_again(self) -> bool:
        """Read anew for somebody who found nobody; False when that was done a moment ago."""
        if self.age < _EAGER or self._clock.now() < self._next_try:
            return False
        self.expire()
        await self.settle()
        return True

    async def aclose(self) -> None:
        """Read no more."""
        reading, self._reading = self._reading, None
        if reading:
            await finished(reading)

    def _refresh(self, *, now: bool = False) -> None:
        loop = asyncio.get_running_loop()
        if self._reading and not self._reading.done() and self._reading.get_loop() is loop:
            return
        if now or self._clock.now() >= self._next_try:
            self._reading = loop.create_task(self._take())

    async def _take(self) -> None:
        try:
            replicas = await self._read()
        except StoreError as error:
            self._failures += 1
            self._next_try = self._clock.now() + full_jitter(self._failures, 1.0, base=0.25, longest=5.0)
            if self.outage is None and self.replicas:
                _log.warning("The last good roster, %.0f s old, is served on: %s", self.age, error)
            self.outage = error
            return
        self.replicas = self._with_missed(replicas)
        self._failures, self.outage = 0, None
        self._read_at = self._clock.now()
        self.version += 1

    def _with_missed(self, replicas: Sequence[Replica]) -> Sequence[Replica]:
        """Those who were read, and those who are missing although the store is not to be believed yet."""
        if self.outage is not None:
            self._trusted_from = self._clock.now() + (self.lasts if self.age < self.keeps else 0.0)
        if self._clock.now() >= self._trusted_from:
            return replicas
        found = {replica.id for replica in replicas}
        return [*replicas, *(known for known in self.replicas if known.id not in found)]
