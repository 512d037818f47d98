"""What only Redis has: passwords, namespaces, other people's keys."""

import asyncio
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from creative_services.core.errors import StoreError
from creative_services.stores.redis import RedisKVStore
from creative_services.testing.store_powers import told
from tests.servers import RedisServer
from tests.stores.conftest import StartServer

pytestmark = pytest.mark.thorough


class GuardedRedis(RedisServer):
    def command(self) -> list[str]:
        return [*super().command(), "--requirepass", "geheim"]


async def test_a_password(own_server: StartServer) -> None:
    server = own_server(GuardedRedis)
    async with RedisKVStore(f"redis://:geheim@127.0.0.1:{server.port}") as store:
        assert await store.set("a", b"1")
    for address in (f"redis://:falsch@127.0.0.1:{server.port}", server.url):
        async with RedisKVStore(address) as store:
            with pytest.raises(StoreError) as refused:
                await store.get("a")
            assert "falsch" not in f"{refused.value}{store!r}"


async def test_what_is_no_value_of_ours_is_left_alone(own_server: StartServer) -> None:
    url = own_server(RedisServer).url
    async with RedisKVStore(url, namespace="ours:") as store, Redis.from_url(url) as client:
        await store.set("a", b"1")
        await client.rpush("ours:list", "x")
        await client.set("theirs", "x")
        await client.set(b"ours:\xff", "x")
        assert await store.read_many() == {"a": b"1"}
        with pytest.raises(StoreError, match="WRONGTYPE"):
            await store.get("list")


async def test_many_keys_come_page_by_page(own_server: StartServer) -> None:
    url = own_server(RedisServer).url
    async with RedisKVStore(url) as store, Redis.from_url(url) as client:
        await client.mset({f"key {number}": number for number in range(10_000)})
        assert len(await store.read_many("key ")) == 10_000
        assert sorted(await store.keys("key 999")) == sorted(["key 999", *(f"key 999{digit}" for digit in range(10))])


async def test_what_expired_is_told_although_others_never_stop_writing(own_server: StartServer) -> None:
    """Redis tells nobody of it by itself, and silence, in which one might look, never comes."""
    url = own_server(RedisServer).url

    async def write(store: RedisKVStore) -> None:
        while True:
            await store.set("busy", b"as ever")
            await asyncio.sleep(0.05)

    async with RedisKVStore(url, resync=0.3) as store, RedisKVStore(url) as other:
        await other.set_expiring("fleeting", b"1", 0.4)
        async with aclosing(store.watch()) as watch, asyncio.TaskGroup() as group, asyncio.timeout(10):
            assert (await told(watch)).values == {"fleeting": b"1"}
            writing = group.create_task(write(other))
            while (await told(watch)).values.get("fleeting", b"") is not None:
                pass
            writing.cancel()
