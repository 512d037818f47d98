"""Stores around stores: expiry and caching for whatever has the five methods, held to the contract like any other."""

import asyncio
from contextlib import aclosing
from datetime import datetime, timedelta

import pytest

from creative_services.core.errors import StoreError, StoreUnreachableError
from creative_services.core.store import Changes, Expires, KeyValueStore, ReadsMany, Swaps, Watches
from creative_services.stores import powers
from creative_services.stores.cached import CachedKVStore
from creative_services.stores.expiring import ExpiringKVStore, expiring
from creative_services.stores.memory import MemoryKVStore
from creative_services.testing import SteppingClock
from creative_services.testing.store_contract import MakeStore, StoreContract
from creative_services.testing.store_powers import ExpiryContract, ReadsManyContract, told


class FiveMethods(KeyValueStore):
    """The store a user writes."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.asked = 0
        self.broken: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def get(self, key: str) -> bytes | None:
        await self._answer()
        return self.values.get(key)

    async def set(self, key: str, value: bytes | str) -> bool:
        await self._answer()
        self.values[key] = value.encode() if isinstance(value, str) else value
        return True

    async def delete(self, key: str) -> bool:
        await self._answer()
        return self.values.pop(key, None) is not None

    async def exists(self, key: str) -> bool:
        return key in self.values

    async def keys(self) -> list[str]:
        await self._answer()
        return list(self.values)

    async def _answer(self) -> None:
        self.asked += 1
        if self.gate:
            await self.gate.wait()
        if self.broken:
            raise self.broken


class WallClock(SteppingClock):
    """A computer whose wall clock somebody sets."""

    def __init__(self) -> None:
        super().__init__()
        self.set_forward = 0.0

    def utcnow(self) -> datetime:
        return super().utcnow() + timedelta(seconds=self.set_forward)


OUTAGE = StoreUnreachableError("gone")


class TestFiveMethods(StoreContract):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        store = FiveMethods()
        return lambda: store


class TestExpiringFiveMethods(StoreContract, ExpiryContract):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        store = FiveMethods()
        return lambda: ExpiringKVStore(store)


class TestCached(StoreContract, ReadsManyContract):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        store = CachedKVStore(FiveMethods(), ttl=3600)
        return lambda: store


def test_five_methods_are_no_more_than_that() -> None:
    assert not any(isinstance(FiveMethods(), power) for power in (Expires, ReadsMany, Swaps, Watches))


class TestExpiring:
    def test_a_store_that_can_is_left_alone(self) -> None:
        store = MemoryKVStore()
        assert expiring(store) is store
        assert isinstance(expiring(FiveMethods()), ExpiringKVStore)

    async def test_a_value_that_looks_like_ours_is_kept_as_it_is(self) -> None:
        behind = FiveMethods()
        store = ExpiringKVStore(behind)
        await store.set_expiring("a", b"1", 3600)
        await store.set("b", behind.values["a"])
        assert await store.get("b") == behind.values["a"]

    async def test_the_silent_are_deleted_by_who_listened_all_the_time(self) -> None:
        behind, clock = FiveMethods(), WallClock()
        writer, reader = ExpiringKVStore(behind, clock=clock), ExpiringKVStore(behind, clock=clock)
        await writer.set_expiring("a", b"1", 30)
        assert await reader.get("a") == b"1"
        clock.advance(31)
        assert await reader.get("a") is None
        assert behind.values == {}

    async def test_a_wrong_clock_hides_a_newcomer_and_deletes_nothing(self) -> None:
        behind, right, wrong = FiveMethods(), WallClock(), WallClock()
        wrong.set_forward = 3600
        writer, reader = ExpiringKVStore(behind, clock=right), ExpiringKVStore(behind, clock=wrong)
        await writer.set_expiring("a", b"1", 30)
        assert await reader.get("a") is None
        assert await writer.get("a") == b"1"
        right.advance(10)
        await writer.set_expiring("a", b"2", 30)  # the heartbeat that a living server sends
        assert await reader.get("a") == b"2"

    async def test_a_clock_set_while_we_watch_changes_nothing(self) -> None:
        behind, clock = FiveMethods(), WallClock()
        store = ExpiringKVStore(behind, clock=clock)
        await store.set_expiring("a", b"1", 30)
        assert await store.get("a") == b"1"
        clock.advance(10)
        await store.set_expiring("a", b"2", 30)
        assert await store.get("a") == b"2"
        for jump in (3600.0, -3600.0):
            clock.set_forward = jump
            assert await store.get("a") == b"2"
        clock.advance(31)
        assert await store.get("a") is None


class TestCaching:
    async def test_many_ask_once(self) -> None:
        behind = FiveMethods()
        store = CachedKVStore(behind, ttl=60)
        await asyncio.gather(*(store.get("a") for _ in range(100)))
        assert behind.asked == 1

    async def test_what_is_fresh_is_not_asked_again(self) -> None:
        behind, clock = FiveMethods(), SteppingClock()
        store = CachedKVStore(behind, ttl=1, clock=clock)
        behind.values["a"] = b"1"
        assert await store.get("a") == b"1"
        behind.values["a"] = b"2"
        assert await store.get("a") == b"1"
        clock.advance(1)
        assert await store.get("a") == b"2"

    async def test_an_outage_is_said_and_the_last_good_value_given(self) -> None:
        behind, clock = FiveMethods(), SteppingClock()
        store = CachedKVStore(behind, ttl=1, keep=300, clock=clock)
        behind.values["server_1"] = b"1"
        assert (await store.reading("server_")).stale is False
        behind.broken = OUTAGE
        clock.advance(100)
        reading = await store.reading("server_")
        assert (reading.values, reading.stale, reading.age, reading.outage) == ({"server_1": b"1"}, True, 100, OUTAGE)
        behind.broken = None
        clock.advance(1)
        reading = await store.reading("server_")
        assert (reading.stale, reading.age, reading.outage) == (False, 0, None)

    async def test_after_the_stated_time_the_error_is_raised(self) -> None:
        behind, clock = FiveMethods(), SteppingClock()
        store = CachedKVStore(behind, ttl=1, keep=300, clock=clock)
        await store.reading()
        behind.broken = OUTAGE
        clock.advance(300)
        with pytest.raises(StoreUnreachableError):
            await store.reading()

    async def test_an_outage_from_the_beginning_is_never_nothing_there(self) -> None:
        behind = FiveMethods()
        behind.broken = OUTAGE
        store = CachedKVStore(behind)
        for ask in (store.get("a"), store.keys(), store.read_many(), store.exists("a"), store.reading()):
            with pytest.raises(StoreError):
                await ask

    async def test_a_store_that_is_down_is_not_asked_by_everyone(self) -> None:
        behind, clock = FiveMethods(), SteppingClock()
        store = CachedKVStore(behind, ttl=1, clock=clock)
        await store.get("a")
        behind.broken, behind.asked = OUTAGE, 0
        clock.advance(10)
        for _ in range(50):
            await store.get("a")
        assert behind.asked == 1

    async def test_a_store_that_hangs_keeps_nobody_waiting(self) -> None:
        behind, clock = FiveMethods(), SteppingClock()
        store = CachedKVStore(behind, ttl=1, patience=0.01, clock=clock)
        behind.values["a"] = b"1"
        await store.reading()
        behind.gate = asyncio.Event()
        clock.advance(10)
        async with asyncio.timeout(5):
            reading = await store.reading()
        assert (reading.values, reading.stale) == ({"a": b"1"}, True)
        behind.gate.set()

    async def test_ones_own_write_is_seen_at_once_even_beside_a_slow_reader(self) -> None:
        behind = FiveMethods()
        store = CachedKVStore(behind, ttl=3600)
        behind.gate = asyncio.Event()
        slow = asyncio.create_task(store.get("a"))
        await asyncio.sleep(0)
        behind.gate, gate = None, behind.gate
        await store.set("a", b"1")
        gate.set()
        await slow
        assert await store.get("a") == b"1"
        assert await store.read_many("a") == {"a": b"1"}
        await store.delete("a")
        assert await store.read_many("a") == {}

    async def test_it_does_not_remember_without_end(self) -> None:
        clock = SteppingClock()
        store = CachedKVStore(FiveMethods(), ttl=1, clock=clock)
        for number in range(3000):
            clock.advance(0.1)
            await store.get(f"key {number}")
        assert len(store._kept) <= 1000


class TestPowers:
    async def test_a_prefix_is_read_key_by_key_where_it_must(self) -> None:
        store = FiveMethods()
        for number in range(40):
            await store.set(f"a{number}", str(number))
        await store.set("b", b"")
        assert await powers.read_many(store, "a") == {f"a{number}": str(number).encode() for number in range(40)}

    async def test_watching_looks_where_it_is_not_told(self) -> None:
        store = FiveMethods()
        async with aclosing(powers.watch(store, "a", poll=0.001)) as watch:
            assert await told(watch) == Changes()
            await store.set("a", b"1")
            assert await told(watch) == Changes(values={"a": b"1"})
            store.broken = ConnectionError("gone")
            assert isinstance((await told(watch)).outage, StoreUnreachableError)
            store.broken = None
            await store.delete("a")
            assert await told(watch) == Changes(values={"a": None})

    async def test_the_store_is_asked_where_it_can(self) -> None:
        store = MemoryKVStore()
        await store.set("a", b"1")
        assert await powers.read_many(store) == {"a": b"1"}
        async with aclosing(powers.watch(store, poll=3600)) as watch:
            assert await told(watch) == Changes(values={"a": b"1"})
            await store.set("a", b"2")
            assert await told(watch) == Changes(values={"a": b"2"})


async def test_a_watch_of_the_memory_store_ends_when_it_is_cancelled_as_the_bell_rings() -> None:
    store = MemoryKVStore()

    async def follow() -> None:
        async with aclosing(store.watch()) as watch:
            async for _ in watch:
                pass

    await store.set_expiring("ends", b"1", 60)
    following = asyncio.create_task(follow())
    await asyncio.sleep(0.01)
    # Both in one turn of the loop: the wait that is over must not swallow the cancellation.
    await store.set("a", b"1")
    await asyncio.sleep(0)
    following.cancel()
    await asyncio.wait((following,), timeout=1)
    assert following.cancelled()
