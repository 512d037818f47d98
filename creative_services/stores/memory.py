"""A store in this process's memory: the reference that every other one must equal, and a double for tests."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Final, Self

from creative_services.core.clock import Clock
from creative_services.core.store import Changes, as_bytes, checked_ttl, key_bytes
from creative_services.stores._base import Base
from creative_services.stores._watching import Readings, Whole, watching
from creative_services.system_clock import SystemClock

_NEVER: Final = float("inf")


class MemoryKVStore(Base):
    """Keeps everything until the process ends; safe for many tasks, threads and event loops at once."""

    def __init__(self, *, clock: Clock | None = None, name: str = "memory://") -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._values: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Lock()
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """``memory://`` is a new store each time, ``memory://name`` the same one for the same name."""
        if not url.partition("://")[2]:
            return cls(**options)
        with _named_lock:
            store = _named.setdefault(url, cls(name=url, **options))
        assert isinstance(store, cls)
        return store

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        key_bytes(key)
        with self._lock:
            return self._live(key)

    async def set(self, key: str, value: bytes | str) -> bool:
        """Remember ``value`` for good."""
        return self._put(key, as_bytes(value), _NEVER)

    async def set_expiring(self, key: str, value: bytes | str, ttl: float) -> bool:
        """Remember ``value`` for ``ttl`` seconds."""
        return self._put(key, as_bytes(value), self._clock.now() + checked_ttl(ttl))

    async def delete(self, key: str) -> bool:
        """Forget the key."""
        key_bytes(key)
        with self._lock:
            there = self._live(key) is not None
            if there:
                del self._values[key]
                self._ring()
            return there

    async def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        return await self.get(key) is not None

    async def keys(self, prefix: str | None = None) -> list[str]:
        """Every key, or those that begin with ``prefix``."""
        return list(await self.read_many(prefix or ""))

    async def read_many(self, prefix: str = "") -> dict[str, bytes]:
        """Every key that begins with ``prefix``, with its value."""
        with self._lock:
            self._forget_expired()
            return {key: value for key, (value, _) in self._values.items() if key.startswith(prefix)}

    async def swap(
        self, key: str, expected: bytes | str | None, value: bytes | str | None, *, ttl: float | None = None
    ) -> bool:
        """Replace ``expected`` by ``value`` at one stroke."""
        key_bytes(key)
        until = _NEVER if ttl is None else self._clock.now() + checked_ttl(ttl)
        with self._lock:
            if self._live(key) != (None if expected is None else as_bytes(expected)):
                return False
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = (as_bytes(value), until)
            self._ring()
            return True

    def watch(self, prefix: str = "") -> AsyncGenerator[Changes]:
        """First everything there is, then what changes."""
        return watching(lambda: self._readings(prefix))

    async def _readings(self, prefix: str) -> Readings:
        bell = asyncio.Event()
        self._watchers[bell] = asyncio.get_running_loop()
        try:
            while True:
                bell.clear()
                yield Whole(await self.read_many(prefix))
                with suppress(TimeoutError):
                    # Not wait_for, which up to Python 3.11 loses a cancellation that comes together with the bell.
                    async with asyncio.timeout(self._until_expiry()):
                        await bell.wait()
        finally:
            del self._watchers[bell]

    def _put(self, key: str, value: bytes, until: float) -> bool:
        key_bytes(key)
        with self._lock:
            self._values[key] = (value, until)
            self._ring()
        return True

    def _live(self, key: str) -> bytes | None:
        value, until = self._values.get(key, (None, _NEVER))
        if self._clock.now() < until:
            return value
        self._forget_expired()
        return None

    def _forget_expired(self) -> None:
        now = self._clock.now()
        gone = [key for key, (_, until) in self._values.items() if until <= now]
        for key in gone:
            del self._values[key]
        if gone:
            self._ring()

    def _until_expiry(self) -> float | None:
        """Seconds until the next value expires; real ones, which a stepping clock then says have not passed."""
        with self._lock:
            until = min((until for _, until in self._values.values()), default=_NEVER)
        return None if until == _NEVER else max(0.001, until - self._clock.now())

    def _ring(self) -> None:
        for bell, loop in list(self._watchers.items()):
            with suppress(RuntimeError):  # a loop that was closed without ending its watches
                loop.call_soon_threadsafe(bell.set)


_named: dict[str, MemoryKVStore] = {}
_named_lock = threading.Lock()
