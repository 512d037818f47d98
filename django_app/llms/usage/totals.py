"""Hours and days summed up from the rows. Summing twice gives the same, and late rows are summed in later."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, connections, transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from creative_services.telemetry.outcomes import OK
from django_app.llms.models import Usage, UsageNews, UsageTotal

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
KEYS: Final = ("tier", "llm_id", "entry", "provider", "model", "user", "client")
SUMS: Final = (
    "calls", "attempts", "failed", "input_tokens", "output_tokens", "cached_tokens", "cost", "unpriced", "seconds",
)  # fmt: skip
# As many hours as one run takes; a long outage's backlog is worked off in several.
_MOST: Final = 200


def roll_up(using: str) -> int:
    """Sum up every hour that has got rows since, and its day; the number of hours."""
    try:
        with transaction.atomic(using=using):
            return _roll_up(using)
    except IntegrityError:
        return 0  # another process was summing up the same hour, and has taken it in


def _roll_up(using: str) -> int:
    news = UsageNews.objects.using(using).order_by("hour")
    if connections[using].features.has_select_for_update_skip_locked:
        news = news.select_for_update(skip_locked=True)
    taken = list(news[:_MOST])
    hours = sorted({each.hour for each in taken})
    for hour in hours:
        _replace(using, UsageTotal.Per.HOUR, hour, _of_rows(using, hour))
    for day in sorted({hour.replace(hour=0) for hour in hours}):
        _replace(using, UsageTotal.Per.DAY, day, _of_hours(using, day))
    UsageNews.objects.using(using).filter(pk__in=[each.pk for each in taken]).delete()
    return len(hours)


def _replace(using: str, per: str, start: datetime, sums: Iterable[dict[str, Any]]) -> None:
    totals = UsageTotal.objects.using(using)
    new = [UsageTotal(per=per, start=start, **each) for each in sums]
    totals.filter(per=per, start=start).delete()
    totals.bulk_create(new, batch_size=500)


def _of_rows(using: str, hour: datetime) -> Iterable[dict[str, Any]]:
    rows = Usage.objects.using(using).filter(at__gte=hour, at__lt=hour + HOUR).order_by()
    tried, used = Q(attempt__gt=0), Q(input_tokens__gt=0) | Q(output_tokens__gt=0)
    summed = rows.values("tier", "entry", "provider", "model", "user", "client", number=Coalesce("llm_id", 0)).annotate(
        calls=Count("pk", filter=Q(is_final=True)),
        attempts=Count("pk", filter=tried),
        failed=Count("pk", filter=tried & ~Q(outcome=OK)),
        unpriced=Count("pk", filter=used & Q(cost=None)),
        # Names of their own: a sum called like its column would hide the column from the next one.
        tokens_in=Sum("input_tokens"),
        tokens_out=Sum("output_tokens"),
        tokens_cached=Sum("cached_tokens"),
        money=Coalesce(Sum("cost"), 0, output_field=UsageTotal._meta.get_field("cost")),
        time=Sum("seconds"),
    )
    names = {"number": "llm_id", "tokens_in": "input_tokens", "tokens_out": "output_tokens",
             "tokens_cached": "cached_tokens", "money": "cost", "time": "seconds"}  # fmt: skip
    for each in summed:
        yield {names.get(name, name): value for name, value in each.items()}


def _of_hours(using: str, day: datetime) -> Iterable[dict[str, Any]]:
    hours = UsageTotal.objects.using(using).filter(per=UsageTotal.Per.HOUR, start__gte=day, start__lt=day + DAY)
    summed = hours.order_by().values(*KEYS).annotate(**{f"sum_{name}": Sum(F(name)) for name in SUMS})
    for each in summed:
        yield {name.removeprefix("sum_"): value for name, value in each.items()}
