"""Rates and budgets of a key, in one process."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.access import KeyRecord
from creative_services.server.access.limits import Bucket, LocalRates
from creative_services.testing.vendors import Reply, Tokens, VendorServer
from tests.server.house import ANTHROPIC, KEY, House


class TestABucket:
    def test_holds_a_minutes_worth_and_fills_evenly(self) -> None:
        bucket = Bucket(60)
        assert all(bucket.take(1, now=0.0) == 0.0 for _ in range(60))
        assert bucket.take(1, now=0.0) == pytest.approx(1.0)
        assert bucket.take(1, now=0.5) == pytest.approx(0.5)
        assert bucket.take(1, now=1.0) == 0.0
        assert bucket.take(1, now=1.0) > 0

    def test_what_was_not_used_can_be_used(self) -> None:
        bucket = Bucket(100)
        assert bucket.take(100, now=0.0) == 0.0
        bucket.correct(100, 30, now=0.0)
        assert bucket.left(0.0) == 70
        assert bucket.take(70, now=0.0) == 0.0

    def test_a_debt_is_paid_first(self) -> None:
        bucket = Bucket(60)
        bucket.take(10, now=0.0)
        bucket.correct(10, 120, now=0.0)
        assert bucket.take(1, now=0.0) == pytest.approx(61.0)

    def test_more_than_it_holds_needs_a_full_one(self) -> None:
        bucket = Bucket(10)
        assert bucket.take(1000, now=0.0) == 0.0
        assert bucket.take(1, now=0.0) > 0

    @given(st.integers(1, 500), st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), max_size=200))
    def test_never_more_than_a_bucketful_and_what_has_flowed_in(
        self, limit: int, asks: list[tuple[float, int]]
    ) -> None:
        bucket, now, taken = Bucket(limit), 0.0, 0
        for pause, amount in asks:
            now += pause
            amount = min(amount, limit)
            if bucket.take(amount, now) == 0.0:
                taken += amount
        assert taken <= limit + limit * now / 60 + 1e-3


class TestRates:
    async def test_an_edited_limit_holds_at_once_and_another_edit_fills_nothing(self) -> None:
        rates = LocalRates(now=lambda: 0.0)
        key = KeyRecord(id="k", digest=bytes(32), requests_per_minute=2)
        assert await rates.request(key) is None
        renamed = KeyRecord(id="k", digest=bytes(32), requests_per_minute=2, owner="new")
        assert await rates.request(renamed) is None
        assert await rates.request(renamed) is not None
        raised = KeyRecord(id="k", digest=bytes(32), requests_per_minute=4)
        assert await rates.request(raised) is None

    async def test_a_share_of_the_limit(self) -> None:
        rates = LocalRates(now=lambda: 0.0, share=0.25)
        key = KeyRecord(id="k", digest=bytes(32), requests_per_minute=100)
        assert [await rates.request(key) is None for _ in range(30)].count(True) == 25


async def test_requests_per_minute_are_exact_under_concurrency(open_house: Any) -> None:
    house: House = await open_house(keys=f"{KEY};rpm=10")
    answers = await asyncio.gather(*(house.ask() for _ in range(40)))
    assert [said.status for said in answers].count(200) == 10
    refused = [said for said in answers if said.status == 429]
    assert len(refused) == 30
    assert all(1 <= int(said.headers["retry-after"]) <= 60 for said in refused)
    assert refused[0].document["error"]["code"] == "rate_limit_exceeded"
    said = await house.ask(ANTHROPIC)
    assert said.document["error"]["type"] == "rate_limit_error"


async def test_tokens_per_minute_are_set_aside_and_given_back(open_house: Any, vendor: VendorServer) -> None:
    house: House = await open_house(keys=f"{KEY};tpm=1000")
    vendor.default = Reply(text="x", usage=Tokens(input=50, output=50))
    # Each could use 400 and more; what it did not use is there for the next.
    statuses = [(await house.ask(max_tokens=400)).status for _ in range(9)]
    assert statuses.count(200) >= 6
    vendor.default = Reply(text="x", usage=Tokens(input=5000, output=5000))
    await house.ask(max_tokens=50)
    assert (await house.ask(max_tokens=50)).status == 429


async def test_a_budget_is_never_passed_whatever_comes_at_once(open_house: Any, vendor: VendorServer) -> None:
    # Each call may cost 0.001 * 2 / 1000 for its prompt and 0.002 for a thousand tokens of its answer.
    house: House = await open_house(keys=f"{KEY};day=0.02")
    vendor.default = Reply(text="x", usage=Tokens(input=0, output=1000), delay=0.02)
    answers = await asyncio.gather(*(house.ask(max_tokens=1000) for _ in range(40)))
    spent = sum(Decimal(said.headers["x-llm-cost"]) for said in answers if said.status == 200)
    assert Decimal("0.014") <= spent <= Decimal("0.02")
    refused = [said for said in answers if said.status == 429]
    assert refused
    assert refused[0].document["error"]["code"] == "insufficient_quota"
    assert refused[0].headers["x-should-retry"] == "false"


async def test_where_money_is_counted_an_answer_has_a_bound(open_house: Any, vendor: VendorServer) -> None:
    house: House = await open_house(keys=f"{KEY};month=100")
    await house.ask()
    await house.ask(max_tokens=7)
    await house.ask(ANTHROPIC)
    await house.ask("/v1/responses", model="economy", input="x")
    first, second, third, fourth = (seen.body for seen in vendor.requests)
    assert first["max_completion_tokens"] == 4096
    assert (second["max_tokens"], "max_completion_tokens" in second) == (7, False)
    assert third["max_completion_tokens"] == 50
    assert fourth["max_completion_tokens"] == 4096


async def test_an_entry_without_a_price_has_no_place_in_a_budget(open_house: Any) -> None:
    house: House = await open_house(keys=f"{KEY};day=5")
    house.registry.replace(house.registry.get_by_id(1).using(cost_per_1k_input=None, cost_per_1k_output=None))
    said = await house.ask(model="llm:1")
    assert said.status == 429
    assert "no known price" in said.document["error"]["message"]


async def test_keys_of_one_account_share_its_bucket() -> None:
    """An old key and its successor together get what one of them had."""
    rates = LocalRates(now=lambda: 0.0)
    old = KeyRecord(id="old", digest=bytes(32), requests_per_minute=2)
    new = KeyRecord(id="new", account="old", digest=b"1" * 32, requests_per_minute=2)
    assert [await rates.request(key) for key in (old, new)] == [None, None]
    assert await rates.request(old) is not None
    assert await rates.request(new) is not None
