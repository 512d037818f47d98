"""Usage and cost: charts by day, tables by tier, entry and user; every number leads to its rows."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_app.llms.admin import charts, figures, words
from django_app.llms.admin.actions import harmless
from django_app.llms.admin.base import require, screen, url
from django_app.llms.admin.figures import Sums
from django_app.llms.models import Llms, Usage, UsageTotal

SPANS: Final = ((7, gettext_lazy("7 days")), (30, gettext_lazy("30 days")), (90, gettext_lazy("90 days")))
_TABLES: Final = (
    ("tier", gettext_lazy("By tier")),
    ("llm_id", gettext_lazy("By entry")),
    ("user", gettext_lazy("By user")),
    ("provider", gettext_lazy("By provider")),
)
_MOST: Final = 12
_CSV: Final = ("tier", "llm_id", "entry", "provider", "model", "user", "client", "calls", "attempts", "failed",
               "input_tokens", "output_tokens", "cached_tokens", "cost", "unpriced")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a table."""

    name: str
    sums: Sums
    link: str
    percent: int

    @property
    def cost(self) -> str:
        """In words."""
        return words.usd(self.sums.cost)

    @property
    def calls(self) -> str:
        """In words."""
        return words.count(self.sums.calls)

    @property
    def tokens(self) -> str:
        """In and out."""
        return f"{words.tokens(self.sums.input_tokens)} / {words.tokens(self.sums.output_tokens)}"

    @property
    def success(self) -> str:
        """The share of tries that went well."""
        return words.share(self.sums.success, 1) if self.sums.success is not None else "—"


def costs(site: admin.AdminSite, request: HttpRequest) -> HttpResponse:
    """The page, or its table as CSV."""
    require(request, "view_llms")
    span = _span(request)
    since = figures.today() - timedelta(days=span - 1)
    if request.GET.get("format") == "csv":
        return _csv(since)
    total = figures.sums_by("per", since, per="day").get("day", figures.NOTHING)
    return screen(
        site, request, "costs", _("Usage & cost"), span=span, spans=SPANS, since=since, total=total,
        total_cost=words.usd(total.cost), calls=words.count(total.calls), unpriced=total.unpriced,
        tokens=words.tokens(total.input_tokens + total.output_tokens),
        success=words.share(total.success, 1) if total.success is not None else "—",
        chart=_chart(since, span), tiers=Llms.Tier.choices, tables=[
            (str(title), list(_table(name, since))) for name, title in _TABLES
        ], errors=_errors(since), usage_url=url("usage_changelist"),
    )  # fmt: skip


def _span(request: HttpRequest) -> int:
    wanted = request.GET.get("days", "")
    return int(wanted) if wanted in {str(days) for days, _title in SPANS} else 30


def _chart(since: datetime, span: int) -> Any:
    rows = UsageTotal.objects.filter(per="day", start__gte=since).order_by().values_list("start", "tier")
    found: dict[datetime, dict[str, float]] = {}
    for start, tier, cost in rows.annotate(money=Sum("cost")):
        found.setdefault(start, {})[tier] = float(cost)
    days = [since + timedelta(days=number) for number in range(span)]
    bars = [_bar(day, found.get(day, {})) for day in days]
    return charts.bars(bars, label=_("Cost by day and tier"), series=list(Llms.Tier.values))


def _bar(day: datetime, parts: dict[str, float]) -> charts.Bar:
    split = ", ".join(f"{Llms.Tier(tier).label} {words.usd(cost)}" for tier, cost in parts.items() if cost and tier)
    told = f"{day:%Y-%m-%d}: {words.usd(sum(parts.values()))}" + (f" ({split})" if split else "")
    return charts.Bar(f"{day:%m-%d}", parts, told, rows_url(at__gte=day, at__lt=day + timedelta(days=1)))


def rows_url(**narrow: Any) -> str:
    """The list of single rows, narrowed."""
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in narrow.items()}
    return f"{url('usage_changelist')}?{urlencode(plain)}"


def _table(name: str, since: datetime) -> Iterator[Line]:
    sums = figures.sums_by(name, since, per="day")
    called = _names(since) if name == "llm_id" else {}
    top = max((each.cost for each in sums.values()), default=0)
    for key, each in sorted(sums.items(), key=lambda item: (-item[1].cost, -item[1].calls))[:_MOST]:
        narrow = {"llm_id__isnull": "True"} if name == "llm_id" and not key else {f"{name}__exact": key}
        yield Line(
            name=called.get(key) or str(key or _none(name)), sums=each,
            link=rows_url(at__gte=since, **narrow), percent=int(100 * each.cost / top) if top else 0,
        )  # fmt: skip


def _none(name: str) -> str:
    return _("anonymous") if name == "user" else _("none reached")


def _names(since: datetime) -> dict[int, str]:
    rows = (
        UsageTotal.objects.filter(per="day", start__gte=since).order_by("start").values_list("llm_id", "entry", "model")
    )
    return {llm_id: f"{entry} ({model})" for llm_id, entry, model in rows.distinct() if llm_id}


def _errors(since: datetime) -> list[dict[str, Any]]:
    """The most frequent failures of the last week; single rows are not kept for ever."""
    recent = max(since, figures.today() - timedelta(days=6))
    rows = Usage.objects.filter(at__gte=recent).exclude(outcome="ok").order_by().values("outcome", "provider", "model")
    found = rows.annotate(times=Count("pk")).order_by("-times")[:8]
    return [{**each, "link": rows_url(at__gte=recent, outcome=each["outcome"], model=each["model"])} for each in found]


def _csv(since: datetime) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="usage-since-{since:%Y-%m-%d}.csv"'
    write = csv.writer(answer)
    write.writerow(["day", *_CSV])
    rows = UsageTotal.objects.filter(per="day", start__gte=since).order_by("start", "-cost")
    for start, *values in rows.values_list("start", *_CSV).iterator(chunk_size=2000):
        write.writerow([f"{start:%Y-%m-%d}", *map(harmless, values)])
    return answer
