"""Clients of the wire, kept one per event loop, endpoint and key, and closed when their time is over.

A client belongs to the loop it was made on. So that nothing needs to be closed by hand, the clients of a loop live in
an async generator: ``asyncio.run`` and every other runner closes a loop's generators before the loop. The loop itself
keeps the generator (in a timer that never fires), and this module only weak references, so a loop that is dropped or
closed without ceremony takes its clients with it.
"""

import asyncio
import os
import threading
import warnings
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from creative_services.core.llm_registry import LLMEntry

MOST_CLIENTS: Final = 100  # per loop; a program with a key per user must not keep a socket pool for each for ever
_NEVER: Final = 100 * 365 * 86400.0

Key = tuple[Any, ...]
_Timers = weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[asyncio.TimerHandle]]


class Pooled:
    """A client with its users counted. ``close`` waits until the last one is gone."""

    __slots__ = ("_shut", "client", "key", "retired", "used_at", "users")

    def __init__(self, key: Key, client: Any, shut: Callable[[], Awaitable[None]]) -> None:
        self.key = key
        self.client = client
        self.users = 0
        self.used_at = 0
        self.retired = False
        self._shut = shut

    def __repr__(self) -> str:
        return f"<a pooled client, {self.users} calls under way>"

    async def close(self) -> None:
        """Close the client; a vendor's trouble in closing concerns nobody."""
        with suppress(Exception):
            await self._shut()

    def abandon(self) -> None:
        """Close as far as that goes without a loop to wait on."""
        coroutine: Any = self._shut()
        with suppress(BaseException):
            coroutine.send(None)
        with suppress(BaseException):
            coroutine.close()


class _Clients:
    """The clients of one loop."""

    __slots__ = ("__weakref__", "by_entry", "by_key", "calls", "pid", "retired")

    def __init__(self) -> None:
        self.by_key: dict[Key, Pooled] = {}
        self.by_entry: dict[int, tuple[LLMEntry, Pooled]] = {}
        self.retired: list[Pooled] = []
        self.calls = 0
        self.pid = os.getpid()

    def place(self, entry: LLMEntry, pooled: Pooled) -> None:
        """Note that ``entry`` is reached through ``pooled`` now; what it was reached through may be done with."""
        before = self.by_entry.get(entry.id)
        self.by_entry[entry.id] = (entry, pooled)
        if before and before[1] is not pooled and all(used is not before[1] for _, used in self.by_entry.values()):
            self._retire(before[1])

    def make_room(self) -> None:
        """Retire the client that was idle longest, when there are too many."""
        idle = [pooled for pooled in self.by_key.values() if not pooled.users]
        if len(self.by_key) >= MOST_CLIENTS and idle:
            oldest = min(idle, key=lambda pooled: pooled.used_at)
            self.by_entry = {key: known for key, known in self.by_entry.items() if known[1] is not oldest}
            self._retire(oldest)

    def _retire(self, pooled: Pooled) -> None:
        self.by_key.pop(pooled.key, None)
        pooled.retired = True
        self.retired.append(pooled)

    async def bury(self) -> None:
        """Close the retired ones that nobody uses any more."""
        gone = [pooled for pooled in self.retired if not pooled.users]
        self.retired = [pooled for pooled in self.retired if pooled.users]
        for pooled in gone:
            await pooled.close()

    async def close(self) -> None:
        """Close all, in use or not."""
        for pooled in self._emptied():
            await pooled.close()

    def _emptied(self) -> list[Pooled]:
        everyone = [*self.by_key.values(), *self.retired]
        self.by_key, self.by_entry, self.retired = {}, {}, []
        return everyone

    def __del__(self) -> None:
        # Only clients of a loop that closed without closing its generators are still here.
        left = self._emptied()
        if self.pid != os.getpid():
            _inherited.extend(left)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            for pooled in left:
                pooled.abandon()
            del left


async def _kept(clients: _Clients) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await clients.close()


def _nothing(_: object) -> None: ...


class Pool:
    """Gives out the client for an entry on the running loop."""

    __slots__ = ("__weakref__", "_key_of", "_lock", "_loops", "_make", "_timers")

    def __init__(
        self,
        key_of: Callable[[LLMEntry], Key],
        make: Callable[[LLMEntry], tuple[Any, Callable[[], Awaitable[None]]]],
    ) -> None:
        self._key_of = key_of
        self._make = make
        self._lock = threading.Lock()
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[_Clients]]
        self._loops = weakref.WeakKeyDictionary()
        self._timers: _Timers = weakref.WeakKeyDictionary()
        _pools.add(self)
        # Not __del__: in a cycle the weak references would be dead by then.
        weakref.finalize(self, _let_go, self._timers).atexit = False

    async def take(self, entry: LLMEntry) -> Pooled:
        """The client to use; give it back when the call is over."""
        clients = self._here() or await self._settle()
        known = clients.by_entry.get(entry.id)
        pooled = known[1] if known and known[0] is entry else self._found(clients, entry)
        pooled.users += 1
        clients.calls += 1
        pooled.used_at = clients.calls
        return pooled

    async def give(self, pooled: Pooled) -> None:
        """The call is over."""
        pooled.users -= 1
        clients = self._here()
        if clients and clients.retired:
            await clients.bury()

    async def aclose(self) -> None:
        """Close the clients of the running loop."""
        loop = asyncio.get_running_loop()
        clients = self._here()
        with self._lock:
            timer = self._timers.pop(loop, None)
            self._loops.pop(loop, None)
        if clients:
            await clients.close()
        if timer and (handle := timer()):
            handle.cancel()

    def forget(self) -> None:
        """Know nothing of any loop, as in a forked child whose loops and sockets are its parent's."""
        self._loops.clear()
        self._timers.clear()

    def _here(self) -> _Clients | None:
        known = self._loops.get(asyncio.get_running_loop())
        return known() if known else None

    async def _settle(self) -> _Clients:
        """Move in on the running loop."""
        loop, clients = asyncio.get_running_loop(), _Clients()
        keeper = _kept(clients)
        # Its first step is what makes the loop know of it. It does not suspend, so nobody can move in meanwhile.
        await anext(keeper)
        with self._lock:
            self._loops[loop] = weakref.ref(clients)
            self._timers[loop] = weakref.ref(loop.call_later(_NEVER, _nothing, keeper))
        return clients

    def _found(self, clients: _Clients, entry: LLMEntry) -> Pooled:
        key = self._key_of(entry)
        pooled = clients.by_key.get(key)
        if pooled is None:
            clients.make_room()
            client, shut = self._make(entry)
            pooled = clients.by_key[key] = Pooled(key, client, shut)
        clients.place(entry, pooled)
        return pooled


def _let_go(timers: _Timers) -> None:
    """A provider that nobody has any more: its loops let go of the clients, which closes them in passing."""
    for loop, timer in list(timers.items()):
        handle = timer()
        with suppress(RuntimeError):  # a loop that is closed has let go already
            if handle:
                loop.call_soon_threadsafe(handle.cancel)


_pools: "weakref.WeakSet[Pool]" = weakref.WeakSet()
# A forked child must not close what it inherited: sockets and the selector are shared with the parent.
_inherited: list[Any] = []


def _after_fork() -> None:
    for pool in list(_pools):
        _inherited.extend(known() for known in list(pool._loops.values()))
        _inherited.extend(timer() for timer in list(pool._timers.values()))
        pool._lock = threading.Lock()
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
