"""Requests that find a server whatever the others do; statuses, pauses, deadlines, streams and many at once."""

import asyncio
import time
from collections import Counter

import pytest

from creative_services.core.errors import ReplicaRefusedError, ReplicasExhaustedError
from creative_services.replicas import ModelRegistry, RegistryHTTPClient
from creative_services.stores.memory import MemoryKVStore
from tests.replicas.servers import ModelServer, model_servers


async def registry_of(*servers: ModelServer) -> ModelRegistry:
    store = MemoryKVStore()
    for server in servers:
        await ModelRegistry(store).register_server("http://127.0.0.1", server.port, {"model_path": "m"})
    return ModelRegistry(store)


async def test_an_answer_and_the_number_of_its_server() -> None:
    async with model_servers(1) as [server], RegistryHTTPClient(await registry_of(server), "m") as client:
        for _ in range(2):
            answer, number = await client.request_with_rotation("v1/completions", {"prompt": "Hello"}, timeout=30)
            assert answer == {"server": server.port}
            assert number == 0
        assert server.seen == [{"prompt": "Hello"}] * 2
        assert await client.get("/v1/models") == {"server": server.port}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
async def test_a_busy_or_broken_server_costs_no_call_and_no_pause(status: int) -> None:
    async with model_servers(2) as [bad, good], RegistryHTTPClient(await registry_of(bad, good), "m") as client:
        bad.status = status
        started = time.monotonic()
        for _ in range(50):
            answer, _ = await client.request_with_rotation("x", {})
            assert answer == {"server": good.port}
        assert time.monotonic() - started < 2.0
        # Five failures eject it, later ones test whether it is back.
        assert 1 <= len(bad.seen) <= 8


async def test_a_refused_connection_costs_no_call() -> None:
    async with model_servers(2) as [gone, good], RegistryHTTPClient(await registry_of(gone, good), "m") as client:
        await gone.stop()
        for _ in range(50):
            assert (await client.request_with_rotation("x", {}))[0] == {"server": good.port}


async def test_a_silent_server_is_left_for_another_one() -> None:
    async with model_servers(2) as [silent, good]:
        async with RegistryHTTPClient(await registry_of(silent, good), "m", patience=0.2, timeout=2) as client:
            silent.hangs = True
            for _ in range(10):
                assert (await client.request_with_rotation("x", {}))[0] == {"server": good.port}
        assert 1 <= len(silent.seen) <= 6


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_what_another_server_would_refuse_too_is_raised_at_once(status: int) -> None:
    async with model_servers(2) as servers, RegistryHTTPClient(await registry_of(*servers), "m") as client:
        for server in servers:
            server.status, server.body = status, {"error": "no such thing"}
        with pytest.raises(ValueError, match="no such thing") as caught:
            await client.request_with_rotation("x", {})
        assert isinstance(caught.value, ReplicaRefusedError)
        assert caught.value.status == status
        assert sum(len(server.seen) for server in servers) == 1


async def test_with_everybody_broken_the_tries_are_counted() -> None:
    async with model_servers(2) as servers, RegistryHTTPClient(await registry_of(*servers), "m") as client:
        for server in servers:
            server.status, server.body = 503, {"error": "Loading model"}
        with pytest.raises(RuntimeError, match="Loading model") as caught:
            await client.request_with_rotation("x", {}, timeout=30, max_retries=3)
        assert isinstance(caught.value, ReplicasExhaustedError)
        assert caught.value.__cause__ is not None
        assert [len(server.seen) for server in servers] == [2, 2]


async def test_a_total_outage_is_not_made_worse_by_repeating() -> None:
    async with model_servers(1) as [server], RegistryHTTPClient(await registry_of(server), "m") as client:
        server.status = 503
        for _ in range(60):
            with pytest.raises(ReplicasExhaustedError):
                await client.request_with_rotation("x", {}, timeout=5, max_retries=3)
        assert len(server.seen) <= 60 * 1.2 + 10


async def test_one_deadline_for_all_tries() -> None:
    async with model_servers(2) as servers, RegistryHTTPClient(await registry_of(*servers), "m") as client:
        for server in servers:
            server.hangs = True
        started = time.monotonic()
        with pytest.raises(ReplicasExhaustedError):
            await client.request_with_rotation("x", {}, timeout=0.5, max_retries=9)
        assert time.monotonic() - started < 2.0


async def test_a_server_that_asks_for_time_gets_it() -> None:
    async with model_servers(1) as [server], RegistryHTTPClient(await registry_of(server), "m") as client:
        server.status, server.headers = 429, {"Retry-After": "0.3"}

        async def mend() -> None:
            await asyncio.sleep(0.1)
            server.status = 200

        started = time.monotonic()
        mending = asyncio.create_task(mend())
        assert (await client.request_with_rotation("x", {}))[0] == {"server": server.port}
        assert time.monotonic() - started >= 0.3
        await mending


async def test_nobody_serves_the_model() -> None:
    async with RegistryHTTPClient(await registry_of(), "m") as client:
        with pytest.raises(RuntimeError, match="no server for the model 'm'"):
            await client.request_with_rotation("x", {})


async def test_bytes_that_are_no_json_come_from_a_broken_server() -> None:
    async with model_servers(2) as [bad, good], RegistryHTTPClient(await registry_of(bad, good), "m") as client:
        bad.body = b"<html>"
        for _ in range(10):
            assert (await client.request_with_rotation("x", {}))[0] == {"server": good.port}


async def test_many_requests_keep_their_order_and_their_limit() -> None:
    async with model_servers(2) as servers, RegistryHTTPClient(await registry_of(*servers), "m") as client:
        busiest, told = 0, []
        balancer = await client.registry.balancer("m")

        def progress(done: int, of: int) -> None:
            nonlocal busiest
            busiest = max(busiest, sum(balancer.in_flight(uri) for uri in balancer.pool))
            told.append((done, of))

        payloads = [{"prompt": number} for number in range(40)]
        results = await client.parallel_requests(
            "x", payloads, timeout=30, max_retries=3, max_parallel_requests=5, progress=progress
        )
        assert len(results) == 40
        assert told[-1] == (40, 40)
        assert busiest <= 5
        assert sorted(seen["prompt"] for server in servers for seen in server.seen) == list(range(40))
        assert min(Counter(result["server"] for result in results).values()) > 5
        assert await client.parallel_requests("x", []) == []


async def test_many_requests_end_with_the_first_failure_or_keep_it_in_its_place() -> None:
    async with model_servers(1) as [server], RegistryHTTPClient(await registry_of(server), "m") as client:
        server.status = 422
        with pytest.raises(ValueError, match="accepted"):
            await client.parallel_requests("x", [{}] * 20, max_parallel_requests=2)
        assert len(server.seen) <= 4
        kept = await client.parallel_requests("x", [{}] * 3, return_exceptions=True)
        assert [type(result) for result in kept] == [ReplicaRefusedError] * 3


async def test_a_stream_begins_elsewhere_but_never_again() -> None:
    async with model_servers(2) as [bad, good], RegistryHTTPClient(await registry_of(bad, good), "m") as client:
        bad.status = 503
        good.pieces = [b"one ", b"two"]
        for _ in range(5):
            assert b"".join([piece async for piece in client.stream("x", {})]) == b"one two"
        good.breaks_off = True
        seen = len(good.seen)
        with pytest.raises(Exception, match="broke off"):
            _ = [piece async for piece in client.stream("x", {})]
        assert len(good.seen) == seen + 1


async def test_a_stream_that_is_left_early_lets_its_server_go() -> None:
    async with model_servers(1) as [server], RegistryHTTPClient(await registry_of(server), "m") as client:
        server.pieces = [b"x"] * 1000
        stream = client.stream("x", {})
        assert await anext(stream) == b"x"
        await stream.aclose()
        balancer = await client.registry.balancer("m")
        assert balancer.in_flight(server.uri) == 0


async def test_a_cancelled_request_is_no_longer_in_flight() -> None:
    async with model_servers(1) as [server], RegistryHTTPClient(await registry_of(server), "m") as client:
        server.hangs = True
        asking = asyncio.create_task(client.request_with_rotation("x", {}))
        await asyncio.sleep(0.1)
        balancer = await client.registry.balancer("m")
        assert balancer.in_flight(server.uri) == 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert balancer.in_flight(server.uri) == 0
