"""The promises of the optional powers of a key-value store, as tests; see ``StoreContract`` for how to use them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from creative_services.core.store import Changes, Expires, ReadsMany, Swaps, Watches
from creative_services.testing.store_contract import ODD_KEYS

PATIENCE = 30.0  # how long a test waits for what must happen; only a failing one waits so long


async def eventually(holds: Callable[[], Awaitable[bool]]) -> float:
    """Wait until it holds; the seconds that took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(PATIENCE):
        while True:
            if await holds():
                return loop.time() - started
            await asyncio.sleep(0.02)


def has(store: object, power: type) -> bool:
    """Whether the store has a power."""
    return isinstance(store, power)


class ReadsManyContract:
    """Everything under a prefix."""

    async def test_it_reads_many(self, store: Any) -> None:
        assert has(store, ReadsMany)
        assert await store.read_many() == {}

    async def test_a_prefix_is_text_and_no_pattern(self, store: Any) -> None:
        for key in ODD_KEYS:
            await store.set(key, key)
        for prefix in (
            "",
            "a",
            "a/",
            "a.",
            "..",
            "*",
            "a*",
            "a[",
            "\\",
            "%",
            "=",
            " ",
            "/",
            "é",
            "🔑",
            "x" * 300,
            "zz",
        ):
            expected = {key: key.encode() for key in ODD_KEYS if key.startswith(prefix)}
            assert await store.read_many(prefix) == expected, prefix

    async def test_a_thousand_at_once(self, store: Any) -> None:
        for start in range(0, 1000, 50):
            await asyncio.gather(*(store.set(f"server_{n}", f"{n}" * 50) for n in range(start, start + 50)))
        await store.set("other", b"")
        assert await store.read_many("server_") == {f"server_{n}": (f"{n}" * 50).encode() for n in range(1000)}
        assert len(await store.keys()) == 1001


class ExpiryContract:
    """Values that vanish by themselves: never early, and soon after."""

    shortest_ttl = 0.3  # seconds; some servers count in whole ones

    async def test_a_value_lives_its_time_and_vanishes(self, store: Any) -> None:
        assert has(store, Expires)
        now = asyncio.get_running_loop().time
        before, ttl = now(), await self._seen_alive(store, store)
        await eventually(lambda: self._gone(store, "a"))
        assert now() - before >= ttl
        assert not await store.exists("a")
        assert await store.keys() == []
        assert await store.delete("a") is False

    async def test_another_client_sees_it_vanish(self, clients: list[Any]) -> None:
        await self._seen_alive(clients[0], clients[1])
        await eventually(lambda: self._gone(clients[1], "a"))

    async def test_a_renewed_value_lives_on(self, store: Any) -> None:
        await store.set_expiring("a", b"1", self.shortest_ttl)
        await store.set_expiring("a", b"2", 3600)
        await self._pass(store)
        assert await store.get("a") == b"2"

    async def test_set_for_good_is_for_good(self, store: Any) -> None:
        await store.set_expiring("a", b"1", self.shortest_ttl)
        await store.set("a", b"2")
        await self._pass(store)
        assert await store.get("a") == b"2"

    async def test_a_value_for_good_can_be_given_an_end(self, store: Any) -> None:
        await store.set("a", b"1")
        await store.set_expiring("a", b"2", self.shortest_ttl)
        await eventually(lambda: self._gone(store, "a"))

    @pytest.mark.parametrize("ttl", [0, -1, float("inf"), float("nan")])
    async def test_a_time_to_live_is_a_positive_number(self, store: Any, ttl: float) -> None:
        with pytest.raises(ValueError, match="time to live"):
            await store.set_expiring("a", b"1", ttl)
        assert await store.get("a") is None

    async def _seen_alive(self, writer: Any, reader: Any) -> float:
        """Write a value that expires and see it alive; its time to live, longer where the machine is slow."""
        ttl = self.shortest_ttl
        while True:
            before = asyncio.get_running_loop().time()
            assert await writer.set_expiring("a", b"1", ttl) is True
            seen, exists = await reader.get("a"), await reader.exists("a")
            if asyncio.get_running_loop().time() - before < ttl:
                assert (seen, exists) == (b"1", True)
                return ttl
            ttl *= 2

    async def _pass(self, store: Any, ttl: float | None = None) -> None:
        """Let a time to live pass by the store's own clock."""
        await store.set_expiring("passing", b"", ttl or self.shortest_ttl)
        await eventually(lambda: self._gone(store, "passing"))

    @staticmethod
    async def _gone(store: Any, key: str) -> bool:
        return await store.get(key) is None


class SwapContract:
    """Writes that only happen if nobody was quicker."""

    async def test_it_swaps(self, store: Any) -> None:
        assert has(store, Swaps)
        assert await store.swap("a", None, b"1") is True
        assert await store.swap("a", b"1", b"2") is True
        assert await store.get("a") == b"2"
        assert await store.swap("a", b"2", None) is True
        assert await store.get("a") is None

    async def test_what_is_not_as_expected_stays(self, store: Any) -> None:
        assert await store.swap("a", b"", b"1") is False
        assert await store.get("a") is None
        await store.set("a", b"")
        assert await store.swap("a", None, b"1") is False
        assert await store.swap("a", None, None) is False
        assert await store.swap("a", b"0", None) is False
        assert await store.get("a") == b""

    async def test_of_many_founders_one_wins(self, clients: list[Any]) -> None:
        for number in range(10):
            key = f"key {number}"
            won = await asyncio.gather(*(client.swap(key, None, str(n)) for n, client in enumerate(clients)))
            assert won.count(True) == 1
            assert await clients[0].get(key) == str(won.index(True)).encode()

    async def test_no_increment_is_lost(self, clients: list[Any]) -> None:
        await clients[0].set("count", b"0")

        async def increment(client: Any) -> None:
            while not await client.swap("count", seen := await client.get("count"), str(int(seen) + 1)):
                pass

        async def climb(client: Any) -> None:
            for _ in range(10):
                await increment(client)

        await asyncio.gather(*(climb(client) for client in clients))
        assert await clients[0].get("count") == str(10 * len(clients)).encode()

    async def test_a_deleter_and_a_renewer_do_not_both_win(self, clients: list[Any]) -> None:
        for number in range(20):
            await clients[0].set("a", b"1")
            renew, drop = clients[1].swap("a", b"1", b"2"), clients[2].swap("a", b"1", None)
            won = await asyncio.gather(*((renew, drop) if number % 2 else (drop, renew)))
            assert won.count(True) == 1


class SwapExpiryContract(ExpiryContract):
    """Swaps whose value vanishes, and swaps on what has vanished."""

    async def test_a_swapped_value_vanishes(self, store: Any) -> None:
        assert await store.swap("a", None, b"1", ttl=self.shortest_ttl)
        await eventually(lambda: self._gone(store, "a"))

    async def test_what_vanished_is_absent(self, store: Any) -> None:
        await store.set_expiring("a", b"1", self.shortest_ttl)
        await eventually(lambda: self._gone(store, "a"))
        assert await store.swap("a", b"1", b"late") is False
        assert await store.swap("a", b"1", None) is False
        assert await store.swap("a", None, b"2") is True
        assert await store.get("a") == b"2"

    async def test_a_swap_without_an_end_is_for_good(self, store: Any) -> None:
        ttl = self.shortest_ttl
        await store.set_expiring("a", b"1", ttl)
        while not await store.swap("a", b"1", b"2"):  # a slow machine came after its end
            ttl *= 2
            await store.set_expiring("a", b"1", ttl)
        await self._pass(store, ttl)
        assert await store.get("a") == b"2"


class WatchContract:
    """Being told: everything first, then what changes, each key's last value always."""

    async def test_the_first_word_is_everything(self, store: Any) -> None:
        assert has(store, Watches)
        await store.set("a/1", b"1")
        await store.set("b/1", b"2")
        async with aclosing(store.watch("a/")) as watch:
            assert await told(watch) == Changes(values={"a/1": b"1"})

    async def test_nothing_is_a_first_word_too(self, store: Any) -> None:
        async with aclosing(store.watch("a/")) as watch:
            assert await told(watch) == Changes()

    async def test_what_changes_is_told(self, clients: list[Any]) -> None:
        await clients[0].set("a/old", b"0")
        async with aclosing(clients[0].watch("a/")) as watch:
            mirror = dict((await told(watch)).values)
            await clients[1].set("a/1", b"1")
            await clients[1].set("b/1", b"not ours")
            await clients[2].delete("a/old")
            await mirrored(watch, mirror, {"a/1": b"1"})
            await clients[1].swap("a/1", b"1", b"2")
            await clients[1].swap("a/1", b"2", b"")
            await mirrored(watch, mirror, {"a/1": b""})

    async def test_values_come_in_the_order_written(self, clients: list[Any]) -> None:
        async with aclosing(clients[0].watch()) as watch:
            await told(watch)
            writing = asyncio.create_task(self._count(clients[1]))
            seen = [0]
            while seen[-1] < 200:
                seen += [int(value) for value in (await told(watch)).values.values() if value is not None]
            await writing
        assert seen == sorted(set(seen))

    async def test_several_watch_and_one_leaves(self, clients: list[Any]) -> None:
        watches = [client.watch("a") for client in clients[:3]]
        for watch in watches:
            await told(watch)
        await watches[0].aclose()
        await clients[3].set("a", b"1")
        for watch in watches[1:]:
            await mirrored(watch, {}, {"a": b"1"})
            await watch.aclose()

    async def test_what_expires_is_told(self, store: Any) -> None:
        ttl: float = getattr(self, "shortest_ttl", 1.0)
        async with aclosing(store.watch("a")) as watch:
            await told(watch)
            await store.set("a", b"0")
            mirror: dict[str, bytes | None] = {}
            await mirrored(watch, mirror, {"a": b"0"})
            await store.set_expiring("a", b"1", ttl)
            await mirrored(watch, mirror, {})

    async def test_a_watch_given_up_ends(self, store: Any) -> None:
        async def follow() -> None:
            async for _ in store.watch("a"):
                pass

        watching = asyncio.create_task(follow())
        await asyncio.sleep(0.05)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert watching.cancelled()
        await store.set("a", b"1")
        assert await store.get("a") == b"1"

    @staticmethod
    async def _count(client: Any) -> None:
        for number in range(1, 201):
            await client.set("count", str(number))


async def told(watch: AsyncIterator[Changes]) -> Changes:
    """The next word of a watch."""
    async with asyncio.timeout(PATIENCE):
        return await anext(watch)


async def mirrored(
    watch: AsyncIterator[Changes], mirror: dict[str, bytes | None], expected: dict[str, bytes | None]
) -> None:
    """Follow the watch until the mirror is as expected."""
    async with asyncio.timeout(PATIENCE):
        while mirror != expected:
            for key, value in (await anext(watch)).values.items():
                mirror[key] = value
                if value is None:
                    del mirror[key]
