"""Expiry for stores that have none: an end written beside the value, and silence noticed on our own clock.

Clocks of two computers are never compared where it can be helped. A value that we saw being renewed lives for its time
from then on, whatever any wall clock says; only one that we see for the first time is judged by its written end.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from creative_services.core.clock import Clock
from creative_services.core.leases import Sighting, sighted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A key's last sign of life, whether we saw it change to that, and until when that lets it live, on our clock."""

    sighting: Sighting
    witnessed: bool
    ttl: float
    until: float


class Silence:
    """What one reader has seen of each key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def ends_at(self, ttl: float) -> float:
        """The end to be written for a value that is to live ``ttl`` seconds."""
        return self._clock.utcnow().timestamp() + ttl

    def alive(self, key: str, sign: object, ends_at: float, ttl: float) -> bool:
        """Whether the value lives; ``sign`` changes with every write."""
        now, before = self._clock.now(), self._seen.get(key)
        sighting = sighted(before.sighting if before else None, sign, now)
        witnessed = before is not None and (before.witnessed or sighting is not before.sighting)
        until = sighting.since + ttl
        if not witnessed:
            until = min(until, now + ends_at - self._clock.utcnow().timestamp())
        self._seen[key] = _Seen(sighting=sighting, witnessed=witnessed, ttl=ttl, until=until)
        return now < until

    def surely_dead(self, key: str) -> bool:
        """Whether we ourselves heard nothing for the whole time, so that it may be deleted for everybody."""
        seen = self._seen.get(key)
        return seen is not None and seen.sighting.silent(self._clock.now()) >= seen.ttl

    def soonest(self) -> float:
        """Seconds until the first of those that we know to live ends."""
        now = self._clock.now()
        return min((seen.until - now for seen in self._seen.values() if seen.until > now), default=math.inf)

    def forget(self, key: str) -> None:
        """The key is gone."""
        self._seen.pop(key, None)

    def keep_only(self, prefix: str, present: Collection[str]) -> None:
        """Forget the keys under a prefix that are not there any more."""
        for key in [key for key in self._seen if key.startswith(prefix) and key not in present]:
            del self._seen[key]
