"""What every key-value store must do, as tests: derive from ``StoreContract`` and say how to make yours.

For the optional powers there are ``ExpiryContract``, ``ReadsManyContract``, ``SwapContract`` and ``WatchContract`` in
``creative_services.testing.store_powers``; derive from those that your store has as well.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from creative_services.core.store import LONGEST_KEY, KeyValueStore
from creative_services.testing.store_machine import StoreMachine

MakeStore = Callable[[], KeyValueStore]

# Keys that mean something to a file system, a URL, a subject, a pattern or a terminal, and pairs easily taken for one.
ODD_KEYS: Final = (
    *("a/b", "/a/b", "a//b", "a/", "../escape", "..", ".", ".hidden", "a/../b", "/etc/passwd", "~", "C:\\x", "CON"),
    *(
        "*",
        "a*",
        "a?",
        "a[b]",
        "a\\*",
        ">",
        "a.b",
        ".a.",
        "%2e%2e",
        "=41",
        "a=b",
        "a%20b",
        "a b",
        " a ",
        "a\n",
        "\t",
        "\x00",
    ),
    *(
        "A",
        "a",
        "é",
        "e\u0301",
        "ключ",
        "鍵",
        "🔑",
        "'; DROP TABLE entries; --",
        "x" * LONGEST_KEY,
        "ж" * (LONGEST_KEY // 2),
    ),
)
EVERY_BYTE: Final = bytes(range(256))


class StoreContract:
    """The promises of the five methods, for a store of yours::

        class TestMyStore(StoreContract):
            @pytest.fixture
            def make_store(self, tmp_path):
                return lambda: MyStore(tmp_path)

    ``make_store()`` returns another client of one and the same store, which is empty when a test begins. A client with
    an ``aclose`` is closed by it.
    """

    largest_value = 256 * 1024
    examples = 20  # how many random histories are compared with a dictionary's

    @pytest.fixture
    async def store(self, make_store: MakeStore) -> AsyncIterator[KeyValueStore]:
        """One client."""
        store = make_store()
        yield store
        await closed(store)

    @pytest.fixture
    async def clients(self, make_store: MakeStore) -> AsyncIterator[list[KeyValueStore]]:
        """Eight clients of the same store."""
        clients = [make_store() for _ in range(8)]
        yield clients
        for client in clients:
            await closed(client)

    async def test_it_is_a_store(self, store: KeyValueStore) -> None:
        assert isinstance(store, KeyValueStore), "get, set, delete, exists or keys is missing"

    async def test_an_empty_store_has_nothing(self, store: KeyValueStore) -> None:
        assert await store.get("a") is None
        assert not await store.exists("a")
        assert await store.keys() == []
        assert await store.delete("a") is False

    async def test_what_goes_in_comes_out(self, store: KeyValueStore) -> None:
        assert await store.set("a", b"1") is True
        assert await store.get("a") == b"1"
        assert await store.exists("a")
        assert await store.keys() == ["a"]

    async def test_the_last_value_counts(self, store: KeyValueStore) -> None:
        for value in (b"long before", b"1", b"2"):
            await store.set("a", value)
        assert await store.get("a") == b"2"
        assert await store.keys() == ["a"]

    async def test_deleted_is_gone(self, store: KeyValueStore) -> None:
        await store.set("a", b"1")
        assert await store.delete("a") is True
        assert await store.get("a") is None
        assert not await store.exists("a")
        assert await store.keys() == []
        assert await store.delete("a") is False

    async def test_text_is_kept_as_utf8(self, store: KeyValueStore) -> None:
        await store.set("a", "grün")
        assert await store.get("a") == "grün".encode()

    @pytest.mark.parametrize("value", [b"", b"\x00", EVERY_BYTE, b"\r\n\r\n", b"\n\t \t\n" + b" \t" * 32, b"\xff\xfe"])
    async def test_any_bytes_are_a_value(self, store: KeyValueStore, value: bytes) -> None:
        await store.set("a", value)
        got = await store.get("a")
        assert got == value
        assert isinstance(got, bytes)
        assert await store.exists("a")

    async def test_a_large_value_is_whole(self, store: KeyValueStore) -> None:
        value = (EVERY_BYTE * (self.largest_value // 256 + 1))[: self.largest_value]
        await store.set("a", value)
        assert await store.get("a") == value

    async def test_any_text_is_a_key_of_its_own(self, store: KeyValueStore) -> None:
        for key in ODD_KEYS:
            await store.set(key, f"value of {key}")
        assert sorted(await store.keys()) == sorted(ODD_KEYS)
        for key in ODD_KEYS:
            assert await store.get(key) == f"value of {key}".encode(), repr(key)
            assert await store.delete(key), repr(key)
            assert await store.get(key) is None, repr(key)
        assert await store.keys() == []

    async def test_every_client_sees_the_same(self, clients: list[KeyValueStore]) -> None:
        for number, client in enumerate(clients):
            await client.set(f"key {number}", str(number))
        for client in clients:
            assert sorted(await client.keys()) == [f"key {number}" for number in range(len(clients))]
            assert await client.get("key 3") == b"3"

    async def test_a_hundred_tasks_at_once(self, store: KeyValueStore) -> None:
        async def live(number: int) -> None:
            key = f"key {number}"
            await store.set(key, str(number))
            assert await store.get(key) == str(number).encode()
            if number % 2:
                assert await store.delete(key)
            assert await store.exists(key) == (number % 2 == 0)

        await asyncio.gather(*(live(number) for number in range(100)))
        assert sorted(await store.keys()) == sorted(f"key {number}" for number in range(0, 100, 2))

    async def test_a_reader_never_sees_half_a_value(self, clients: list[KeyValueStore]) -> None:
        values = [bytes([letter]) * 50_000 for letter in b"abcd"]
        await clients[0].set("a", values[0])

        async def write(client: KeyValueStore, value: bytes) -> None:
            for _ in range(10):
                await client.set("a", value)

        async def read(client: KeyValueStore) -> None:
            for _ in range(25):
                assert await client.get("a") in values

        writers = [write(client, value) for client, value in zip(clients, values, strict=False)]
        await asyncio.gather(*writers, *(read(client) for client in clients[4:]))

    async def test_a_call_given_up_leaves_no_trace_in_the_next(self, store: KeyValueStore) -> None:
        for number in range(10):
            await store.set(f"key {number}", str(number))
        abandoned = [asyncio.create_task(store.get(f"key {number}")) for number in range(10)]
        await asyncio.sleep(0)
        for task in abandoned:
            task.cancel()
        await asyncio.gather(*abandoned, return_exceptions=True)
        for number in range(10):
            assert await store.get(f"key {number}") == str(number).encode()

    async def test_a_closed_store_opens_again(self, store: KeyValueStore) -> None:
        await store.set("a", b"1")
        await closed(store)
        assert await store.get("a") == b"1"

    def test_one_store_serves_several_loops(self, make_store: MakeStore) -> None:
        store = make_store()

        async def add(name: str) -> list[str]:
            await store.set(name, name)
            return sorted(await store.keys())

        assert asyncio.run(add("a")) == ["a"]
        assert asyncio.run(add("b")) == ["a", "b"]
        asyncio.run(closed(store))

    def test_any_history_ends_as_a_dictionarys(self, make_store: MakeStore) -> None:
        checks = settings(
            max_examples=self.examples,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(partial(StoreMachine, make_store), settings=checks)  # type: ignore[arg-type]  # a maker will do


async def closed(store: object) -> None:
    """Close a store that has a way to be closed."""
    with suppress(AttributeError):
        await store.aclose()  # type: ignore[attr-defined]  # that is the question
