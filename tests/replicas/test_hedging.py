"""A second server asked when the first is late: the tail falls, the loser is cut off, and only a few are asked."""

import asyncio
import time

import pytest

from creative_services.core.hedging import Hedge, HedgingRules
from creative_services.replicas import RegistryHTTPClient
from tests.replicas.servers import ModelServer, model_servers
from tests.replicas.test_http_client import registry_of

CALLS = 400
# At once, so that short tests can hedge; the share is what is being tested elsewhere.
EAGER = HedgingRules(share=1.0, enough=5, least=0.05)


async def taught(client: RegistryHTTPClient, calls: int = 10) -> None:
    """The client knows what is usual."""
    for _ in range(calls):
        await client.request_with_rotation("x", {})


async def worst_hundredth(hedging: HedgingRules | None) -> tuple[float, int]:
    """(p99, requests that servers saw). Each server pauses now and then; one that always did would be avoided."""
    async with model_servers(3) as servers:
        for server in servers:
            server.slow_every, server.slow_seconds = 40, 0.3
        async with RegistryHTTPClient(await registry_of(*servers), "m", hedging=hedging) as client:
            taken = []
            for _ in range(CALLS):
                started = time.monotonic()
                await client.request_with_rotation("x", {})
                taken.append(time.monotonic() - started)
        return sorted(taken)[int(CALLS * 0.99)], sum(len(server.seen) for server in servers)


async def test_the_worst_hundredth_falls_for_a_twentieth_more_calls() -> None:
    plain, seen = await worst_hundredth(None)
    hedged, more = await worst_hundredth(HedgingRules())
    assert plain >= 0.3
    assert hedged < plain / 2
    assert seen == CALLS
    assert CALLS < more <= CALLS * 1.05


async def late_and_fast(servers: list[ModelServer], client: RegistryHTTPClient) -> tuple[ModelServer, ModelServer]:
    """(the next one to be asked, which is late now; the other)."""
    await taught(client)
    balancer = await client.registry.balancer("m")
    balancer._chance = lambda: 0.0
    first = balancer.choose()
    late, fast = sorted(servers, key=lambda server: server.uri != first)
    late.delay = 5.0
    return late, fast


async def test_the_loser_is_cancelled_seen_and_told() -> None:
    told: list[Hedge] = []
    async with model_servers(2) as servers:
        registry = await registry_of(*servers)
        async with RegistryHTTPClient(registry, "m", hedging=EAGER, on_hedge=told.append) as client:
            late, fast = await late_and_fast(servers, client)
            started = time.monotonic()
            answer, _ = await client.request_with_rotation("x", {})
            assert answer == {"server": fast.port}
            assert time.monotonic() - started < 3
            async with asyncio.timeout(5):
                while not late.abandoned:
                    await asyncio.sleep(0.01)
            (hedge,) = told
            assert (hedge.late, hedge.second, hedge.winner) == (late.uri, fast.uri, fast.uri)
            assert hedge.wasted >= hedge.waited >= 0.05
            balancer = await registry.balancer("m")
            assert balancer.in_flight(late.uri) == balancer.in_flight(fast.uri) == 0
            # Being outrun is no failure, but it is remembered as slow.
            assert balancer.standing(late.uri).breaker.failures == 0
            assert (balancer.standing(late.uri).latency or 0) > (balancer.standing(fast.uri).latency or 0)


async def test_a_late_answer_still_counts_when_the_second_server_fails() -> None:
    told: list[Hedge] = []
    async with model_servers(2) as servers:
        registry = await registry_of(*servers)
        async with RegistryHTTPClient(registry, "m", hedging=EAGER, on_hedge=told.append) as client:
            late, other = await late_and_fast(servers, client)
            late.delay, other.status = 0.5, 503
            assert (await client.request_with_rotation("x", {}))[0] == {"server": late.port}
            assert [hedge.winner for hedge in told] == [late.uri]


async def test_when_both_fail_the_rotation_goes_on() -> None:
    async with model_servers(3) as servers:
        registry = await registry_of(*servers)
        async with RegistryHTTPClient(registry, "m", hedging=EAGER) as client:
            await taught(client)
            for server in servers:
                server.delay, server.status = 0.1, 503
            servers[2].status = 200
            for _ in range(6):
                assert (await client.request_with_rotation("x", {}))[0] == {"server": servers[2].port}


async def test_a_caller_who_leaves_takes_both_along() -> None:
    async with model_servers(2) as servers:
        registry = await registry_of(*servers)
        async with RegistryHTTPClient(registry, "m", hedging=EAGER) as client:
            await taught(client)
            learned = client._racer.hedging.answers if client._racer else ()
            for server in servers:
                server.delay = 5.0
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.6):
                    await client.request_with_rotation("x", {})
            async with asyncio.timeout(5):
                while [server.abandoned for server in servers] != [1, 1]:
                    await asyncio.sleep(0.01)
            assert client._racer is not None
            assert client._racer.hedging.answers == learned


async def test_a_stream_is_never_asked_twice() -> None:
    async with model_servers(2) as servers:
        registry = await registry_of(*servers)
        async with RegistryHTTPClient(registry, "m", hedging=EAGER) as client:
            await taught(client)
            for server in servers:
                server.seen.clear()
                server.delay, server.pieces = 0.4, [b"a", b"b"]
            assert b"".join([piece async for piece in client.stream("x", {})]) == b"ab"
            assert sum(len(server.seen) for server in servers) == 1
