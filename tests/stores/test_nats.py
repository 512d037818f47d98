"""What only NATS has: a bucket that may be gone, and servers that cannot let values expire."""

import shutil

import nats
import pytest

from creative_services.core.errors import StoreRefusedError
from creative_services.stores.nats import NATSKVStore
from creative_services.testing.store_powers import eventually
from tests.servers import NATSServer
from tests.stores.conftest import StartServer

pytestmark = pytest.mark.thorough


async def test_a_server_that_lost_its_memory_gets_a_new_bucket(own_server: StartServer) -> None:
    server = own_server(NATSServer)
    async with NATSKVStore(server.url) as store:
        await store.set("a", b"1")
        server.kill()
        shutil.rmtree(server.folder / "jetstream")
        server.start()
        await eventually(lambda: writes(store))
        assert await store.keys() == ["b"]


async def writes(store: NATSKVStore) -> bool:
    try:
        return await store.set("b", b"1")
    except ConnectionError:
        return False


async def test_a_bucket_made_without_expiry_is_said(own_server: StartServer) -> None:
    url = own_server(NATSServer).url
    client = await nats.connect(url)
    await client.jetstream().create_key_value(bucket="old")
    await client.close()
    async with NATSKVStore(f"{url}/old") as store:
        await store.set("a", b"1")
        with pytest.raises(StoreRefusedError, match=r"2\.11"):
            await store.set_expiring("a", b"2", 60)
        assert await store.get("a") == b"1"


async def test_what_listens_no_more_leaves_the_server(own_server: StartServer) -> None:
    async with NATSKVStore(own_server(NATSServer).url) as store:
        for _ in range(5):
            await store.read_many()
        async for _ in store.watch():
            break
        stream = await store._stream()
        await eventually(lambda: nobody_listens(stream))


async def nobody_listens(stream: nats.js.JetStreamContext) -> bool:
    return (await stream.stream_info("KV_creative_services")).state.consumer_count == 0
