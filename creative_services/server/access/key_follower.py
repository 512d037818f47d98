"""Keeps the key ring at the state of whoever manages the keys: an edit or a revocation holds within a second."""

import asyncio
from logging import getLogger
from typing import Final

from creative_services.core.access import KeyFeed
from creative_services.core.clock import Clock
from creative_services.server.access.keys import KeyRing

# Two looks a second: a revocation that has just missed one is seen by the next, well inside the promised second.
LOOK_SECONDS: Final = 0.4

_log = getLogger("creative_services.gateway")


class KeyFollower:
    """Asks the feed again and again. While it cannot be asked, the keys stay as they were last seen."""

    __slots__ = ("_clock", "_confirmed", "_feed", "_ring", "_task", "_trouble")

    def __init__(self, ring: KeyRing, feed: KeyFeed, clock: Clock) -> None:
        self._ring, self._feed, self._clock = ring, feed, clock
        self._task: asyncio.Task[None] | None = None
        self._trouble: Exception | None = None
        self._confirmed = clock.now()

    @property
    def stale_for(self) -> float:
        """Seconds since the feed last confirmed the keys."""
        return self._clock.now() - self._confirmed

    async def look(self) -> None:
        """Ask once. What a feed raises is logged when it begins and when it ends, not at every look."""
        try:
            changed = await self._feed.fetch(self._ring.snapshot.revision)
        except Exception as error:  # noqa: BLE001 - a stranger's feed; calls go on with the keys known last
            if self._trouble is None:
                _log.warning("The keys cannot be read, those known last stay valid: %s", error)
            self._trouble = error
            return
        if self._trouble is not None:
            _log.info("The keys can be read again.")
        self._trouble = None
        self._confirmed = self._clock.now()
        if changed is not None:
            self._ring.replace(changed)

    async def start(self) -> None:
        """Look once, then go on looking in the background. Without a first look nobody could call: it must succeed."""
        changed = await self._feed.fetch(None)
        if changed is not None:
            self._ring.replace(changed)
        self._confirmed = self._clock.now()
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
