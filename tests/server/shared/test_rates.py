"""Limits of several workers together, leased from Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from creative_services.core.access import KeyRecord
from creative_services.server.shared import line
from creative_services.server.shared.line import Line
from creative_services.server.shared.rates import SharedRates
from tests.server.shared.conftest import USUAL_DEADLINE
from tests.servers import RedisServer

Make = Callable[[], Any]


@pytest.fixture
async def worker(redis: RedisServer) -> AsyncIterator[Make]:
    """``await worker()`` is one more worker."""
    async with AsyncExitStack() as stack:

        async def make() -> SharedRates:
            rates = SharedRates(Line(redis.url, now=time.monotonic), now=time.monotonic, workers=4)
            await rates.start()
            stack.push_async_callback(rates.stop)
            return rates

        yield make


def key(**limits: Any) -> KeyRecord:
    return KeyRecord(id="k", digest=bytes(32), **limits)


async def let_in(rates: SharedRates, record: KeyRecord, count: int) -> int:
    return [await rates.request(record) for _ in range(count)].count(None)


async def test_four_workers_let_through_exactly_the_limit(worker: Make) -> None:
    workers = [await worker() for _ in range(4)]
    record = key(requests_per_minute=1000)
    began = time.monotonic()
    passed = sum(await asyncio.gather(*(let_in(rates, record, 1000) for rates in workers)))
    flowed_in = 1000 * (time.monotonic() - began) / 60
    assert 1000 <= passed <= 1000 + flowed_in + 1


async def test_a_small_limit_too(worker: Make) -> None:
    workers = [await worker() for _ in range(4)]
    record = key(requests_per_minute=5)
    passed = sum(await asyncio.gather(*(let_in(rates, record, 20) for rates in workers)))
    assert 5 <= passed <= 6


async def test_a_refusal_says_how_long_to_wait(worker: Make) -> None:
    rates: SharedRates = await worker()
    record = key(requests_per_minute=60)
    await let_in(rates, record, 60)
    refusal = await rates.request(record)
    assert refusal is not None
    assert 0 < refusal.retry_after <= 1.5


async def test_a_busy_worker_seldom_asks(worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: SharedRates = await worker()
    asked = 0
    run = Line.run

    async def counted(self: Line, *arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return await run(self, *arguments)

    monkeypatch.setattr(Line, "run", counted)
    assert await let_in(rates, key(requests_per_minute=1_000_000), 10_000) == 10_000
    assert asked <= 101


async def test_what_one_worker_does_not_use_another_can(worker: Make) -> None:
    first, second = await worker(), await worker()
    record = key(requests_per_minute=800)
    assert await let_in(first, record, 1) == 1
    await asyncio.sleep(1.8)
    assert await let_in(second, record, 900) >= 799


async def test_tokens_are_settled(worker: Make) -> None:
    first, second = await worker(), await worker()
    record = key(tokens_per_minute=1000)
    assert await first.tokens(record, 900) is None
    first.settle(record, 900, 100)
    assert await first.tokens(record, 800) is None
    first.settle(record, 800, 900)
    assert await second.tokens(record, 200) is not None


async def test_redis_killed_each_worker_counts_its_share_and_goes_on_together_when_it_is_back(
    worker: Make, redis: RedisServer
) -> None:
    workers = [await worker() for _ in range(4)]
    record = key(requests_per_minute=400)
    for rates in workers:
        await rates.request(record)
    redis.kill()
    passed = [await let_in(rates, record, 300) for rates in workers]
    # A worker's share is a hundred; what it had leased before is used up first.
    assert all(100 <= count <= 100 + 50 + 5 for count in passed), passed
    assert {rates.mode for rates in workers} == {"local"}
    redis.start()
    await asyncio.sleep(1.2)
    for rates in workers:
        await rates.request(record)
    assert {rates.mode for rates in workers} == {"shared"}


async def test_a_redis_that_hangs_holds_no_call_for_long(
    worker: Make, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "DEADLINE", USUAL_DEADLINE)
    rates: SharedRates = await worker()
    record = key(requests_per_minute=100_000)
    redis.freeze()
    began = time.monotonic()
    assert await let_in(rates, record, 100) == 100
    assert time.monotonic() - began < 100 * USUAL_DEADLINE / 2, "one waits; a hundred would take all of it"
    redis.thaw()
