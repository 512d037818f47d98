"""Registration, heartbeats, expiry and farewell; the original's records beside ours; stores with and without powers."""

import asyncio
import json

import pytest

from creative_services.core.errors import ConfigurationError, StoreUnreachableError
from creative_services.replicas import KeyValueStore, ModelRegistry, ServerRegistry
from creative_services.replicas.records import PREFIX
from creative_services.stores.memory import MemoryKVStore
from creative_services.testing import SteppingClock


class PlainStore:
    """A user's own class with the five methods and no power beyond."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.reads = 0

    async def get(self, key: str) -> bytes | None:
        self.reads += 1
        return self.values.get(key)

    async def set(self, key: str, value: bytes | str) -> bool:
        self.values[key] = value.encode() if isinstance(value, str) else value
        return True

    async def delete(self, key: str) -> bool:
        return self.values.pop(key, None) is not None

    async def exists(self, key: str) -> bool:
        return key in self.values

    async def keys(self) -> list[str]:
        return list(self.values)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(params=["memory", "plain"])
def store(request: pytest.FixtureRequest, clock: SteppingClock) -> KeyValueStore:
    return MemoryKVStore(clock=clock) if request.param == "memory" else PlainStore()


async def uris(registry: ServerRegistry) -> set[str]:
    return {server["uri"] for server in (await registry.roster())["servers"]}


async def test_both_ways_to_register(store: KeyValueStore, clock: SteppingClock) -> None:
    one, two = (ServerRegistry(store, clock=clock, host="box") for _ in range(2))
    assert await one.register_server(8000, {"service": "api"}) == one.server_id
    await two.register_server("http://other/", 9000, {"service": "api"})
    servers = (await one.roster())["servers"]
    assert {server["uri"] for server in servers} == {"http://box:8000", "http://other:9000"}
    for server in servers:
        assert server["metadata"] == {"service": "api"}
        assert server["status"] == "active"
        assert {"server_id", "host", "port", "last_heartbeat", "lease"} <= server.keys()


@pytest.mark.parametrize(
    "arguments", [(8000, 9000), ("", 8000), (0,), (70000,), (True,), ("http://h", {"a": 1}), (8000, {}, {})]
)
async def test_a_call_that_names_no_server_is_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"register_server|port"):
        await ServerRegistry(MemoryKVStore()).register_server(*arguments)  # type: ignore[arg-type]  # on purpose


async def test_metadata_that_are_no_json_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="JSON"):
        await ServerRegistry(MemoryKVStore()).register_server(8000, {"a": object()})


async def test_silence_ends_a_registration_and_a_heartbeat_renews_it(
    store: KeyValueStore, clock: SteppingClock
) -> None:
    server, reader = ServerRegistry(store, clock=clock), ServerRegistry(store, clock=clock)
    await server.register_server("http://a", 1)
    for _ in range(5):
        clock.advance(20)
        assert await server.heartbeat(data={"n": 1})
        assert await uris(reader) == {"http://a:1"}
    clock.advance(29)
    assert await uris(reader) == {"http://a:1"}
    clock.advance(1)
    assert await uris(reader) == set()
    assert await server.heartbeat("http://a", 1)
    assert await uris(reader) == {"http://a:1"}
    assert (await reader.roster())["servers"][0]["data"] == {"n": 1}


async def test_a_farewell_is_final(store: KeyValueStore, clock: SteppingClock) -> None:
    server = ServerRegistry(store, clock=clock)
    await server.register_server("http://a", 1)
    assert await server.deregister()
    assert not await server.heartbeat()
    assert not await server.deregister()
    assert await uris(server) == set()
    await server.register_server("http://a", 1)
    assert await uris(server) == {"http://a:1"}


async def test_heartbeat_and_farewell_at_once_leave_nothing(store: KeyValueStore) -> None:
    for _ in range(20):
        server = ServerRegistry(store)
        await server.register_server("http://a", 1)
        await asyncio.gather(*(server.heartbeat() for _ in range(3)), server.deregister(), server.heartbeat())
        assert await uris(server) == set()


async def test_a_drained_server_is_seen_and_not_asked(clock: SteppingClock) -> None:
    registry = ModelRegistry(MemoryKVStore(clock=clock), clock=clock)
    await registry.register_server("http://a", 1, {"model_path": "m"})
    assert await registry.drain()
    assert [server["status"] for server in (await registry.roster())["servers"]] == ["draining"]
    assert await registry.get_all("m") == []
    assert await registry.drain(False)
    assert await registry.get("m") == "http://a:1"


async def test_servers_on_one_computer_have_entries_of_their_own(store: KeyValueStore) -> None:
    one, two = ServerRegistry(store), ServerRegistry(store)
    await one.register_server("http://a", 1)
    await two.register_server("http://a", 2)
    await one.deregister()
    assert await uris(two) == {"http://a:2"}


async def test_a_roster_is_one_bulk_read() -> None:
    class Counting(MemoryKVStore):
        reads = 0

        async def read_many(self, prefix: str = "") -> dict[str, bytes]:
            self.reads += 1
            return await super().read_many(prefix)

        async def get(self, key: str) -> bytes | None:
            raise AssertionError("read one by one")

    store = Counting()
    for port in range(1, 50):
        await ServerRegistry(store).register_server("http://a", port)
    assert len(await uris(ServerRegistry(store))) == 49
    assert store.reads == 1


def originals(clock: SteppingClock, *, ago: float = 0.0, **more: object) -> bytes:
    """A record as literegistry 1.0.63 writes it."""
    record = {
        "server_id": "box-1",
        "host": "box",
        "port": 1,
        "last_heartbeat": clock.utcnow().timestamp() - ago,
        "metadata": {"model_path": "m"},
        "status": "active",
        "uri": "http://box:1",
    }
    return json.dumps({**record, **more}).encode()


async def test_the_originals_records_live_as_long_as_they_change(store: KeyValueStore, clock: SteppingClock) -> None:
    reader = ServerRegistry(store, clock=clock)
    await store.set(f"{PREFIX}box-1", originals(clock, ago=199))
    assert await uris(reader) == {"http://box:1"}
    clock.advance(199)
    assert await uris(reader) == {"http://box:1"}
    await store.set(f"{PREFIX}box-1", originals(clock))
    assert await uris(reader) == {"http://box:1"}
    clock.advance(200)
    assert await uris(reader) == set()


async def test_a_writer_whose_clock_is_wrong_is_believed_once_it_shows_life(
    store: KeyValueStore, clock: SteppingClock
) -> None:
    reader = ServerRegistry(store, clock=clock)
    await store.set(f"{PREFIX}box-1", originals(clock, ago=3600))
    assert await uris(reader) == set()
    clock.advance(120)
    await store.set(f"{PREFIX}box-1", originals(clock, ago=3600))
    assert await uris(reader) == {"http://box:1"}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"{}", b"\xff", b'{"server_id": 1, "uri": "u"}'])
async def test_a_damaged_record_costs_itself_only(raw: bytes, clock: SteppingClock) -> None:
    store = MemoryKVStore(clock=clock)
    await store.set(f"{PREFIX}damaged", raw)
    server = ServerRegistry(store, clock=clock)
    await server.register_server("http://a", 1)
    assert await uris(server) == {"http://a:1"}


async def test_a_write_that_was_answered_too_late_is_made_good(clock: SteppingClock) -> None:
    class Doubtful(MemoryKVStore):
        swallow = False

        async def swap(self, *arguments: object, **options: object) -> bool:
            done = await super().swap(*arguments, **options)  # type: ignore[arg-type]  # handed on
            if self.swallow:
                raise StoreUnreachableError("gone", may_have_happened=True)
            return done

    store = Doubtful(clock=clock)
    server = ServerRegistry(store, clock=clock)
    await server.register_server("http://a", 1)
    store.swallow = True
    clock.advance(10)
    with pytest.raises(StoreUnreachableError):
        await server.heartbeat(data={"n": 1})
    store.swallow = False
    clock.advance(10)
    assert await server.heartbeat(data={"n": 2})
    assert (await server.roster())["servers"][0]["data"] == {"n": 2}


async def test_heartbeats_are_sent_while_the_block_runs() -> None:
    server = ServerRegistry(MemoryKVStore(), lease=0.3)
    await server.register_server("http://a", 1)
    async with server.keeping_alive():
        await asyncio.sleep(0.6)
        assert await uris(server) == {"http://a:1"}
    await asyncio.sleep(0.4)
    assert await uris(server) == set()


async def test_somebody_elses_record_under_our_key_is_not_overwritten() -> None:
    store = MemoryKVStore()
    server = ServerRegistry(store)
    await store.set(f"{PREFIX}{server.server_id}", b'{"server_id": "thief", "uri": "http://t:1"}')
    with pytest.raises(Exception, match="thief"):
        await server.register_server("http://a", 1)
