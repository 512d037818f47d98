"""The double of a Consul agent, driven by py-consul: a client that was written by others, for the real one."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import consul.aio
import pytest
from yarl import URL

from creative_services.core.errors import ConfigurationError, StoreError, StoreRefusedError
from creative_services.stores.consul import ConsulKVStore
from creative_services.stores.consul_api import Consul
from creative_services.testing.store_powers import eventually, told
from tests.servers import ConsulDouble
from tests.stores.conftest import StartServer

pytestmark = pytest.mark.thorough


@pytest.fixture
def port(own_server: StartServer) -> int:
    return own_server(ConsulDouble).port


@pytest.fixture
async def client(port: int) -> AsyncIterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the way py-consul 1.8 calls aiohttp
        client = consul.aio.Consul(host="127.0.0.1", port=port)
    yield client
    await client.close()


class TestTheDouble:
    async def test_keys_and_values(self, client: Any) -> None:
        assert await client.kv.put("a/b", "1", flags=7)
        index, entry = await client.kv.get("a/b")
        assert (entry["Value"], entry["Flags"], entry["LockIndex"]) == (b"1", 7, 0)
        assert entry["CreateIndex"] == entry["ModifyIndex"] == int(index)
        assert (await client.kv.get("nothing"))[1] is None
        assert await client.kv.put("a/c", "")
        _, entries = await client.kv.get("a/", recurse=True)
        assert [(each["Key"], each["Value"]) for each in entries] == [("a/b", b"1"), ("a/c", None)]
        assert (await client.kv.get("a", keys=True, separator="/"))[1] == ["a/"]
        assert await client.kv.delete("a/", recurse=True)
        assert (await client.kv.get("a/", recurse=True))[1] is None

    async def test_guarded_writes(self, client: Any) -> None:
        assert await client.kv.put("a", "1", cas=0)
        assert not await client.kv.put("a", "2", cas=0)
        _, entry = await client.kv.get("a")
        assert await client.kv.put("a", "2", cas=entry["ModifyIndex"])
        assert not await client.kv.put("a", "3", cas=entry["ModifyIndex"])
        assert not await client.kv.delete("a", cas=entry["ModifyIndex"])
        assert (await client.kv.get("a"))[1]["Value"] == b"2"

    async def test_the_same_again_moves_no_index(self, client: Any) -> None:
        await client.kv.put("a", "1")
        _, before = await client.kv.get("a")
        await client.kv.put("a", "1")
        assert (await client.kv.get("a"))[1] == before

    async def test_waiting_for_a_change(self, client: Any) -> None:
        await client.kv.put("a/b", "1")
        index, _ = await client.kv.get("a/", recurse=True)
        waiting = asyncio.create_task(client.kv.get("a/", index=index, wait="30s", recurse=True))
        await client.kv.put("elsewhere", "1")
        await asyncio.sleep(0.1)
        assert not waiting.done(), "a change elsewhere is no change here"
        await client.kv.delete("a/b")
        latest, entries = await waiting
        assert int(latest) > int(index)
        assert entries is None

    async def test_waiting_in_vain_ends(self, client: Any) -> None:
        index, _ = await client.kv.get("a")
        latest, entry = await client.kv.get("a", index=index, wait="100ms")
        assert (latest, entry) == (index, None)

    async def test_sessions_and_locks(self, client: Any) -> None:
        mine, other = await client.session.create(ttl=10, lock_delay=0), await client.session.create(ttl=10)
        assert await client.kv.put("lock", "mine", acquire=mine)
        assert not await client.kv.put("lock", "other", acquire=other)
        assert (await client.kv.get("lock"))[1]["Session"] == mine
        assert (await client.kv.get("lock"))[1]["LockIndex"] == 1
        assert (await client.session.renew(mine))["ID"] == mine
        assert await client.kv.put("lock", "free", release=mine)
        assert await client.kv.put("lock", "other", acquire=other)
        assert await client.session.destroy(other)
        assert "Session" not in (await client.kv.get("lock"))[1]
        with pytest.raises(consul.NotFound):
            await client.session.renew(other)

    async def test_a_session_that_deletes(self, client: Any) -> None:
        session = await client.session.create(ttl=10, behavior="delete")
        await client.kv.put("lock", "mine", acquire=session)
        await client.session.destroy(session)
        assert (await client.kv.get("lock"))[1] is None

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("PUT", "/v1/kv/", b"1", 400),
            ("PUT", "/v1/kv/a", b"x" * (512 * 1024 + 1), 413),
            ("PUT", "/v1/kv/a?flags=many", b"1", 400),
            ("PUT", "/v1/kv/a//b", b"1", 301),
            ("PUT", "/v1/kv/../a", b"1", 301),
            ("PUT", "/v1/kv/a%00", b"1", 400),
            ("PUT", "/v1/session/create", b'{"TTL": "5s"}', 400),
            ("GET", "/v1/kv/nothing", None, 404),
        ],
    )
    async def test_it_is_as_particular_as_an_agent(
        self, port: int, method: str, path: str, body: bytes | None, status: int
    ) -> None:
        url = URL(f"http://127.0.0.1:{port}{path}", encoded=True)
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, allow_redirects=False) as response,
        ):
            assert response.status == status


class TestOurStore:
    async def test_the_documented_way_to_open_it(self, port: int) -> None:
        async with Consul(f"http://127.0.0.1:{port}") as agent:
            store = ConsulKVStore(agent, prefix="services/")
            await store.set("a", b"1")
            assert await store.keys() == ["a"]

    async def test_what_one_wrote_the_other_reads(self, port: int, client: Any) -> None:
        async with ConsulKVStore(client, prefix="services/") as store:
            await store.set("server_1", b"ours")
            assert (await client.kv.get("services/server_1"))[1]["Value"] == b"ours"
            await client.kv.put("services/server_2", "theirs")
            await client.kv.put("elsewhere/server_3", "not ours")
            assert await store.read_many() == {"server_1": b"ours", "server_2": b"theirs"}

    async def test_other_clients_lend_their_address_and_token(self, port: int) -> None:
        class AioConsul:
            address, token = f"http://127.0.0.1:{port}", "geheim"

        async with ConsulKVStore(AioConsul()) as store:
            await store.set("a", b"1")
            assert store.name == AioConsul.address
            assert "geheim" not in f"{store!r} {vars(store._consul)}"

    def test_what_is_no_client_is_said(self) -> None:
        with pytest.raises(ConfigurationError, match="address"):
            ConsulKVStore(object())

    async def test_the_address_may_come_from_the_environment(self, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONSUL_HTTP_ADDR", f"127.0.0.1:{port}")
        async with ConsulKVStore() as store:
            assert await store.keys() == []

    async def test_a_redirect_is_an_error_and_not_followed(self, port: int) -> None:
        async with ConsulKVStore(f"http://127.0.0.1:{port}", prefix="a//b/") as store:
            with pytest.raises(StoreError, match="301"):
                await store.set("a", b"1")

    async def test_the_silent_are_deleted_by_who_saw_it(self, port: int, client: Any) -> None:
        async with ConsulKVStore(f"http://127.0.0.1:{port}") as store:
            await store.set_expiring("a", b"1", 0.2)
            await eventually(lambda: self._buried(store, client))

    @staticmethod
    async def _buried(store: ConsulKVStore, client: Any) -> bool:
        return await store.read_many() == {} and (await client.kv.get("services/a"))[1] is None

    async def test_a_tree_restored_from_a_backup_is_read_anew(self, own_server: StartServer) -> None:
        server = own_server(ConsulDouble)
        async with ConsulKVStore(server.url, timeout=2, resync=0.3) as store:
            for number in range(20):
                await store.set("a", str(number))
            async with aclosing(store.watch()) as watch:
                assert (await told(watch)).values == {"a": b"19"}
                server.kill()
                (server.folder / "journal").unlink()
                server.start()
                while (await told(watch)).values != {"a": None}:
                    pass
                await store.set("a", b"new")
                assert (await told(watch)).values == {"a": b"new"}

    async def test_a_value_too_large_is_refused_in_consuls_words(self, port: int) -> None:
        async with ConsulKVStore(f"http://127.0.0.1:{port}") as store:
            with pytest.raises(StoreRefusedError, match="too large"):
                await store.set("a", b"x" * 600_000)
