"""Rosters shared with the real literegistry 1.0.63, registry to registry: files and Redis, in both directions.

It runs where LITEREGISTRY_PYTHON names an interpreter that has the package; `.ci/run` makes one.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from creative_services.core.store import KeyValueStore
from creative_services.replicas import ModelRegistry, ServerRegistry
from creative_services.stores import open_store
from tests.servers import RedisServer

ORIGINAL = os.environ.get("LITEREGISTRY_PYTHON")

PROGRAM = """
import asyncio, json, sys
from literegistry import RegistryClient, ServerRegistry, get_kvstore

async def main(where, what):
    store = get_kvstore(where)
    if what == "write":
        registry = ServerRegistry(store)
        await registry.register_server("http://10.0.0.7", 8000, {"model_path": "m", "capacity": "high"})
        await registry.heartbeat("http://10.0.0.7", 8000, {"request_stats": {"last_15_minutes": 3}})
        if sys.stdin.readline():
            await registry.deregister()
    else:
        client = RegistryClient(store)
        print(json.dumps({"models": await client.models(force=True), "all": await client.get_all("m", force=True)}))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(params=["file", "redis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if not ORIGINAL:
        pytest.xfail("the original registry itself is not here: LITEREGISTRY_PYTHON names no interpreter that has it")
    if request.param == "file":
        yield f"file://{tmp_path}/roster"
        return
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server.url
    server.stop()


async def original(address: str, what: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    assert ORIGINAL
    return await asyncio.create_subprocess_exec(
        ORIGINAL, "-c", PROGRAM, address, what, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )


async def test_what_it_writes_we_serve_until_it_leaves(address: str) -> None:
    writer = await original(address, "write")
    async with ModelRegistry(open_store(address)) as registry:
        for _ in range(300):
            await asyncio.sleep(0.1)
            if "data" in next(iter((await registry.roster())["servers"]), {}):
                break
        assert await registry.get("m", force=True) == "http://10.0.0.7:8000"
        (server,) = (await registry.roster())["servers"]
        assert server["metadata"] == {"model_path": "m", "capacity": "high"}
        assert server["data"]["request_stats"]["last_15_minutes"] == 3
        assert writer.stdin
        writer.stdin.write(b"leave\n")
        await writer.communicate()
        assert await registry.get_all("m", force=True) == []


async def test_what_we_write_it_serves_until_we_leave(address: str) -> None:
    store: KeyValueStore = open_store(address)
    async with ServerRegistry(store) as registry:
        await registry.register_server("http://10.0.0.8", 9000, {"model_path": "m"})
        await registry.heartbeat(data={"request_stats": {"last_15_minutes": 5}})
        told, _ = await (await original(address, "read")).communicate()
        seen = json.loads(told)
        assert seen["all"] == ["http://10.0.0.8:9000"]
        (record,) = seen["models"]["m"]
        assert (record["server_id"], record["data"]["request_stats"]["last_15_minutes"]) == (registry.server_id, 5)
        await registry.deregister()
        told, _ = await (await original(address, "read")).communicate()
        assert json.loads(told)["all"] == []
