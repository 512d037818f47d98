"""What accounts have spent, from the totals of the usage table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Q, Sum
from django.utils import timezone

from django_app.access.models import AccessKey
from django_app.llms.models import UsageTotal

_DAY: Final = UsageTotal.Per.DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """In USD, by the UTC calendar that budgets keep."""

    day: Decimal = Decimal(0)
    month: Decimal = Decimal(0)


NOTHING: Final = Spent()


def spent_by(accounts: Iterable[str], using: str) -> Mapping[str, Spent]:
    """Today's and this month's spending of each account, in two queries."""
    keys = AccessKey.objects.using(using).filter(account__in=set(accounts)).order_by()
    account_of = dict(keys.values_list("key_id", "account"))
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    totals = UsageTotal.objects.using(using).filter(per=_DAY, start__gte=today.replace(day=1), client__in=account_of)
    sums = totals.order_by().values("client").annotate(month=Sum("cost"), day=Sum("cost", filter=Q(start__gte=today)))
    found: dict[str, Spent] = {}
    for each in sums:
        account = account_of[each["client"]]
        before = found.get(account, NOTHING)
        found[account] = Spent(day=before.day + (each["day"] or 0), month=before.month + (each["month"] or 0))
    return found


def calls_of(key_ids: Iterable[str], using: str) -> Mapping[str, int]:
    """How many calls each of these keys made in the last 24 hours: who would notice if it ended."""
    since = timezone.now() - timedelta(hours=24)
    totals = UsageTotal.objects.using(using).filter(per=UsageTotal.Per.HOUR, start__gte=since, client__in=list(key_ids))
    return dict(totals.order_by().values("client").annotate(sum=Sum("calls")).values_list("client", "sum"))
