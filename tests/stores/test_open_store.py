"""A store is opened by its address; nothing is imported or connected to before that."""

import subprocess
import sys
from pathlib import Path

import pytest

from creative_services.core.errors import ConfigurationError, MissingDependencyError
from creative_services.core.store import Expires, KeyValueStore, ReadsMany, Swaps, Watches
from creative_services.stores import SCHEMES, open_store

ADDRESSES = {
    "memory://": "MemoryKVStore",
    "memory://shared": "MemoryKVStore",
    "file://{folder}/a%20b": "FileSystemKVStore",
    "{folder}/plain": "FileSystemKVStore",
    "sqlite://{folder}/x.db": "SQLiteKVStore",
    "redis://127.0.0.1:1/0": "RedisKVStore",
    "rediss://127.0.0.1:1/0": "RedisKVStore",
    "consul://127.0.0.1:1/fleet/": "ConsulKVStore",
    "etcd://127.0.0.1:1,127.0.0.1:2": "EtcdKVStore",
    "nats://127.0.0.1:1/fleet": "NATSKVStore",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_opens_its_store_with_every_power(address: str, tmp_path: Path) -> None:
    store = open_store(address.format(folder=tmp_path))
    assert type(store).__name__ == ADDRESSES[address]
    for power in (KeyValueStore, Expires, ReadsMany, Swaps, Watches):
        assert isinstance(store, power), power


def test_a_file_address_is_decoded(tmp_path: Path) -> None:
    open_store(f"file://{tmp_path}/a%20b")
    assert (tmp_path / "a b").is_dir()


async def test_a_relative_sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_store("sqlite:here.db") as store:
        await store.set("a", b"1")
    assert (tmp_path / "here.db").exists()


async def test_a_named_memory_is_one_for_all() -> None:
    await open_store("memory://this-test").set("a", b"1")
    assert await open_store("memory://this-test").get("a") == b"1"
    assert await open_store("memory://").get("a") is None


@pytest.mark.parametrize("address", ["mongodb://x", "zookeeper://127.0.0.1"])
def test_an_unknown_scheme_says_what_is_known(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sqlite:///replicas\.db"):
        open_store(address)


@pytest.mark.parametrize(
    "address",
    [
        "file://elsewhere/x",
        "file:///x?y=1",
        "sqlite://elsewhere/x.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///x?y",
    ],
)
def test_an_address_of_nothing_here_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError):
        open_store(address)


def test_a_password_is_not_shown() -> None:
    for address in (
        "redis://ada:geheim@127.0.0.1:1/0",
        "etcd://ada:geheim@127.0.0.1:1",
        "nats://ada:geheim@127.0.0.1:1",
    ):
        assert "geheim" not in f"{open_store(address)!r} {open_store(address).name}"


@pytest.mark.parametrize(
    ("scheme", "driver"), [("redis", "redis"), ("consul", "aiohttp"), ("etcd", "aiohttp"), ("nats", "nats")]
)
def test_a_missing_driver_names_its_extra(scheme: str, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        name for name in sys.modules if name.startswith((SCHEMES[scheme].module, f"{driver}.")) or name == driver
    ]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("creative_services.stores.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingDependencyError, match=rf"creative-services\[{scheme}\]"):
        open_store(SCHEMES[scheme].example)


def test_opening_a_folder_imports_no_driver() -> None:
    probe = "import sys; from creative_services.stores import open_store; open_store('memory://'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"redis", "aiohttp", "nats", "sqlite3"} & set(done.stdout.split())
