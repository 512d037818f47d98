"""Rosters shared with the original registry, literegistry 1.0.63: on files and on Redis, in both directions.

What it reads and writes was taken from its source and is held here literally. Where LITEREGISTRY_PYTHON names an
interpreter that has the package, the package itself is asked too.
"""

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from creative_services.stores import open_store
from creative_services.stores.file import FileSystemKVStore
from creative_services.stores.redis import RedisKVStore
from creative_services.testing.store_powers import eventually
from tests.servers import RedisServer
from tests.stores.conftest import StartServer

HEARTBEATS = "literegistry:server_heartbeats:v1"
ORIGINAL = os.environ.get("LITEREGISTRY_PYTHON")


def record(name: str) -> dict[str, Any]:
    return {
        "server_id": name,
        "host": "box",
        "port": 8000,
        "last_heartbeat": time.time(),
        "metadata": {"model_path": "qwen2"},
        "status": "active",
        "uri": "http://box:8000",
    }


class TestFiles:
    async def test_its_files_are_our_values(self, tmp_path: Path) -> None:
        (tmp_path / "server_box-1f").write_bytes(json.dumps(record("box-1f")).encode())
        (tmp_path / ".server_box-1f.abc.tmp").write_bytes(b"half")  # how it writes
        assert list(await FileSystemKVStore(tmp_path).read_many("server_")) == ["server_box-1f"]

    async def test_our_values_are_its_files_also_those_that_end(self, tmp_path: Path) -> None:
        store = FileSystemKVStore(tmp_path)
        await store.set("server_a", json.dumps(record("a")))
        await store.set_expiring("server_b", json.dumps(record("b")), 60)
        for name in "ab":
            assert json.loads((tmp_path / f"server_{name}").read_bytes())["server_id"] == name
        # It takes every file in the folder for a key.
        assert sorted(path.name for path in tmp_path.glob("*") if path.is_file()) == ["server_a", "server_b"]

    async def test_its_ends_are_heeded(self, tmp_path: Path) -> None:
        store = FileSystemKVStore(tmp_path)
        ends = tmp_path / ".literegistry_ttl"
        ends.mkdir()
        for key, end in (("gone", time.time() - 1), ("here", time.time() + 60)):
            (tmp_path / key).write_bytes(b"1")
            (ends / hashlib.sha256(key.encode()).hexdigest()).write_text(str(end))
        (tmp_path / "damaged").write_bytes(b"1")
        (ends / hashlib.sha256(b"damaged").hexdigest()).write_text("?")
        assert await store.get("gone") is None
        assert sorted(await store.keys()) == ["damaged", "here"]
        await store.set("here", b"for good")
        assert not (ends / hashlib.sha256(b"here").hexdigest()).exists()


class TestRedis:
    async def test_a_server_of_ours_is_where_it_looks_for_servers(self, own_server: StartServer) -> None:
        url = own_server(RedisServer).url
        async with RedisKVStore(url) as store, Redis.from_url(url) as client:
            await store.set_expiring("server_a", b"{}", 60)
            await store.swap("server_b", None, b"{}")
            await store.set("other", b"{}")
            found = await client.zrangebyscore(HEARTBEATS, time.time() - 200, "+inf")
            assert found == [b"server_a", b"server_b"]
            assert await client.get("server_a") == b"{}"
            await store.delete("server_a")
            assert await store.swap("server_b", b"{}", None)
            assert await client.zrange(HEARTBEATS, 0, -1) == []

    async def test_a_server_of_its_is_read_and_told(self, own_server: StartServer) -> None:
        url = own_server(RedisServer).url
        async with RedisKVStore(url) as store, Redis.from_url(url) as client:
            await client.set("server_a", b"{}")
            await client.zadd(HEARTBEATS, {"server_a": time.time()})
            assert await store.read_many() == {"server_a": b"{}"}


ORIGINAL_SIDE = """
import asyncio, json, sys
from literegistry import ServerRegistry, FileSystemKVStore
from literegistry.redis import RedisKVStore
make = {"file": lambda a: FileSystemKVStore(a.removeprefix("file://")), "redis": RedisKVStore}
async def main(task, address):
    store = make[address.partition(":")[0]](address)
    registry = ServerRegistry(store)
    if task == "register":
        print(await registry.register_server("http://box", 8000, {"model_path": "qwen2"}))
    else:
        print(json.dumps(sorted(server["server_id"] for server in (await registry.roster())["servers"])))
asyncio.run(main(*sys.argv[1:]))
"""

Ask = Callable[[str, str], str]


@pytest.fixture
def ask(record_property: Callable[[str, object], None]) -> Ask | None:
    """Ask the package itself."""
    if ORIGINAL is None:
        record_property("not run", "the original registry itself: LITEREGISTRY_PYTHON names no interpreter that has it")
        return None

    def original(task: str, address: str) -> str:
        command = [str(ORIGINAL), "-W", "ignore", "-c", ORIGINAL_SIDE, task, address]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]

    return original


@pytest.mark.parametrize("kind", ["file", "redis"])
async def test_the_package_and_we_share_a_roster(
    kind: str, ask: Ask | None, tmp_path: Path, own_server: StartServer
) -> None:
    address = f"file://{tmp_path / 'roster'}" if kind == "file" else own_server(RedisServer).url
    async with open_store(address) as store:
        await store.set_expiring("server_ours", json.dumps(record("ours")), 60)
        if ask is None:
            return
        theirs = ask("register", address)
        found = {json.loads(value)["server_id"] for value in (await store.read_many("server_")).values()}
        assert found == {"ours", theirs}
        assert json.loads(ask("roster", address)) == sorted(["ours", theirs])
        await store.delete(f"server_{theirs}")
        await eventually(lambda: gone(store, f"server_{theirs}"))
        assert json.loads(ask("roster", address)) == ["ours"]


async def gone(store: Any, key: str) -> bool:
    return await store.get(key) is None
