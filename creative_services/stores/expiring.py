"""Expiry for any store with the five methods: the end travels in front of the value."""

import math
from struct import Struct
from typing import Final

from creative_services.core.clock import Clock
from creative_services.core.store import Expires, KeyValueStore, as_bytes, checked_ttl
from creative_services.stores._base import Base
from creative_services.stores._silence import Silence
from creative_services.system_clock import SystemClock

_MARK: Final = b"\x00expires\x00"
_HEAD: Final = Struct(f"{len(_MARK)}sdd")  # mark, end in seconds since 1970, time to live
_NEVER: Final = (math.inf, math.inf)


class ExpiringKVStore(Base):
    """``store``, with the power to let values expire. Everybody who reads them must do so through this class.

    Values that were written without it are read as they are. What expired is hidden at once; it is deleted by the
    first reader that saw it silent for its whole time, so that a computer with a wrong clock deletes nothing alive.
    """

    def __init__(self, store: KeyValueStore, *, clock: Clock | None = None) -> None:
        self._store = store
        self._silence = Silence(clock or SystemClock())
        self.name = f"expiring {store!r}"

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        held = await self._store.get(key)
        if held is None:
            self._silence.forget(key)
            return None
        value, (ends_at, ttl) = _opened(held)
        if ends_at == math.inf or self._silence.alive(key, held[: _HEAD.size], ends_at, ttl):
            return value
        if self._silence.surely_dead(key) and await self._store.get(key) == held:
            await self._store.delete(key)
        return None

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value`` for good."""
        plain = as_bytes(value)
        return await self._store.set(key, _closed(plain, *_NEVER) if plain.startswith(_MARK) else plain)

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds."""
        return await self._store.set(key, _closed(as_bytes(value), self._silence.ends_at(checked_ttl(ttl)), ttl))

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        there = await self.get(key) is not None
        return await self._store.delete(key) and there

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        return await self.get(key) is not None

    async def keys(self) -> list[str]:
        """Every key that has a value."""
        return [key for key in await self._store.keys() if await self.exists(key)]

    async def aclose(self) -> None:
        """Close the store behind, if it can be closed."""
        if close := getattr(self._store, "aclose", None):
            await close()


def expiring(store: KeyValueStore, *, clock: Clock | None = None) -> Expires:
    """``store`` itself if its values can expire, else an ``ExpiringKVStore`` of it."""
    return store if isinstance(store, Expires) else ExpiringKVStore(store, clock=clock)


def _closed(value: bytes, ends_at: float, ttl: float) -> bytes:
    return _HEAD.pack(_MARK, ends_at, ttl) + value


def _opened(held: bytes) -> tuple[bytes, tuple[float, float]]:
    """(value, (end, time to live)) of what was stored."""
    if len(held) < _HEAD.size or not held.startswith(_MARK):
        return held, _NEVER
    _, ends_at, ttl = _HEAD.unpack_from(held)
    return held[_HEAD.size :], (ends_at, ttl)
