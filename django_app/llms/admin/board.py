"""The tier board: entries in the order in which they would be asked, with the reason each one loses; pins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.errors import CreativeServicesError
from django_app.llms.admin import words
from django_app.llms.admin.base import may, require, screen, url
from django_app.llms.admin.telling import Health, healths, retirement
from django_app.llms.audit import acting
from django_app.llms.models import Llms

# For how long a pin may hold. It ends by itself: a forgotten pin would go on costing money.
SPANS: Final = (
    ("1", gettext_lazy("1 hour")),
    ("4", gettext_lazy("4 hours")),
    ("24", gettext_lazy("1 day")),
    ("168", gettext_lazy("1 week")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One entry on the board."""

    row: Llms
    place: int | None
    reason: str
    health: Health
    retirement: tuple[str, str]

    @property
    def price(self) -> str:
        """For a million tokens."""
        return f"{words.per_million(self.row.cost_per_1k_input)} / {words.per_million(self.row.cost_per_1k_output)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One tier."""

    tier: str
    title: str
    cards: list[Card]


def board(site: admin.AdminSite, request: HttpRequest) -> HttpResponse:
    """The page."""
    require(request, "view_llms")
    return screen(
        site, request, "board", _("Tier board"), columns=columns(), may_pin=may(request, "pin_llms"), spans=SPANS
    )


def columns() -> list[Column]:
    """Every tier with its entries."""
    rows = list(Llms.objects.all())
    unavailable, health = _unavailable(), healths([row.pk for row in rows])
    return [
        Column(
            tier=tier.value,
            title=str(tier.label),
            cards=list(_cards([row for row in rows if row.tier == tier.value], unavailable, health)),
        )
        for tier in Llms.Tier
    ]


def _unavailable() -> Mapping[int, str]:
    try:
        return DjangoLLMRegistry().unavailable
    except CreativeServicesError:
        return {}


def _cards(rows: list[Llms], unavailable: Mapping[int, str], health: Mapping[int, Health]) -> Iterator[Card]:
    asked = [row for row in rows if row.is_active and row.pk not in unavailable]
    asked.sort(key=lambda row: not row.is_pinned)  # the rest stays in the order of prices
    first = asked[0] if asked else None
    for row in sorted(rows, key=lambda row: asked.index(row) if row in asked else len(rows)):
        place = asked.index(row) + 1 if row in asked else None
        yield Card(
            row=row, place=place, reason=_reason(row, place, first, unavailable),
            health=health[row.pk], retirement=retirement(row.retires_on),
        )  # fmt: skip


def _reason(row: Llms, place: int | None, first: Llms | None, unavailable: Mapping[int, str]) -> str:
    if not row.is_active:
        return _("switched off")
    if why := unavailable.get(row.pk):
        return why
    if row.is_pinned:
        until = date_format(timezone.localtime(row.pinned_until), "SHORT_DATETIME_FORMAT")
        return _("pinned until %(until)s: %(reason)s") % {"until": until, "reason": row.pin_reason or "—"}
    if place == 1 or first is None:
        return _("wins: cheapest input of this tier")
    if first.is_pinned:
        return _("waits behind the pin of %(name)s") % {"name": first.name}
    return _dearer(row, first)


def _dearer(row: Llms, first: Llms) -> str:
    mine, other = row.cost_per_1k_input, first.cost_per_1k_input
    if mine is None:
        return _("its price is not known")
    if mine == other:
        if row.cost_per_1k_output == first.cost_per_1k_output:
            return _("same price, higher id than %(name)s") % {"name": first.name}
        return _("same input price, dearer output than %(name)s") % {"name": first.name}
    more = (mine - (other or Decimal(0))) * 1000
    return _("input is %(more)s dearer per 1M than %(name)s") % {"more": words.usd(more), "name": first.name}


def pin(_site: admin.AdminSite, request: HttpRequest, object_id: str) -> HttpResponse:
    """Put an entry first in its tier for a while, or let it go; always with a reason, always in the history."""
    require(request, "pin_llms")
    row = get_object_or_404(Llms, pk=object_id)
    if request.method == "POST":
        hours, reason = request.POST.get("hours", ""), request.POST.get("reason", "").strip()[:200]
        if hours == "0":
            _save_pin(request, row, None, _("pin removed"))
        elif hours not in dict(SPANS) or not reason:
            messages.error(request, _("A pin needs a duration and a reason."))
        elif not row.is_active:
            messages.error(
                request, _("%(name)s is switched off: nobody could answer. Enable it first.") % {"name": row.name}
            )
        else:
            _save_pin(request, row, int(hours), reason)
    return HttpResponseRedirect(url("board"))


def _save_pin(request: HttpRequest, row: Llms, hours: int | None, reason: str) -> None:
    row.pinned_until = timezone.now() + timedelta(hours=hours) if hours else None
    row.pin_reason = reason if hours else ""
    with acting(request.user, reason):
        row.save(update_fields=["pinned_until", "pin_reason", "updated_at"])
    told: Any = _("%(name)s is pinned to its tier.") if hours else _("%(name)s is no longer pinned.")
    messages.success(request, told % {"name": row.name})
