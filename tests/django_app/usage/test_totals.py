"""Sums are those of the rows, however often and in whatever order they are made."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from django_app.llms.models import Usage, UsageNews, UsageTotal, Worker
from django_app.llms.usage.totals import roll_up

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)


def use(at: datetime = NOON, **more: Any) -> Usage:
    fields: dict[str, Any] = {
        "call_id": "c", "tier": "economy", "llm_id": 1, "entry": "One", "cost": Decimal("0.5"),
        "input_tokens": 10, "output_tokens": 5, "seconds": 1.5, **more,
    }  # fmt: skip
    UsageNews.objects.create(hour=at.replace(minute=0))
    return Usage.objects.create(at=at, **fields)


def sums(per: str) -> list[tuple[Any, ...]]:
    names = ("start", "llm_id", "calls", "attempts", "failed", "cost", "unpriced", "input_tokens")
    return list(UsageTotal.objects.filter(per=per).order_by("start", "llm_id").values_list(*names))


def test_an_hour_and_its_day() -> None:
    use()
    use(outcome="OverloadedError", is_final=False, cost=None, input_tokens=0, output_tokens=0)
    use(NOON + timedelta(hours=2), cost=None)
    use(NOON, attempt=0, llm_id=None, entry="", cost=None, input_tokens=0, output_tokens=0)
    assert roll_up("default") == 2
    noon, midnight = NOON.replace(minute=0), NOON.replace(hour=0, minute=0)
    assert sums("hour") == [
        (noon, 0, 1, 0, 0, Decimal(0), 0, 0),
        (noon, 1, 1, 2, 1, Decimal("0.5"), 0, 10),
        (noon + timedelta(hours=2), 1, 1, 1, 0, Decimal(0), 1, 10),
    ]
    assert sums("day") == [
        (midnight, 0, 1, 0, 0, Decimal(0), 0, 0),
        (midnight, 1, 2, 3, 1, Decimal("0.5"), 1, 20),
    ]


def test_summing_twice_changes_nothing_and_a_late_row_is_taken_in() -> None:
    use()
    roll_up("default")
    before = sums("hour") + sums("day")
    assert roll_up("default") == 0
    UsageNews.objects.create(hour=NOON.replace(minute=0))
    assert roll_up("default") == 1
    assert sums("hour") + sums("day") == before
    use()
    roll_up("default")
    assert [each[2] for each in sums("day")] == [2]


def test_prune_keeps_the_days(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    use(now - timedelta(days=200))
    use(now)
    Worker.objects.create(name="gone", started_at=now, seen_at=now - timedelta(days=2))
    roll_up("default")
    call_command("llms", "prune", "--usage", "--dry-run")
    assert "would be deleted" in capsys.readouterr().out
    assert Usage.objects.count() == 2
    call_command("llms", "prune", "--usage")
    assert (Usage.objects.count(), len(sums("hour")), len(sums("day")), Worker.objects.count()) == (1, 1, 2, 0)
