"""What every store of ours refuses, and in which words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from creative_services.core.errors import CreativeServicesError, StoreError, StoreRefusedError
from creative_services.core.store import LONGEST_KEY
from creative_services.stores.consul import ConsulKVStore
from creative_services.stores.etcd import EtcdKVStore
from creative_services.stores.file import FileSystemKVStore
from creative_services.stores.memory import MemoryKVStore
from creative_services.stores.nats import NATSKVStore
from creative_services.stores.redis import RedisKVStore
from creative_services.stores.sqlite import SQLiteKVStore
from tests.servers import ConsulDouble, EtcdServer, NATSServer
from tests.stores.conftest import StartServer

# None of the refusals needs a server: a key is looked at before anybody is asked.
NOWHERE = "127.0.0.1:9"
STORES: dict[str, Callable[[Path], object]] = {
    "memory": lambda folder: MemoryKVStore(),
    "file": FileSystemKVStore,
    "sqlite": lambda folder: SQLiteKVStore(folder / "store.db"),
    "redis": lambda folder: RedisKVStore(f"redis://{NOWHERE}"),
    "etcd": lambda folder: EtcdKVStore(f"etcd://{NOWHERE}"),
    "nats": lambda folder: NATSKVStore(f"nats://{NOWHERE}"),
    "consul": lambda folder: ConsulKVStore(f"http://{NOWHERE}"),
}
NO_KEYS = {"empty": "", "too long": "x" * (LONGEST_KEY + 1), "half a character": "\ud800"}


@pytest.mark.parametrize("key", NO_KEYS.values(), ids=NO_KEYS)
@pytest.mark.parametrize("kind", STORES)
async def test_what_is_no_key(kind: str, key: str, tmp_path: Path) -> None:
    store: object = STORES[kind](tmp_path)
    for ask in (
        lambda: store.get(key),
        lambda: store.exists(key),
        lambda: store.set(key, b""),
        lambda: store.set_expiring(key, b"", 1),
        lambda: store.delete(key),
        lambda: store.swap(key, None, b""),
    ):
        with pytest.raises(StoreRefusedError, match="key") as refused:
            await ask()
        assert isinstance(refused.value, ValueError)
        assert not refused.value.may_have_happened


@pytest.mark.parametrize(
    ("server", "make", "largest"),
    [
        (EtcdServer, EtcdKVStore, 1_500_000),
        (NATSServer, NATSKVStore, 1_048_576),
        (ConsulDouble, ConsulKVStore, 524_288),
    ],
    ids=["etcd", "nats", "consul"],
)
async def test_a_value_too_large_is_refused_whole(
    server: type, make: Callable[[str], object], largest: int, shared_server: StartServer
) -> None:
    async with make(shared_server(server).url) as store:
        await store.set("a", b"before")
        with pytest.raises(StoreError) as refused:
            await store.set("a", b"x" * (largest + 100_000))
        assert isinstance(refused.value, CreativeServicesError)
        assert await store.get("a") == b"before"
