"""The list of entries: what its columns show, gathered for a whole page at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMTier
from django_app.llms.admin import charts, words
from django_app.llms.admin.base import url
from django_app.llms.admin.figures import daily_costs
from django_app.llms.admin.telling import Health, healths, key_of, retirement
from django_app.llms.models import Llms


@dataclass(frozen=True, slots=True)
class Beside:
    """What the list shows beside a row's own columns."""

    wins: bool = False
    unavailable: str = ""
    health: Health = field(default_factory=lambda: Health("unknown", ""))
    costs: Sequence[float] = ()


def gather(rows: Sequence[Llms]) -> None:
    """Give each row its ``beside``; the number of queries does not grow with the rows."""
    winners, unavailable = _registry()
    ids = [row.pk for row in rows]
    health, costs = healths(ids), daily_costs("llm_id")
    for row in rows:
        row.beside = Beside(  # type: ignore[attr-defined]  # for the columns below only
            wins=winners.get(row.tier) == row.pk,
            unavailable=unavailable.get(row.pk, ""),
            health=health[row.pk],
            costs=costs.get(row.pk, ()),
        )


def _registry() -> tuple[dict[str, int], Any]:
    registry = DjangoLLMRegistry()
    try:
        found = {tier.value: registry.get_by_tier(tier) for tier in LLMTier}
        return {tier: entry.id for tier, entry in found.items() if entry}, registry.unavailable
    except CreativeServicesError:
        return {}, {}  # the list must show what is wrong, not fall over it


def beside(row: Llms) -> Beside:
    """What was gathered."""
    return getattr(row, "beside", None) or Beside()


def name(row: Llms) -> SafeString:
    """Name, crown of a tier's winner, and the vendor's own name of the model."""
    crown = (
        format_html('<span class="cs-crown" title="{}">♛</span>', _("answers this tier now"))
        if beside(row).wins
        else ""
    )
    pin = format_html('<span class="cs-pin" title="{}">⌖</span>', row.pin_reason) if row.is_pinned else ""
    return format_html('<span class="cs-name">{}{}{}</span><small class="cs-sub">{} · {}</small>',
                       row.name, crown, pin, row.provider, row.model_name)  # fmt: skip


def tier(row: Llms) -> SafeString:
    """A badge."""
    return format_html('<span class="cs-badge cs-tier-{}">{}</span>', row.tier, row.get_tier_display())


def prices(row: Llms) -> SafeString:
    """For a million tokens, and small for a thousand."""
    return format_html(
        '<span class="cs-num">{} <span class="cs-quiet">/</span> {}</span><small class="cs-sub">{} / {}</small>',
        words.per_million(row.cost_per_1k_input), words.per_million(row.cost_per_1k_output),
        words.price(row.cost_per_1k_input), words.price(row.cost_per_1k_output),
    )  # fmt: skip


def state(row: Llms) -> SafeString:
    """A dot for the health, and what stands against the entry."""
    found = beside(row)
    if not row.is_active:
        dot, told = "off", _("switched off")
    elif found.unavailable:
        dot, told = "bad", found.unavailable
    else:
        dot, told = found.health.state, found.health.told
    shown = {"good": _("healthy"), "poor": _("shaky"), "bad": _("failing"), "off": _("off")}.get(dot, _("unknown"))
    kind, text = retirement(row.retires_on)
    badge = format_html('<small class="cs-badge cs-{}">{}</small>', kind, text) if kind in ("bad", "poor") else ""
    return format_html('<span class="cs-dot cs-{}" title="{}"></span>{} {}', dot, told, shown, badge)


_ICONS = {"none": "○", "reference": "↗", "sealed": "◆", "plain": "!"}


def key(row: Llms) -> SafeString:
    """Where the key comes from and its last four characters."""
    found = key_of(row)
    icon = _ICONS[found.kind]
    if found.trouble:
        return format_html('<span class="cs-bad-text" title="{}">{} {}</span>', found.trouble, icon, found.source)
    return format_html('<span title="{}">{} {}</span><small class="cs-sub cs-mono">{}</small>',
                       found.source, icon, found.source, found.hint)  # fmt: skip


def week(row: Llms) -> SafeString:
    """What the entry cost on each of the last seven days; links to the rows."""
    costs = beside(row).costs
    total = words.usd(sum(costs)) if costs else "—"
    line = charts.sparkline(costs, _("cost of the last 7 days: %(total)s") % {"total": total})
    return format_html('<a class="cs-week" href="{}?llm_id={}">{}<small>{}</small></a>',
                       url("usage_changelist"), row.pk, line, total)  # fmt: skip
