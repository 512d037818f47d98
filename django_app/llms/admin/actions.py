"""What can be done with several entries at once. Whatever could empty a tier asks first, and names it."""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from creative_services.catalog.prices import price_of
from django_app.llms.admin.base import screen
from django_app.llms.admin.guards import emptied_tiers
from django_app.llms.admin.words import price
from django_app.llms.models import Llms

Rows = QuerySet[Llms, Llms]

EXPORTED = (
    "id", "name", "provider", "model_name", "tier", "api_endpoint", "cost_per_1k_input", "cost_per_1k_output",
    "max_tokens", "temperature", "context_window", "is_active", "retires_on", "successor", "managed_by",
)  # fmt: skip


def _people_manage(rows: Iterable[Llms]) -> list[Llms]:
    return [row for row in rows if row.managed_by == Llms.ManagedBy.ADMIN]


def _told(request: HttpRequest, done: int, left: int) -> None:
    text = ngettext("%(count)s entry changed.", "%(count)s entries changed.", done) % {"count": done}
    messages.success(request, text)
    if left:
        messages.warning(request, _("%(count)s are managed by code and were left as they are.") % {"count": left})


@transaction.atomic
def _switch(request: HttpRequest, rows: Rows, *, on: bool) -> None:
    mine = _people_manage(rows)
    changing = [row for row in mine if row.is_active is not on]
    for row in changing:
        row.is_active = on
        row.save(update_fields=["is_active", "updated_at"])
    _told(request, len(changing), len(rows) - len(mine))


@admin.action(description=gettext_lazy("Enable"), permissions=["change"])
def enable(_admin: Any, request: HttpRequest, rows: Rows) -> None:
    """Let them answer."""
    _switch(request, rows, on=True)


@admin.action(description=gettext_lazy("Disable"), permissions=["change"])
def disable(model_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponse | None:
    """Take them out of the choice; asks when a tier would be left without anybody."""
    emptied = emptied_tiers({row.pk for row in _people_manage(rows)})
    if emptied and "confirmed" not in request.POST:
        return screen(
            model_admin.admin_site, request, "confirm", _("Disable entries"), tab="llms_changelist",
            action="disable", rows=rows, button=_("Disable anyway"),
            warning=_("Nobody would answer these tiers any more: %(tiers)s. Calls to them would fail.")
            % {"tiers": ", ".join(emptied)},
        )  # fmt: skip
    _switch(request, rows, on=False)
    return None


@admin.action(description=gettext_lazy("Clone to another tier…"), permissions=["add"])
def clone(model_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponse | None:
    """Copies in another tier, switched off until somebody looks at them."""
    wanted = request.POST.get("to_tier")
    if wanted not in Llms.Tier.values:
        return screen(
            model_admin.admin_site, request, "confirm", _("Clone entries"), tab="llms_changelist",
            action="clone", rows=rows, button=_("Clone"), tiers=Llms.Tier.choices,
            warning=_("The copies are switched off. Keys given by reference are copied; sealed keys are not."),
        )  # fmt: skip
    copies = [_copy(row, wanted) for row in rows]
    text = ngettext("%(count)s copy made.", "%(count)s copies made.", len(copies)) % {"count": len(copies)}
    messages.success(request, text)
    return None


@transaction.atomic
def _copy(row: Llms, tier: str) -> Llms:
    # A sealed key opens in its own row only, which is what keeps a copied row from being a copied key.
    key = "" if row.key_source == "sealed" else row.api_key
    fields = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    for name in ("id", "created_at", "updated_at", "pinned_until", "managed_source", "api_key_changed_at"):
        del fields[name]
    copy = Llms(**{**fields, "tier": tier, "api_key": key, "is_active": False, "pin_reason": "", "managed_by": "admin"})
    copy.name = _free_name(row, tier)
    copy.save()
    return copy


def _free_name(row: Llms, tier: str) -> str:
    same = Llms.objects.filter(provider=row.provider, model_name=row.model_name, api_endpoint=row.api_endpoint)
    taken = set(same.values_list("name", flat=True))
    name, number = f"{row.name} ({tier})"[:200], 2
    while name in taken:
        name, number = f"{row.name[:180]} ({tier} {number})", number + 1
    return name


@admin.action(description=gettext_lazy("Set prices from the catalogue"), permissions=["change"])
def price_from_catalog(_admin: Any, request: HttpRequest, rows: Rows) -> None:
    """The vendor's list prices of today, for the models that the catalogue knows."""
    today = datetime.now(UTC).date()
    mine = _people_manage(rows)
    changed, unknown = 0, []
    for row in mine:
        card = price_of(row.provider, row.model_name, today)
        if card is None or card.rates.input is None:
            unknown.append(row.name)
            continue
        row.cost_per_1k_input, row.cost_per_1k_output = card.rates.input, card.rates.output
        row.price_checked_on = today
        row.save(update_fields=["cost_per_1k_input", "cost_per_1k_output", "price_checked_on", "updated_at"])
        changed += 1
    _told(request, changed, len(rows) - len(mine))
    if unknown:
        messages.warning(request, _("The catalogue does not know: %(names)s.") % {"names": ", ".join(unknown)})


@admin.action(description=gettext_lazy("Export as CSV"), permissions=["view"])
def export_csv(_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponse:
    """The rows as a table for a spreadsheet; keys by their source only."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="llms.csv"'
    write = csv.writer(answer)
    write.writerow([*EXPORTED, "api_key"])
    for row in rows:
        write.writerow([*(harmless(_cell(row, name)) for name in EXPORTED), harmless(row.key_source)])
    return answer


def _cell(row: Llms, name: str) -> Any:
    value = getattr(row, name)
    return price(value) if name.startswith("cost_") and value is not None else value


def harmless(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula is shown as text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


@admin.action(description=gettext_lazy("Export as TOML"), permissions=["view"])
def export_toml(_admin: Any, request: HttpRequest, rows: Rows) -> HttpResponse:
    """The file that ``manage.py llms apply`` reads."""
    from django_app.llms.commands.exporting import exported, toml

    answer = HttpResponse(toml([exported(row) for row in rows]), content_type="application/toml; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="llms.toml"'
    return answer


ACTIONS = (enable, disable, clone, price_from_catalog, export_csv, export_toml)
