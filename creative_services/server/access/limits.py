"""How fast a key may go: requests and tokens per minute, each a bucket that fills evenly and holds one minute's worth.

The bucket is kept as one number, the moment at which it will be full again (the generic cell rate algorithm), so
that taking is an addition and a comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from creative_services.core.access import KeyRecord

MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A limit that is reached."""

    what: str  # "requests" or "tokens"
    limit: int
    retry_after: float

    def __str__(self) -> str:
        return (
            f"This key may use {self.limit} {self.what} per minute, and they are used up. "
            f"Wait {self.retry_after:.1f} s, or ask for a higher limit."
        )


class Bucket:
    """A minute's worth of something, filled evenly."""

    __slots__ = ("full_at", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.full_at = 0.0

    def take(self, amount: int, now: float) -> float:
        """0.0 and the amount is taken, or the seconds until it could be; more than a bucketful needs a full bucket."""
        full_at = max(self.full_at, now) + MINUTE * min(amount, self.limit) / self.limit
        wait = full_at - now - MINUTE
        # A rounding error is no reason to refuse the last one.
        if wait > 1e-6:
            return wait
        self.full_at = full_at
        return 0.0

    def correct(self, taken: int, actual: int, now: float) -> None:
        """Put back what was not used, or take what was used beyond; a debt is paid before the next one is let in."""
        self.full_at = max(self.full_at, now) + MINUTE * (actual - min(taken, self.limit)) / self.limit

    def left(self, now: float) -> int:
        """How much could be taken now."""
        return max(0, int(self.limit * (1 - (max(self.full_at, now) - now) / MINUTE) + 1e-6))


class Buckets(NamedTuple):
    """One key's."""

    requests: Bucket | None
    tokens: Bucket | None


class LocalRates:
    """Limits counted in this process. ``share`` is this process's part of each limit, 1 when it is the only one."""

    __slots__ = ("_buckets", "_now", "share")

    mode: Final = "local"

    def __init__(self, *, now: Callable[[], float], share: float = 1.0) -> None:
        self._now = now
        self.share = share
        self._buckets: dict[str, tuple[KeyRecord, Buckets]] = {}

    async def request(self, key: KeyRecord) -> Refusal | None:
        """Let one request in, or say why not."""
        bucket = self.buckets(key).requests
        wait = bucket.take(1, self._now()) if bucket else 0.0
        return Refusal(what="requests", limit=key.requests_per_minute or 0, retry_after=wait) if wait else None

    async def tokens(self, key: KeyRecord, amount: int) -> Refusal | None:
        """Set tokens aside for a call, or say why not."""
        bucket = self.buckets(key).tokens
        wait = bucket.take(amount, self._now()) if bucket else 0.0
        return Refusal(what="tokens", limit=key.tokens_per_minute or 0, retry_after=wait) if wait else None

    def settle(self, key: KeyRecord, taken: int, actual: int) -> None:
        """The call is over and used ``actual`` tokens."""
        bucket = self.buckets(key).tokens
        if bucket:
            bucket.correct(taken, actual, self._now())

    def buckets(self, key: KeyRecord) -> Buckets:
        """The key's buckets; new ones, full, when its limits have been changed."""
        known = self._buckets.get(key.account)
        if known is not None and known[0] is key:
            return known[1]
        before = known[1] if known else Buckets(None, None)
        buckets = Buckets(
            self._bucket(before.requests, key.requests_per_minute), self._bucket(before.tokens, key.tokens_per_minute)
        )
        self._buckets[key.account] = (key, buckets)
        return buckets

    def _bucket(self, before: Bucket | None, limit: int | None) -> Bucket | None:
        if limit is None:
            return None
        part = max(1, int(limit * self.share))
        # An edit of something else must not fill the bucket again.
        return before if before is not None and before.limit == part else Bucket(part)
