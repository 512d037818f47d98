"""Servers killed, restarted and frozen: an outage is an error and never emptiness, and a watch outlives it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest

from creative_services.core.errors import StoreError, StoreTimedOutError, StoreUnreachableError
from creative_services.stores.consul import ConsulKVStore
from creative_services.stores.etcd import EtcdKVStore
from creative_services.stores.nats import NATSKVStore
from creative_services.stores.redis import RedisKVStore
from creative_services.testing.store_powers import eventually, mirrored, told
from tests.servers import ConsulDouble, EtcdServer, NATSServer, RedisServer, Server, free_ports
from tests.stores.conftest import StartServer

pytestmark = pytest.mark.thorough

DEADLINE = 0.5


@dataclass(frozen=True)
class Kind:
    server: type[Server]
    make: Callable[..., Any]

    def store(self, url: str, **options: Any) -> Any:
        return self.make(url, **{"timeout": 30.0, "resync": 0.5, **options})


KINDS = {
    "redis": Kind(RedisServer, RedisKVStore),
    "etcd": Kind(EtcdServer, EtcdKVStore),
    "nats": Kind(NATSServer, NATSKVStore),
    "consul": Kind(ConsulDouble, ConsulKVStore),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def asks(store: Any) -> dict[str, Callable[[], Any]]:
    """Every question a store answers."""
    return {
        "get": lambda: store.get("a"),
        "exists": lambda: store.exists("a"),
        "keys": store.keys,
        "read_many": store.read_many,
        "set": lambda: store.set("a", b"new"),
        "set_expiring": lambda: store.set_expiring("a", b"new", 60),
        "delete": lambda: store.delete("nothing"),
        "swap": lambda: store.swap("a", b"0", b"new"),
    }


async def answers(store: Any) -> bool:
    try:
        await store.get("a")
    except StoreError:
        return False
    return True


@every_kind
async def test_nobody_there_is_an_error_of_the_family_and_of_the_builtin_kind(kind: Kind) -> None:
    url = f"{kind.server.scheme}://127.0.0.1:{free_ports(1)[0]}"
    async with kind.store(url) as store:
        for name, ask in asks(store).items():
            with pytest.raises(StoreUnreachableError, match="Check that it runs") as unreachable:
                await ask()
            assert isinstance(unreachable.value, ConnectionError), name


@every_kind
async def test_killed_and_started_again(kind: Kind, own_server: StartServer) -> None:
    server = own_server(kind.server)
    async with kind.store(server.url) as store, kind.store(server.url) as other:
        await store.set("a", b"acknowledged")
        await store.set("b", b"acknowledged")
        async with aclosing(store.watch()) as watch:
            mirror: dict[str, bytes | None] = dict((await told(watch)).values)
            server.kill()
            for ask in asks(store).values():
                with pytest.raises(StoreError):
                    await ask()
            outage = await told(watch)
            assert isinstance(outage.outage, StoreError)
            assert outage.values == {}
            server.start()
            await eventually(lambda: answers(other))
            assert await other.read_many() == {"a": b"acknowledged", "b": b"acknowledged"}
            # Written before the watch is back: it must be told all the same.
            await other.delete("b")
            await other.set("c", b"while away")
            await mirrored(watch, mirror, {"a": b"acknowledged", "c": b"while away"})
            await other.set("c", b"and after")
            await mirrored(watch, mirror, {"a": b"acknowledged", "c": b"and after"})


@every_kind
async def test_no_acknowledged_write_is_lost_and_none_counted_twice(kind: Kind, own_server: StartServer) -> None:
    server = own_server(kind.server)
    async with kind.store(server.url) as store:
        await store.set("count", b"0")
        killing = asyncio.create_task(asyncio.to_thread(kill_and_start, server))
        done, in_doubt = 0, 0
        while not killing.done() or done < 50:
            try:
                seen = await store.get("count")
                done += await store.swap("count", seen, str(int(seen) + 1))
            except StoreError as error:
                in_doubt += error.may_have_happened
                await asyncio.sleep(0.01)
        await killing
        assert done <= int(await store.get("count")) <= done + in_doubt


def kill_and_start(server: Server) -> None:
    time.sleep(0.05)
    server.kill()
    server.start()


@every_kind
async def test_frozen(kind: Kind, own_server: StartServer) -> None:
    server = own_server(kind.server)
    async with kind.store(server.url, timeout=DEADLINE) as store, kind.store(server.url, timeout=DEADLINE) as watcher:
        await eventually(lambda: wrote(store))
        async with aclosing(watcher.watch("a")) as watch:
            while (await told(watch)).values != {"a": b"0"}:
                pass
            server.freeze()
            for name, ask in asks(store).items():
                with pytest.raises(StoreTimedOutError) as late:
                    await ask()
                assert isinstance(late.value, TimeoutError), name
                if name in ("set", "set_expiring"):
                    assert late.value.may_have_happened
                    assert "may have happened" in str(late.value)
            assert isinstance((await told(watch)).outage, StoreError)
            server.thaw()
            await eventually(lambda: answers(store))
            # What timed out took effect or did not; both are told alike, and nothing else is.
            assert await store.get("a") in (b"0", b"new")
            await eventually(lambda: replaced(store))
            while (await told(watch)).values.get("a") != b"last":
                pass


async def wrote(store: Any) -> bool:
    """Whether a first value could be written: a busy machine needs longer than the short deadline for a connection."""
    try:
        return bool(await store.set("a", b"0"))
    except StoreError:
        return False


async def replaced(store: Any) -> bool:
    try:
        return bool(await store.set("a", b"last"))
    except StoreError:
        return False
