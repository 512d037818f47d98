"""The first page: who answers each tier, at what price, how well, and what it costs today."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

from django.contrib import admin
from django.db import router
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry, LLMTier
from django_app.llms.admin import charts, figures, words
from django_app.llms.admin.bars import Bar
from django_app.llms.admin.base import may, require, screen
from django_app.llms.admin.figures import NOTHING, Sums
from django_app.llms.admin.telling import field_label
from django_app.llms.checks import entries, prices, settings
from django_app.llms.models import AuditEvent, BudgetAccount, BudgetLimit, Llms, Revision, Worker

# A worker says that it lives every five seconds; three missed signs, and it counts no more.
ALIVE = timedelta(seconds=20)
_CHECKS_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetBar(Bar):
    """How much of a budget is used."""

    limit: BudgetLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCard:
    """One tier now."""

    tier: str
    title: str
    winner: LLMEntry | None
    runner_up: LLMEntry | None
    pinned: Llms | None
    price: str
    runner_price: str
    p50: str
    p99: str
    today: Sums
    success: str
    health: str
    spark: Any
    budgets: Sequence[BudgetBar]

    @property
    def spent(self) -> str:
        """Today's cost."""
        return words.usd(self.today.cost)


def overview(site: admin.AdminSite, request: HttpRequest) -> HttpResponse:
    """The page."""
    require(request, "view_llms")
    trouble = ""
    registry: DjangoLLMRegistry | None = DjangoLLMRegistry()
    try:
        DjangoLLMRegistry().list_active()
    except CreativeServicesError as error:
        registry, trouble = None, str(error)
    bars = budget_bars()
    return screen(
        site, request, "overview", _("Language models"), budgets=[bar for bar in bars if bar.limit.scope != "tier"],
        cards=list(_cards(registry, bars)) if registry else [], trouble=trouble,
        has_entries=Llms.objects.exists(), checks=open_checks(),
        workers=convergence(), can_see_history=may(request, "view_auditevent"),
        events=_events() if may(request, "view_auditevent") else (),
        month=_month(),
    )  # fmt: skip


def _cards(registry: DjangoLLMRegistry, bars: Sequence[BudgetBar]) -> Iterator[TierCard]:
    today = figures.sums_by("tier", figures.today())
    costs = figures.hourly_costs("tier")
    pins = {row.tier: row for row in Llms.objects.active().filter(pinned_until__gt=timezone.now())}
    for tier in LLMTier:
        first, second = (*registry.candidates(tier)[:2], None, None)[:2]
        sums = today.get(tier.value, NOTHING)
        p50, p99 = figures.latencies(tier.value)
        yield TierCard(
            tier=tier.value, title=str(Llms.Tier(tier.value).label), winner=first, runner_up=second,
            pinned=pins.get(tier.value) if first and pins.get(tier.value) else None,
            price=_price(first), runner_price=_price(second), p50=words.seconds(p50), p99=words.seconds(p99),
            today=sums, success=words.share(sums.success or 0, 1) if sums.attempts else "—",
            health=_health(sums, first), spark=_spark(costs.get(tier.value, [])),
            budgets=[bar for bar in bars if bar.limit.scope == "tier" and _of_tier(bar, tier.value)],
        )  # fmt: skip


def _of_tier(bar: BudgetBar, tier: str) -> bool:
    return bar.limit.whom == tier


def _price(entry: LLMEntry | None) -> str:
    if entry is None:
        return ""
    return f"{words.per_million(entry.cost_per_1k_input)} / {words.per_million(entry.cost_per_1k_output)}"


def _health(sums: Sums, winner: LLMEntry | None) -> str:
    if winner is None:
        return "bad"
    if sums.success is None:
        return "unknown"
    return "good" if sums.success >= 0.95 else "poor" if sums.success >= 0.5 else "bad"


def _spark(costs: Sequence[float]) -> Any:
    return charts.sparkline(costs, _("cost of the last 24 hours: %(total)s") % {"total": words.usd(sum(costs))})


def budget_bars() -> list[BudgetBar]:
    """Every active budget that is counted in one account, with what that account has spent."""
    limits = [limit for limit in BudgetLimit.objects.filter(is_active=True) if limit.scope == "client" or limit.whom]
    now = timezone.now()
    accounts = {limit.pk: limit.as_budget().account(tier=limit.whom, user=limit.whom, at=now) for limit in limits}
    spent = BudgetAccount.objects.in_bulk(list(accounts.values()))
    return [
        BudgetBar(limit=limit, most=limit.limit, spent=found.spent if found else Decimal(0))
        for limit in limits
        for found in [spent.get(accounts[limit.pk])]
    ]


def _events() -> list[AuditEvent]:
    events = list(AuditEvent.objects.order_by("-id")[:8])
    for event in events:
        event.labels = [field_label(name) for name in event.changes]  # type: ignore[attr-defined]  # for the template
    return events


def _month() -> dict[str, Any]:
    since = figures.today() - timedelta(days=29)
    total = figures.sums_by("per", since, per="day").get("day", NOTHING)
    costs = figures.daily_costs("per", 30).get("day", [])
    told = _("cost of the last 30 days: %(total)s") % {"total": words.usd(total.cost)}
    return {
        "cost": words.usd(total.cost), "calls": words.count(total.calls), "since": f"{since:%Y-%m-%d}",
        "spark": charts.sparkline(costs, told),
    }  # fmt: skip


# All but the one that asks DNS, for which no page may wait.
_QUICK = (
    *settings.CHECKS,
    *(check for check in entries.CHECKS if check is not entries.private_endpoints),
    *prices.CHECKS,
)
_checked: dict[str, tuple[float, int, list[Any]]] = {}


def open_checks() -> list[Any]:
    """What our system checks say now. Kept a few seconds for one state of the table: they go through every entry."""
    alias, language = router.db_for_read(Llms), get_language() or ""
    token = Revision.objects.values_list("token", flat=True).first() or 0
    kept = _checked.get(language)
    if kept and kept[1] == token and monotonic() - kept[0] < _CHECKS_SECONDS:
        return kept[2]
    found = [message for check in _QUICK for message in check(databases=[alias])]
    _checked[language] = (monotonic(), token, found)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """Which workers see the newest state."""

    revision: int
    workers: Sequence[Worker]
    current: int
    oldest: str

    @property
    def level(self) -> str:
        """good when all do."""
        return "unknown" if not self.workers else "good" if self.current == len(self.workers) else "poor"


def convergence() -> Convergence:
    """From the workers' last signs of life."""
    revision = Revision.objects.first() or Revision()
    now = timezone.now()
    workers = list(Worker.objects.filter(seen_at__gte=now - ALIVE).order_by("name"))
    for worker in workers:
        worker.is_current = (worker.revision, worker.token) == (revision.number, revision.token)  # type: ignore[attr-defined]  # for the template
        worker.age = words.age((now - worker.seen_at).total_seconds())  # type: ignore[attr-defined]  # for the template
    return Convergence(
        revision=revision.number,
        workers=workers,
        current=sum((each.revision, each.token) == (revision.number, revision.token) for each in workers),
        oldest=f"{max((each.stale_for for each in workers), default=0.0):.1f} s",
    )
