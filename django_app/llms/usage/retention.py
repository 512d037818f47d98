"""Letting old usage go: single rows and hours after USAGE_DAYS, while the sums of days stay."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from django_app.llms import conf
from django_app.llms.models import BudgetAccount, Usage, UsageSpool, UsageTotal, Worker

# A worker that was silent for a day is no worker any more.
_GONE = timedelta(days=1)


def old_rows(using: str, days: int | None = None) -> dict[str, "QuerySet[Any]"]:
    """What would go, by its name."""
    now = timezone.now()
    before = _whole_day(now - timedelta(days=days or conf.current().usage_days))
    return {
        "usage rows": Usage.objects.using(using).filter(at__lt=before),
        "hourly totals": UsageTotal.objects.using(using).filter(per=UsageTotal.Per.HOUR, start__lt=before),
        # An account that never ends has no window after its last colon.
        "budget accounts": BudgetAccount.objects.using(using)
        .filter(changed_at__lt=before)
        .exclude(account__endswith=":"),
        "spools": UsageSpool.objects.using(using).filter(seen_at__lt=before),
        "workers": Worker.objects.using(using).filter(seen_at__lt=now - _GONE),
    }


def _whole_day(moment: datetime) -> datetime:
    # A day that is summed up again must still have all its hours.
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def delete_in_steps(rows: "QuerySet[Any]", most: int = 5000) -> Iterator[int]:
    """Delete a few thousand at a time, so that nobody waits long for a lock; the number of each step."""
    manager = rows.model._base_manager.using(rows.db)
    while keys := list(rows.order_by().values_list("pk", flat=True)[:most]):
        manager.filter(pk__in=keys)._raw_delete(rows.db)
        yield len(keys)
