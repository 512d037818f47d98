"""Stores that restart, freeze, are slow or lose everything; clocks that jump; peers that vanish without a word."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from creative_services.core.errors import StoreError
from creative_services.core.replicas import Replica
from creative_services.replicas import ModelRegistry, ServerRegistry, open_store
from creative_services.replicas.registrations import encoded
from creative_services.server.replicas.shared_roll import SharedRoll
from creative_services.server.replicas.table import Table
from creative_services.stores.file import FileSystemKVStore
from creative_services.stores.memory import MemoryKVStore
from creative_services.testing import SteppingClock
from tests.replicas.service import RoutingServer
from tests.replicas.test_registry import originals
from tests.servers import RedisServer

pytestmark = pytest.mark.thorough


class ForgetfulRedis(RedisServer):
    """One that keeps nothing on disk: a restart loses everything."""

    def command(self) -> list[str]:
        command = super().command()
        command[command.index("yes")] = "no"
        return command


@pytest.fixture(params=[RedisServer, ForgetfulRedis])
def redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer]:
    server: RedisServer = request.param(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


async def test_a_store_killed_and_frozen_loses_nobody_alive(redis: RedisServer) -> None:
    """Ten seconds of faults shorter than the lease: at every moment both servers are known."""
    async with AsyncExitStack() as stack:
        for port in (1, 2):
            server = ServerRegistry(open_store(redis.url, timeout=0.5), lease=3.0)
            stack.push_async_callback(server.aclose)
            await server.register_server("http://a", port, {"model_path": "m"})
            await stack.enter_async_context(server.keeping_alive())
        reader = ModelRegistry(open_store(redis.url, timeout=0.5), lease=3.0, cache_ttl=300)
        stack.push_async_callback(reader.aclose)
        assert len(await reader.get_all("m")) == 2

        async def never_lost(seconds: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                # Also from a store that came back empty, until the next heartbeats have filled it again.
                assert len(await reader.get_all("m")) == 2
                await asyncio.sleep(0.05)

        redis.kill()
        await never_lost(1.5)
        await asyncio.to_thread(redis.start)
        await never_lost(2.0)
        redis.freeze()
        await never_lost(1.0)
        redis.thaw()
        await never_lost(2.5)
        assert len(await reader.get_all("m", force=True)) == 2


async def test_a_partition_longer_than_the_lease_ends_registrations_and_they_come_back(redis: RedisServer) -> None:
    server = ServerRegistry(open_store(redis.url, timeout=0.3), lease=0.9)
    reader = ServerRegistry(open_store(redis.url, timeout=0.3))
    await server.register_server("http://a", 1)
    async with server.keeping_alive():
        redis.freeze()
        await asyncio.sleep(1.5)
        with pytest.raises(StoreError):
            await reader.roster()
        redis.thaw()
        await asyncio.sleep(0.8)
        assert len((await reader.roster())["servers"]) == 1
    await asyncio.sleep(1.0)
    assert (await reader.roster())["servers"] == []
    await server.aclose()
    await reader.aclose()


async def test_a_slow_store_delays_nobody_who_knows_a_roster() -> None:
    class Slow(MemoryKVStore):
        delay = 0.0

        async def read_many(self, prefix: str = "") -> dict[str, bytes]:
            await asyncio.sleep(self.delay)
            return await super().read_many(prefix)

    store, clock = Slow(), SteppingClock()
    server = ServerRegistry(store, lease=3600)
    await server.register_server("http://a", 1, {"model_path": "m"})
    reader = ModelRegistry(store, clock=clock)
    await reader.get("m")
    store.delay = 1.0
    clock.advance(15)
    started = time.monotonic()
    for _ in range(100):
        assert await reader.get("m") == "http://a:1"
    assert time.monotonic() - started < 0.5
    await reader.view.aclose()


class JumpingClock(SteppingClock):
    """One whose wall clock is set forward and back; its monotonic time is sane."""

    off = timedelta()

    def utcnow(self) -> datetime:
        return super().utcnow() + self.off


@pytest.mark.parametrize("hours", [-1, 1, 24 * 365])
@pytest.mark.parametrize("whose", ["reader", "server"])
async def test_a_wall_clock_that_jumps_moves_nobody(tmp_path: Path, hours: int, whose: str) -> None:
    clocks = {"reader": JumpingClock(), "server": JumpingClock()}

    def store(name: str) -> FileSystemKVStore:
        return FileSystemKVStore(tmp_path / "roster", clock=clocks[name], boot="one")

    server = ServerRegistry(store("server"), clock=clocks["server"])
    reader = ServerRegistry(store("reader"), clock=clocks["reader"])
    await server.register_server("http://a", 1)
    await server.store.set("server_box-1", originals(clocks["server"]))
    assert len((await reader.roster())["servers"]) == 2
    clocks[whose].off = timedelta(hours=hours)
    for _ in range(5):
        for clock in clocks.values():
            clock.advance(10)
        await server.heartbeat()
        await server.store.set("server_box-1", originals(clocks["server"]))
        assert len((await reader.roster())["servers"]) == 2
    for clock in clocks.values():
        clock.advance(31)
    assert [one["server_id"] for one in (await reader.roster())["servers"]] == ["box-1"]


async def test_two_services_that_register_one_id_at_once_agree() -> None:
    store = MemoryKVStore()
    rolls = [(table := Table(), SharedRoll(table, store, lease=5.0)) for _ in range(2)]
    for _, roll in rolls:
        await roll.start()
    entering = [
        roll.enter(Replica(id="r", endpoint=f"h:{number}", capabilities=({"model": "m"},)))
        for number in range(1, 9)
        for _, roll in rolls
    ]
    entered = await asyncio.gather(*entering)
    assert len({replica.token for replica in entered}) == 16
    newest = max(entered, key=lambda replica: replica.token)
    await asyncio.sleep(0.2)
    assert [table.get("r") for table, _ in rolls] == [newest, newest]
    for _, roll in rolls:
        await roll.aclose()


async def test_a_service_that_was_frozen_does_not_take_its_own_replicas_for_evicted() -> None:
    """It wakes up after its lease, when others have long swept what it held."""
    store, clock, table = MemoryKVStore(), SteppingClock(), Table()
    roll = SharedRoll(table, store, clock=clock)
    await roll.start()
    entered = await roll.enter(Replica(id="r", endpoint="h:1", capabilities=({"model": "m"},)))
    await asyncio.sleep(0.05)
    clock.advance(20)
    await store.delete("replica_r")
    await asyncio.sleep(0.05)
    assert table.get("r") == entered
    await roll._show_life()
    clock.advance(16)
    await roll._show_life()
    # Awake again, an eviction is one.
    await store.set("replica_r", encoded(entered))
    await asyncio.sleep(0.05)
    await store.delete("replica_r")
    await asyncio.sleep(0.05)
    assert table.get("r") is None
    await roll.aclose()


async def test_a_full_disk_is_told_and_the_roster_stays_readable(tmp_path: Path) -> None:
    store = FileSystemKVStore(tmp_path / "roster")
    server = ServerRegistry(store)
    await server.register_server("http://a", 1)
    shutil.rmtree(tmp_path / "roster" / ".creative_services" / "tmp")  # as good as full: nothing can be written
    with pytest.raises(StoreError):
        await server.heartbeat()
    assert len((await ServerRegistry(store).roster())["servers"]) == 1
    await store.aclose()


def until(condition: Callable[[], bool], seconds: float) -> float:
    """Wait for what other processes bring about; how long it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds
        time.sleep(0.1)
    return time.monotonic() - started


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)


class AnywhereServer(RoutingServer):
    """One that others reach too."""

    options = ("--host", "0.0.0.0")


@pytest.fixture
def island() -> Iterator[str]:
    """A network of its own, joined to ours by a cable that can be cut: 10.99.x.1 is here, 10.99.x.2 there."""
    name, net = f"cs{os.getpid() % 100000}", f"10.99.{os.getpid() % 250}"
    try:
        ip("netns", "add", name)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.xfail(f"no network namespaces here: {error}")
    try:
        ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        ip("addr", "add", f"{net}.1/24", "dev", f"{name}a")
        ip("link", "set", f"{name}a", "up")
        ip("-n", name, "addr", "add", f"{net}.2/24", "dev", f"{name}b")
        ip("-n", name, "link", "set", f"{name}b", "up")
        yield f"{name} {net}"
    finally:
        with suppress(subprocess.SubprocessError):
            ip("netns", "del", name)


def test_a_peer_whose_network_is_gone_is_dropped(island: str, tmp_path: Path) -> None:
    name, net = island.split()
    server = AnywhereServer(tmp_path / "routing")
    server.start()
    body = '{"replica_id":"r","endpoint":"h:1","capabilities":[{"model":"m"}]}'
    url = f"http://{net}.1:{server.port}/register"
    curl = ["curl", "-sN", "-X", "POST", url, "-H", "Content-Type: application/json", "-d", body]
    peer = subprocess.Popen(["ip", "netns", "exec", name, *curl], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        until(lambda: server.ask("/route?model=m")[0] == 200, 10)
        ip("-n", name, "link", "set", f"{name}b", "down")  # nothing arrives any more, and nobody says goodbye
        took = until(lambda: server.ask("/route?model=m")[0] == 404, 25)
        assert peer.poll() is None, "the peer itself noticed nothing"
        print(f"a half-open peer was dropped after {took:.1f} s")
    finally:
        server.stop()
        peer.kill()
        peer.wait(20)
