"""Four workers and a Redis, as processes: limits and budgets are one, and stay what they are when Redis is killed."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from creative_services.testing.vendors import Reply, Tokens, VendorServer
from tests.server.house import KEY, MESSAGES
from tests.server.served import HEADERS, Served
from tests.servers import RedisServer

pytestmark = pytest.mark.thorough

WORKERS = 4


@pytest.fixture
def serve(vendor: VendorServer, tmp_path: Path, redis: RedisServer) -> Iterator[Any]:
    started: list[Served] = []

    def start(options: str) -> Served:
        keys = f"tests={KEY};{options}"
        given = {"CREATIVE_SERVICES_GATEWAY_KEYS": keys, "REDIS_URL": redis.url, "CREATIVE_SERVICES_CONFIG": ""}
        started.append(Served(vendor, tmp_path / "state", workers=WORKERS, **given))
        return started[-1]

    yield start
    for each in started:
        each.close()


class Crowd:
    """Callers on connections of their own, so that every worker gets some."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.statuses: Counter[int] = Counter()
        self.codes: Counter[str] = Counter()
        self.spent = Decimal(0)

    async def ready(self) -> None:
        async with aiohttp.ClientSession() as session:
            await self._served.ready(session)

    async def ask(self, count: int, **members: Any) -> None:
        """So many calls from each of sixteen callers at once."""
        await asyncio.gather(*(self._caller(count, members) for _ in range(16)))

    async def _caller(self, count: int, members: dict[str, Any]) -> None:
        body = {"model": "economy", "messages": MESSAGES, **members}
        for _ in range(count):
            # A new connection each time: workers take turns at connections, not at requests.
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{self._served.url}/v1/chat/completions", json=body, headers=HEADERS) as response,
            ):
                self.statuses[response.status] += 1
                document = await response.json()
                if response.status == 200:
                    self.spent += Decimal(response.headers["x-llm-cost"])
                else:
                    self.codes[document["error"]["code"]] += 1


async def test_a_rate_is_one_for_four_workers_and_each_counts_its_share_without_redis(
    serve: Any, redis: RedisServer
) -> None:
    served: Served = serve("rpm=120")
    crowd = Crowd(served)
    await crowd.ready()
    began = asyncio.get_running_loop().time()
    await crowd.ask(20)
    flowed_in = 120 * (asyncio.get_running_loop().time() - began) / 60
    assert 120 <= crowd.statuses[200] <= 120 + flowed_in + 1
    assert crowd.statuses[200] + crowd.statuses[429] == 320
    assert set(crowd.codes) == {"rate_limit_exceeded"}

    redis.kill()
    alone = Crowd(served)
    began = asyncio.get_running_loop().time()
    await alone.ask(25)
    flowed_in = 120 * (asyncio.get_running_loop().time() - began) / 60
    # Each counts a quarter now, from a bucket of its own that is full: together no more than one minute's worth.
    assert 0 < alone.statuses[200] <= 120 + flowed_in + WORKERS
    assert alone.statuses[200] + alone.statuses[429] == 400, "a rate never closes the door"
    assert served.process.poll() is None


async def test_a_budget_is_one_for_four_workers_and_closes_without_redis(
    serve: Any, redis: RedisServer, vendor: VendorServer
) -> None:
    # A thousand tokens out of gpt-6-luna, or whoever stands in its place, cost the same each time.
    vendor.default = Reply(text="x", usage=Tokens(input=0, output=1000), delay=0.01)
    served: Served = serve("day=0.05")
    crowd = Crowd(served)
    await crowd.ready()
    await crowd.ask(15, max_tokens=1000)
    price = crowd.spent / crowd.statuses[200]
    assert crowd.spent <= Decimal("0.05")
    assert crowd.statuses[200] + crowd.statuses[429] == 240
    # What one worker had leased and not spent goes back, and is there for the others.
    await asyncio.sleep(2.5)
    await crowd.ask(10, max_tokens=1000)
    assert Decimal("0.05") - 2 * price <= crowd.spent <= Decimal("0.05")
    assert set(crowd.codes) == {"insufficient_quota"}

    redis.kill()
    alone = Crowd(served)
    await alone.ask(5, max_tokens=1000)
    assert not alone.spent, "a budget nobody can look up was spent"
    assert set(alone.codes) <= {"limits_unavailable", "insufficient_quota"}
    assert "limits_unavailable" in alone.codes

    redis.start()
    await asyncio.sleep(1.5)
    back = Crowd(served)
    await back.ask(3, max_tokens=1000)
    assert set(back.codes) == {"insufficient_quota"}, "what was spent before is forgotten"
    served.stop()
    assert sum((record.cost for record in served.ledger() if record.cost), Decimal(0)) == crowd.spent
