"""What the accounts of budgets had spent before this process began, from the totals of the usage table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, get_args

from django.db.models import Sum

from creative_services.core.budgets import Budget, Per, Scope
from django_app.access.models import AccessKey
from django_app.llms.models import UsageTotal

_EVER: Final = datetime.min.replace(tzinfo=UTC)


def spent_before(now: datetime) -> Mapping[str, Decimal]:
    """USD by the name of the account, for every kind of budget there can be."""
    owners = dict(AccessKey.objects.order_by().values_list("key_id", "account"))
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for per in get_args(Per):
        for row in _sums(per, now):
            # Keys of one account share its budgets; one of the environment is an account of its own.
            user = owners.get(row["client"], row["client"]) or None
            for scope in get_args(Scope):
                account = Budget(limit=Decimal(0), per=per, scope=scope).account(tier=row["tier"], user=user, at=now)
                found[account] += row["usd"]
    return found


def _sums(per: Per, now: datetime) -> Iterable[Mapping[str, Any]]:
    size = UsageTotal.Per.HOUR if per == "hour" else UsageTotal.Per.DAY
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    begin = {"hour": hour, "day": day, "month": day.replace(day=1), "ever": _EVER}[per]
    totals = UsageTotal.objects.filter(per=size, start__gte=begin).order_by()
    return totals.values("client", "tier").annotate(usd=Sum("cost"))
