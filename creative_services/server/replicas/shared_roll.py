"""The roll that several processes keep together through a store."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from logging import getLogger
from typing import Any, Final

from creative_services.core.clock import Clock
from creative_services.core.errors import ConfigurationError, StoreError
from creative_services.core.replicas import Replica
from creative_services.core.retries import full_jitter
from creative_services.core.store import Changes, Expires, KeyValueStore, Swaps, Watches
from creative_services.replicas.endings import finished
from creative_services.replicas.registrations import HOLDER_PREFIX, PREFIX, decoded, encoded, key_of
from creative_services.server.replicas.roll import LEASE, holder_name
from creative_services.server.replicas.table import Table
from creative_services.system_clock import SystemClock

_TRIES: Final = 20
_log = getLogger("creative_services.replicas")


class SharedRoll:
    """Several processes keep one roll: each writes those that are connected to it, and follows the others.

    A registration lives as long as the process that holds it, which shows life by one key. What a store says right
    after an outage is not believed at once: the others may not have had the time to show life again.
    """

    def __init__(self, table: Table, store: KeyValueStore, *, lease: float = LEASE, clock: Clock | None = None) -> None:
        for power in (Expires, Swaps, Watches):
            if not isinstance(store, power):
                raise ConfigurationError(
                    f"{store!r} cannot be shared by routing services: it lacks {power.__name__}. Open one of ours, "
                    "such as sqlite:///replicas.db or redis://127.0.0.1:6379/0."
                )
        self._table, self._lease = table, lease
        self._store: Any = store
        self._clock = clock or SystemClock()
        self.holder = holder_name()
        self._mine: dict[str, Replica] = {}
        self._others: dict[str, Replica] = {}
        self._alive: set[str] = set()
        self._missed: dict[str, float] = {}  # holders and ids whose absence is not believed yet, and until when
        self._unheard: set[str] = set()  # keys of ours that the store has not told us of since we wrote them
        self._trusted_from = 0.0
        self._shown_at = self._clock.now()
        self._tasks: list[asyncio.Task[None]] = []
        self._farewells: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Show life, and follow the others. The store must answer now; later it may be out for a while."""
        await self._show_life()
        begun = [asyncio.Event(), asyncio.Event()]
        following = zip((HOLDER_PREFIX, PREFIX), begun, strict=True)
        self._tasks = [asyncio.create_task(self._follow(prefix, heard)) for prefix, heard in following]
        self._tasks.append(asyncio.create_task(self._live()))
        # Whoever asks right after the start must be told of everyone.
        async with asyncio.timeout(self._lease):
            await asyncio.gather(*(heard.wait() for heard in begun))

    async def aclose(self) -> None:
        """Take our registrations off the roll, as far as the store lets us."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            await finished(task)
        with suppress(StoreError):
            await self._store.delete(HOLDER_PREFIX + self.holder)
            await asyncio.gather(*(self._withdraw(replica) for replica in list(self._mine.values())))
        with suppress(StoreError):
            await asyncio.gather(*self._farewells)

    async def enter(self, replica: Replica) -> Replica:
        """Put ``replica`` on the roll, in the place of any other of its id."""
        key, since = key_of(replica.id), self._clock.utcnow().timestamp()
        held = replace(replica, holder=self.holder, since=since)
        for _ in range(_TRIES):
            raw = await self._store.get(key)
            before = decoded(raw) if raw is not None else None
            # An id that was taken off leaves no token behind in the store. The hour stands in for its memory: clocks
            # may differ, but not by as much as lies between an eviction and the old connection's end.
            above = max(self._table.highest, int(since * 1000))
            entered = held.succeeding(before, 0.0, self._lease, above=above)
            if await self._store.swap(key, raw, encoded(entered)):
                self._mine[replica.id] = entered
                self._unheard.add(key)
                self._table.put(entered)
                return entered
        raise StoreError(f"Others keep registering as {replica.id!r}. Give each replica an id of its own.")

    async def strike(self, replica: Replica) -> None:
        """Gone from routing at once; the store hears of it in the background."""
        mine = self._mine.get(replica.id)
        if mine is not None and mine.token == replica.token:
            del self._mine[replica.id]
        self._table.drop(replica.id, replica.token)
        task = asyncio.create_task(self._withdraw(replica))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def change(self, replica_id: str, change: Callable[[Replica], Replica | None]) -> bool:
        """Replace or remove who is there, whoever holds it."""
        for _ in range(_TRIES):
            raw = await self._store.get(key_of(replica_id))
            before = decoded(raw) if raw is not None else None
            if before is None:
                return False
            after = change(before)
            if await self._store.swap(key_of(replica_id), raw, None if after is None else encoded(after)):
                self._unheard.add(key_of(replica_id))
                self._take(key_of(replica_id), None if after is None else encoded(after))
                return True
        raise StoreError(f"Others keep changing {replica_id!r}. Try again.")

    async def _withdraw(self, replica: Replica) -> None:
        with suppress(StoreError):  # what stays behind ends with our own sign of life, or is swept
            raw = await self._store.get(key_of(replica.id))
            if raw is not None and (kept := decoded(raw)) and kept.token == replica.token:
                await self._store.swap(key_of(replica.id), raw, None)

    async def _show_life(self) -> None:
        await self._store.set_expiring(HOLDER_PREFIX + self.holder, self.holder, self._lease)
        self._shown_at = self._clock.now()

    async def _live(self) -> None:
        while True:
            await self._clock.sleep(self._lease / 3)
            try:
                await self._show_life()
                await self._sweep()
                self._trust_soon()
            except StoreError as error:
                # A watch may notice nothing of a line that is cut, and then be told that ours are gone: others swept
                # them, since they believed us dead.
                self._trusted_from = float("inf")
                _log.warning("The roll cannot be written at the moment; routing goes on with what is known: %s", error)
            self._settle_doubts()

    async def _follow(self, prefix: str, heard: asyncio.Event) -> None:
        failures = 0
        while True:
            changes: AsyncGenerator[Changes] = self._store.watch(prefix)
            async with aclosing(changes):
                async for change in changes:
                    failures = 0
                    self._hear(change)
                    heard.set()
            failures += 1
            await self._clock.sleep(full_jitter(failures, 1.0, base=0.1, longest=2.0))

    def _hear(self, changes: Changes) -> None:
        if changes.outage is not None:
            self._trusted_from = float("inf")
            _log.warning("The store does not answer; routing goes on with what is known: %s", changes.outage)
            return
        self._trust_soon()
        self._unheard -= changes.values.keys()
        for key, value in changes.values.items():
            self._take(key, value)

    def _trust_soon(self) -> None:
        """The store answers again; the others get the time to show life."""
        if self._trusted_from == float("inf"):
            self._trusted_from = self._clock.now() + self._lease

    def _doubts(self) -> bool:
        """Whether what is missing in the store may only be lost."""
        now = self._clock.now()
        if now - self._shown_at >= self._lease:
            # We were frozen for longer than our lease: others swept ours, and we know no better who else is alive.
            self._trusted_from = max(self._trusted_from, now + self._lease)
        return now < self._trusted_from

    def _take(self, key: str, value: bytes | None) -> None:
        if value is None and self._doubts():
            self._missed[key] = self._trusted_from
            return
        self._missed.pop(key, None)
        if key.startswith(HOLDER_PREFIX):
            self._take_holder(key.removeprefix(HOLDER_PREFIX), alive=value is not None)
        else:
            self._take_replica(key.removeprefix(PREFIX), decoded(value) if value is not None else None)

    def _take_holder(self, holder: str, *, alive: bool) -> None:
        (self._alive.add if alive else self._alive.discard)(holder)
        for replica in [each for each in self._others.values() if each.holder == holder]:
            if alive:
                self._table.put(replica)
            else:
                self._table.drop(replica.id, replica.token)

    def _take_replica(self, replica_id: str, replica: Replica | None) -> None:
        mine = self._mine.get(replica_id)
        if mine is not None and (replica is None or replica.holder == self.holder or replica.precedes(mine)):
            self._own_changed(mine, replica)
            return
        before = self._others.pop(replica_id, None)
        if replica is not None and before is not None and replica.precedes(before):
            replica = before  # an answer of ours was faster than this news
        if replica is not None:
            self._mine.pop(replica_id, None)
            self._others[replica_id] = replica
            if replica.holder in self._alive:
                self._table.put(replica)
        elif before is not None:
            self._table.drop(replica_id, before.token)

    def _own_changed(self, mine: Replica, replica: Replica | None) -> None:
        """Somebody drained or evicted one of ours; or the store lost it, which is told apart by the sweep."""
        if replica is not None and not replica.precedes(mine):
            self._mine[mine.id] = replica
            self._table.put(replica)
        elif replica is None and self._clock.now() >= self._trusted_from:
            del self._mine[mine.id]
            self._table.drop(mine.id, mine.token)

    def _settle_doubts(self) -> None:
        now = self._clock.now()
        for key in [key for key, until in self._missed.items() if until <= now]:
            self._take(key, None)

    async def _sweep(self) -> None:
        """After an outage write again what the store may have lost; at all times remove what the dead left behind."""
        if self._clock.now() < self._trusted_from:
            for replica in list(self._mine.values()):
                await self._store.swap(key_of(replica.id), None, encoded(replica))
            return
        # One that was evicted before a watch had looked: to the watch, nothing has ever changed.
        for key in list(self._unheard):
            before = self._mine.get(key.removeprefix(PREFIX))
            value = await self._store.get(key)
            if self._mine.get(key.removeprefix(PREFIX)) is before:
                self._take(key, value)
                self._unheard.discard(key)
        for replica in list(self._others.values()):
            if replica.holder not in self._alive and not await self._store.exists(HOLDER_PREFIX + replica.holder):
                await self._withdraw(replica)
