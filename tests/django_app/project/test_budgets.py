"""Budgets of a site that begins anew: what its table says was spent is spent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from creative_services.core.budgets import Budget
from creative_services.llms.accounts import MemoryBudgets
from django_app.access.issuing import issue
from django_app.access.models import AccessKey
from django_app.llms.models import UsageTotal
from django_app.project.budgets import SiteBudgets
from django_app.project.spent import spent_before

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
TODAY, THIS_HOUR = NOW.replace(hour=0, minute=0), NOW.replace(minute=0)


def total(per: str, start: datetime, cost: str, *, client: str = "k-1", tier: str = "economy") -> None:
    UsageTotal.objects.create(per=per, start=start, cost=Decimal(cost), client=client, tier=tier, calls=1)


@pytest.mark.django_db
def test_each_account_has_what_its_window_cost() -> None:
    total("hour", THIS_HOUR, "1")
    total("hour", THIS_HOUR - timedelta(hours=1), "2")
    total("day", TODAY, "4")
    total("day", TODAY, "8", client="", tier="premium")
    total("day", TODAY - timedelta(days=1), "16")
    total("day", TODAY - timedelta(days=30), "32")
    spent = spent_before(NOW)
    assert spent["user:k-1:2026-11-21T14"] == 1
    assert spent["user:k-1:2026-11-21"] == 4
    assert spent["user:k-1:2026-11"] == 4 + 16
    assert spent["user:k-1:"] == 4 + 16 + 32
    assert spent["user:anonymous:2026-11-21"] == spent["tier:premium:2026-11-21"] == 8
    assert spent["client::2026-11-21"] == 4 + 8


@pytest.mark.django_db
def test_keys_of_one_account_share_what_was_spent() -> None:
    before, after = (issue("default", owner="shop").row for _ in range(2))
    AccessKey.objects.filter(pk=after.pk).update(account=before.account)
    total("day", TODAY, "1", client=before.key_id)
    total("day", TODAY, "2", client=after.key_id)
    assert spent_before(NOW)[f"user:{before.account}:2026-11-21"] == 3


@pytest.mark.django_db(transaction=True)
async def test_what_was_spent_is_not_to_be_had_again() -> None:
    account = Budget(limit=Decimal(5), scope="user").account(tier="economy", user="k-1", at=NOW)
    budgets = SiteBudgets(MemoryBudgets(), spent={account: Decimal(4)})
    await budgets.start()
    try:
        assert await budgets.reserve(account, Decimal(2), Decimal(5)) == 1, "one is left"
        assert await budgets.reserve(account, Decimal(1), Decimal(5)) is None
    finally:
        await budgets.stop()
