"""What only etcd has: accounts, several members, compaction."""

from base64 import b64encode
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from creative_services.core.errors import ConfigurationError, StoreError, StoreUnreachableError
from creative_services.stores.etcd import EtcdKVStore
from creative_services.testing.store_powers import eventually, mirrored, told
from tests.servers import EtcdServer, Server, free_ports
from tests.stores.conftest import StartServer

pytestmark = pytest.mark.thorough


async def post(server: Server, path: str, **question: Any) -> Any:
    url = f"http://127.0.0.1:{server.port}{path}"
    async with aiohttp.ClientSession() as session, session.post(url, json=question) as response:
        assert response.status == 200, await response.text()
        return await response.json()


@pytest.fixture
async def guarded(own_server: StartServer) -> Server:
    """A server that wants to know who asks."""
    server = own_server(EtcdServer)
    await post(server, "/v3/auth/user/add", name="root", password="geheim")
    await post(server, "/v3/auth/role/add", name="root")
    await post(server, "/v3/auth/user/grant", user="root", role="root")
    await post(server, "/v3/auth/enable")
    return server


def addressed(server: Server, account: str) -> str:
    return f"etcd://{account}@127.0.0.1:{server.port}"


async def answers(store: EtcdKVStore) -> bool:
    try:
        await store.get("a")
    except StoreUnreachableError:
        return False
    return True


async def test_an_account_signs_in_and_again_when_it_is_forgotten(guarded: Server) -> None:
    async with EtcdKVStore(addressed(guarded, "root:geheim")) as store:
        await store.set("a", b"1")
        assert await store.get("a") == b"1"
        guarded.kill()
        guarded.start()  # its tokens are gone with its memory
        await eventually(lambda: answers(store))
        assert await store.get("a") == b"1"


@pytest.mark.parametrize("account", ["root:falsch", "nobody:geheim"])
async def test_a_wrong_account_is_said_without_its_password(guarded: Server, account: str) -> None:
    async with EtcdKVStore(addressed(guarded, account)) as store:
        with pytest.raises(StoreError, match="authentication failed") as refused:
            await store.get("a")
        assert account.partition(":")[2] not in f"{refused.value}{store!r}"


async def test_without_an_account_a_guarded_server_refuses(guarded: Server) -> None:
    async with EtcdKVStore(guarded.url) as store:
        with pytest.raises(StoreError, match="user"):
            await store.set("a", b"1")


async def test_a_member_that_refuses_connections_is_passed_over(own_server: StartServer) -> None:
    server = own_server(EtcdServer)
    dead = free_ports(2)
    url = f"etcd://127.0.0.1:{dead[0]},127.0.0.1:{server.port},127.0.0.1:{dead[1]}"
    async with EtcdKVStore(url) as store, aclosing(store.watch()) as watch:
        assert (await told(watch)).outage is None
        await store.set("a", b"1")
        assert await store.get("a") == b"1"
        await mirrored(watch, {}, {"a": b"1"})


async def test_what_was_compacted_away_meanwhile_is_read_anew(own_server: StartServer) -> None:
    server = own_server(EtcdServer)
    async with EtcdKVStore(server.url, resync=0.5) as store, aclosing(store.watch()) as watch:
        await told(watch)
        server.kill()
        server.start()
        assert await store.keys() == []
        for number in range(20):
            await store.set("a", str(number))
        answer = await post(server, "/v3/kv/range", key=b64encode(b"creative_services/a").decode())
        await post(server, "/v3/kv/compaction", revision=answer["header"]["revision"], physical=True)
        mirror: dict[str, bytes | None] = {}
        await mirrored(watch, mirror, {"a": b"19"})
        await store.delete("a")
        await mirrored(watch, mirror, {})


def test_an_address_of_something_else_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="etcd://host:2379"):
        EtcdKVStore("http://127.0.0.1:2379")


async def test_something_else_at_the_address_is_said(own_server: StartServer) -> None:
    from tests.servers import ConsulDouble

    async with EtcdKVStore(f"etcd://127.0.0.1:{own_server(ConsulDouble).port}") as store:
        with pytest.raises(StoreError):
            await store.get("a")
