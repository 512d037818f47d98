"""The numbers behind the screens, each set in one query over the totals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from creative_services.core.usage import Usage as Tokens
from django_app.llms.models import Usage, UsageTotal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a group of calls came to."""

    calls: int = 0
    attempts: int = 0
    failed: int = 0
    cost: Decimal = Decimal(0)
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    unpriced: int = 0
    seconds: float = 0.0

    @property
    def success(self) -> float | None:
        """The share of tries that went well."""
        return (self.attempts - self.failed) / self.attempts if self.attempts else None

    @property
    def tokens(self) -> Tokens:
        """Its tokens, to be priced again."""
        return Tokens(
            input_tokens=self.input_tokens, output_tokens=self.output_tokens, cached_tokens=self.cached_tokens
        )


NOTHING = Sums()
_COLUMNS = tuple(Sums.__dataclass_fields__)


def today() -> datetime:
    """The midnight in UTC that this day began with, as budgets count it."""
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


def sums_by(name: str, since: datetime, *, per: str = "hour", **narrow: Any) -> dict[Any, Sums]:
    """Totals since a moment, by tier, llm_id, model or user."""
    rows = UsageTotal.objects.filter(per=per, start__gte=since, **narrow).order_by().values(name)
    found = rows.annotate(**{f"sum_{column}": Sum(column) for column in _COLUMNS})
    return {row[name]: Sums(**{column: row[f"sum_{column}"] for column in _COLUMNS}) for row in found}


def hourly_costs(name: str, hours: int = 24) -> dict[Any, list[float]]:
    """The cost of each of the last hours, by tier or llm_id: for sparklines."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    return _series(name, "hour", [now - timedelta(hours=back) for back in reversed(range(hours))])


def daily_costs(name: str, days: int = 7) -> dict[Any, list[float]]:
    """The cost of each of the last days."""
    return _series(name, "day", [today() - timedelta(days=back) for back in reversed(range(days))])


def _series(name: str, per: str, starts: list[datetime]) -> dict[Any, list[float]]:
    places = {start: place for place, start in enumerate(starts)}
    rows = UsageTotal.objects.filter(per=per, start__gte=starts[0]).order_by().values_list(name, "start")
    found: dict[Any, list[float]] = {}
    for key, start, cost in rows.annotate(money=Sum("cost")):
        if start in places:
            found.setdefault(key, [0.0] * len(starts))[places[start]] += float(cost)
    return found


def latencies(tier: str, most: int = 500) -> tuple[float | None, float | None]:
    """P50 and P99 of the tier's last good answers."""
    last = Usage.objects.filter(tier=tier, outcome="ok", attempt__gt=0, at__gte=timezone.now() - timedelta(days=1))
    values = sorted(last.order_by("-at").values_list("seconds", flat=True)[:most])
    if not values:
        return None, None
    return values[len(values) // 2], values[min(len(values) - 1, int(len(values) * 0.99))]
