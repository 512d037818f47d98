"""A store read through a memory: fresh for a moment, and in an outage the last good value for a stated time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from creative_services.core.clock import Clock
from creative_services.core.errors import StoreError
from creative_services.core.store import KeyValueStore
from creative_services.stores import powers
from creative_services.stores._base import Base
from creative_services.system_clock import SystemClock

_MOST: Final = 1000  # things remembered; beyond that the outdated ones are let go
_AT_ONCE: Final = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read, ``age`` seconds ago. ``stale``: older than the cache would have it, ``outage`` says why."""

    values: Mapping[str, bytes]
    age: float
    stale: bool = False
    outage: StoreError | None = None


@dataclass(slots=True, kw_only=True)
class _Kept:
    """The last good answer, when it came, when the next may be asked for, and what went wrong since."""

    answer: Any
    at: float
    next_at: float
    outage: StoreError | None = None


class CachedKVStore(Base):
    """``store``, asked at most every ``ttl`` seconds for the same thing, however many ask at once.

    While it does not answer, what it last said is given for ``keep`` seconds more, marked as stale in ``reading()``;
    after that its error is raised. A slow answer is waited for ``patience`` seconds if there is an older one to give.
    Writes go through, and are seen at once by whoever writes here.
    """

    def __init__(
        self,
        store: KeyValueStore,
        *,
        ttl: float = 1.0,
        keep: float = 300.0,
        patience: float = 0.25,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._ttl, self._keep, self._patience = ttl, keep, patience
        self._clock = clock or SystemClock()
        self._kept: dict[Hashable, _Kept] = {}
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}
        self._writes = 0
        self.name = f"cached {store!r}"

    async def reading(self, prefix: str = "") -> Reading:
        """Every key that begins with ``prefix``, and how far that can be relied upon."""
        kept = await self._through(("under", prefix), lambda: powers.read_many(self._store, prefix))
        age = self._clock.now() - kept.at
        stale = kept.outage is not None or age > self._ttl + self._patience
        return Reading(values=kept.answer, age=age, stale=stale, outage=kept.outage)

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value."""
        return dict((await self.reading(prefix)).values)

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        value: bytes | None = (await self._through(("key", key), lambda: self._store.get(key))).answer
        return value

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        return await self.get(key) is not None

    async def keys(self) -> list[str]:
        """Every key."""
        return list((await self._through("keys", self._store.keys)).answer)

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value``."""
        try:
            return await self._store.set(key, value)
        finally:  # also when it failed: it may have happened
            self.forget(key)

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        try:
            return await self._store.delete(key)
        finally:
            self.forget(key)

    def forget(self, key: str) -> None:
        """Ask anew for everything that has to do with this key."""
        for slot, kept in self._kept.items():
            if slot in ("keys", ("key", key)) or (
                isinstance(slot, tuple) and slot[0] == "under" and key.startswith(slot[1])
            ):
                kept.next_at = _AT_ONCE
        self._writes += 1
        self._asking.clear()  # an answer that is under way may be older than the write

    async def aclose(self) -> None:
        """Close the store behind, if it can be closed."""
        if close := getattr(self._store, "aclose", None):
            await close()

    async def _through(self, slot: Hashable, ask: Callable[[], Awaitable[Any]]) -> _Kept:
        kept, now = self._kept.get(slot), self._clock.now()
        if kept and now < kept.next_at:
            return kept
        asking = self._under_way(slot, ask)
        if kept and now - kept.at < self._keep and kept.next_at != _AT_ONCE:
            # There is something to give, so nobody waits for a store that hangs.
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(self._patience):
                    return await asyncio.shield(asking)
            return self._kept.get(slot, kept)
        return await self._or_stale(slot, asking)

    async def _or_stale(self, slot: Hashable, asking: "asyncio.Task[_Kept]") -> _Kept:
        try:
            return await asyncio.shield(asking)
        except StoreError:
            kept = self._kept.get(slot)
            if kept is None or self._clock.now() - kept.at >= self._keep:
                raise
            return kept

    def _under_way(self, slot: Hashable, ask: Callable[[], Awaitable[Any]]) -> "asyncio.Task[_Kept]":
        """The one question about this that is under way on this loop."""
        here = (asyncio.get_running_loop(), slot)
        asking = self._asking.get(here)
        if asking is None:
            asking = self._asking[here] = asyncio.get_running_loop().create_task(self._asked(slot, ask))
            asking.add_done_callback(lambda done: self._over(here, done))
        return asking

    def _over(self, here: Hashable, done: "asyncio.Task[_Kept]") -> None:
        if self._asking.get(here) is done:
            del self._asking[here]
        if not done.cancelled():
            done.exception()  # whoever waited was told; those who had an older answer need not be

    async def _asked(self, slot: Hashable, ask: Callable[[], Awaitable[Any]]) -> _Kept:
        started, writes = self._clock.now(), self._writes
        try:
            answer = await ask()
        except StoreError as error:
            if kept := self._kept.get(slot):
                kept.outage, kept.next_at = error, self._clock.now() + self._ttl
            raise
        if writes != self._writes:  # older than a write of ours, so good for whoever asked before it only
            return _Kept(answer=answer, at=started, next_at=_AT_ONCE)
        self._make_room()
        kept = self._kept[slot] = _Kept(answer=answer, at=started, next_at=started + self._ttl)
        return kept

    def _make_room(self) -> None:
        if len(self._kept) >= _MOST:
            now = self._clock.now()
            self._kept = {slot: kept for slot, kept in self._kept.items() if now - kept.at < self._ttl}
