"""Budgets of several workers together: never passed, and closed while Redis is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from creative_services.core.errors import StoreUnreachableError
from creative_services.server.shared.budgets import SharedBudgets, units
from creative_services.server.shared.line import Line
from creative_services.testing.vendors import Reply, Tokens, VendorServer
from tests.server.house import KEY, House
from tests.servers import RedisServer

Make = Callable[[], Any]
ACCOUNT = "user:ada:2030-01-01"


@pytest.fixture
async def worker(redis: RedisServer) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def make() -> SharedBudgets:
            budgets = SharedBudgets(Line(redis.url, now=time.monotonic), now=time.monotonic)
            await budgets.start()
            stack.push_async_callback(budgets.stop)
            return budgets

        yield make


def usd(amount: str) -> Decimal:
    return Decimal(amount)


async def test_four_workers_spend_up_to_the_limit_and_not_beyond(worker: Make) -> None:
    workers = [await worker() for _ in range(4)]
    random = Random(5)
    spent = usd("0")

    async def spend(budgets: SharedBudgets) -> int:
        nonlocal spent
        refused = 0
        while refused < 20:
            worst = usd("0.01")
            if await budgets.reserve(ACCOUNT, worst, usd("5")) is not None:
                refused += 1
                await asyncio.sleep(0.005)
                continue
            await asyncio.sleep(0)
            actual = worst * random.randrange(1, 11) / 10
            await budgets.settle(ACCOUNT, worst, actual)
            spent += actual
        return refused

    await asyncio.gather(*map(spend, workers))
    assert spent <= usd("5")
    await asyncio.sleep(1.8)  # what was leased and not spent has gone back
    await asyncio.gather(*map(spend, workers))
    assert usd("4.98") <= spent <= usd("5")


async def test_a_refusal_says_what_is_left(worker: Make) -> None:
    budgets: SharedBudgets = await worker()
    assert await budgets.reserve(ACCOUNT, usd("0.7"), usd("1")) is None
    assert await budgets.reserve(ACCOUNT, usd("0.7"), usd("1")) == usd("0.3")


async def test_another_worker_knows_what_was_spent(worker: Make) -> None:
    first, second = await worker(), await worker()
    assert await first.reserve(ACCOUNT, usd("0.9"), usd("1")) is None
    await first.settle(ACCOUNT, usd("0.9"), usd("0.6"))
    await asyncio.sleep(1.8)
    assert await second.reserve(ACCOUNT, usd("0.5"), usd("1")) == usd("0.4")
    assert await second.reserve(ACCOUNT, usd("0.4"), usd("1")) is None


async def test_a_cached_token_of_a_small_model_is_not_rounded_away() -> None:
    assert units(usd("0.00000001")) == 100
    assert units(usd("0.00000000001"), up=True) == 1


async def test_redis_away_nothing_more_is_spent_than_was_leased(worker: Make, redis: RedisServer) -> None:
    budgets: SharedBudgets = await worker()
    assert await budgets.reserve(ACCOUNT, usd("0.01"), usd("5")) is None
    redis.kill()
    spent = usd("0.01")
    with pytest.raises(StoreUnreachableError):
        for _ in range(1000):
            assert await budgets.reserve(ACCOUNT, usd("0.01"), usd("5")) is None
            spent += usd("0.01")
    assert spent <= usd("0.63"), "more than an eighth of the budget"


async def test_a_restarted_redis_remembers(worker: Make, redis: RedisServer) -> None:
    budgets: SharedBudgets = await worker()
    assert await budgets.reserve(ACCOUNT, usd("4"), usd("5")) is None
    redis.kill()
    with pytest.raises(StoreUnreachableError):
        await budgets.reserve(ACCOUNT, usd("4"), usd("5"))
    redis.start()
    await asyncio.sleep(1.2)
    assert await budgets.reserve(ACCOUNT, usd("4"), usd("5")) == usd("1")


async def test_callers_are_told_in_their_shape(open_house: Any, redis: RedisServer, vendor: VendorServer) -> None:
    house: House = await open_house(keys=f"{KEY};day=5;rpm=1000", settings={"redis_url": redis.url})
    vendor.default = Reply(text="x", usage=Tokens(input=100, output=100))
    assert (await house.ask(max_tokens=100)).status == 200
    redis.kill()
    said = await house.ask(max_tokens=100_000)
    assert (said.status, said.document["error"]["code"]) == (503, "limits_unavailable")
    redis.start()
    await asyncio.sleep(1.2)
    assert (await house.ask(max_tokens=100_000)).status == 200


async def test_two_gateways_one_limit(open_house: Any, redis: RedisServer) -> None:
    given: dict[str, Any] = {"keys": f"{KEY};rpm=20", "settings": {"redis_url": redis.url}}
    first, second = await open_house(**given), await open_house(**given)
    answers = await asyncio.gather(*(house.ask() for house in (first, second) for _ in range(30)))
    assert 20 <= [said.status for said in answers].count(200) <= 21
