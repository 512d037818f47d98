"""What an edit would change before it is saved: the winners of the tiers, and the money of last week's calls."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from creative_services.adapters.django_reading import Held, Reading, Revision
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry, LLMTier
from django_app.llms.admin import figures, words
from django_app.llms.admin.base import require, screen
from django_app.llms.admin.figures import NOTHING, Sums
from django_app.llms.admin.form import EntryForm
from django_app.llms.models import Llms
from django_app.llms.rows import COLUMNS, written_entry

DAYS = 7
_MONTH = Decimal(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierImpact:
    """One tier before and after."""

    title: str
    tier: str
    before: LLMEntry | None
    after: LLMEntry | None
    week: Sums
    cost_before: Decimal | None
    cost_after: Decimal | None

    @property
    def changes(self) -> bool:
        """Whether anything is different."""
        one, other = self.before, self.after
        return _identity(one) != _identity(other) or self.cost_before != self.cost_after

    @property
    def is_emptied(self) -> bool:
        """Whether nobody would answer any more."""
        return self.before is not None and self.after is None

    @property
    def delta(self) -> Decimal | None:
        """What a month would cost more, or less."""
        if self.cost_before is None or self.cost_after is None:
            return None
        return (self.cost_after - self.cost_before) * _MONTH / DAYS

    @property
    def told(self) -> str:
        """The difference with its sign."""
        if self.delta is None:
            return "—"
        return f"+{words.usd(self.delta)}" if self.delta > 0 else words.usd(self.delta)

    @property
    def traffic(self) -> str:
        """The calls it is computed from."""
        both = words.tokens(self.week.input_tokens + self.week.output_tokens)
        return _("%(calls)s calls, %(tokens)s tokens") % {"calls": words.count(self.week.calls), "tokens": both}

    @property
    def months(self) -> tuple[str, str]:
        """A month before and after."""
        return _month(self.cost_before), _month(self.cost_after)


def _month(week: Decimal | None) -> str:
    return "—" if week is None else words.usd(week * _MONTH / DAYS)


def _identity(entry: LLMEntry | None) -> Any:
    return entry and (entry.id, entry.model, entry.cost_per_1k_input, entry.cost_per_1k_output)


def preview(site: admin.AdminSite, request: HttpRequest, form: EntryForm) -> HttpResponse:
    """The comparison, as a part of the form's page for the script, or as a page without it."""
    require(request, "view_llms")
    valid = form.is_valid()
    found = list(impacts(form.instance)) if valid else []
    name = "impact_part" if request.headers.get("X-Requested-With") == "fetch" else "impact"
    total = sum((each.delta or Decimal(0) for each in found), Decimal(0))
    return screen(
        site, request, name, _("Impact preview"), tab="llms_changelist", row=form.instance, form=form, valid=valid,
        impacts=found, changed=[each for each in found if each.changes], days=DAYS,
        total=f"+{words.usd(total)}" if total > 0 else words.usd(total),
    )  # fmt: skip


def impacts(edited: Llms) -> Iterator[TierImpact]:
    """Each tier with the edited row in the place of the stored one."""
    rows = list(Llms.objects.all())
    before = _winners(rows)
    after = _winners([*(row for row in rows if row.pk != edited.pk), edited])
    weeks = figures.sums_by("tier", figures.today() - timedelta(days=DAYS - 1), per="day")
    for tier in LLMTier:
        week, one, other = weeks.get(tier.value, NOTHING), before.get(tier), after.get(tier)
        yield TierImpact(
            title=str(Llms.Tier(tier.value).label), tier=tier.value, before=one, after=other, week=week,
            cost_before=_cost(one, week), cost_after=_cost(other, week),
        )  # fmt: skip


def _cost(winner: LLMEntry | None, week: Sums) -> Decimal | None:
    return winner.cost(week.tokens) if winner else None


def _winners(rows: list[Llms]) -> Mapping[LLMTier, LLMEntry]:
    entries = tuple(_entry(row) for row in rows)
    pinned = {entry.id: row.pinned_until for entry, row in zip(entries, rows, strict=True) if row.pinned_until}
    reading = Reading(revision=Revision(), entries=entries, pinned=pinned)
    return Held.of(reading, timezone.now()).snapshot.winners


def _entry(row: Llms) -> LLMEntry:
    # A new row has no id yet, and will get one above all others: that matters where prices are equal.
    values = {column: getattr(row, column) for column in COLUMNS} | {"id": row.pk or 2**62}
    try:
        if row.pk is None or not row.is_active:
            values["api_key"] = ""
        return written_entry(values)[0]
    except CreativeServicesError:
        return written_entry(values | {"api_key": "", "is_active": False})[0]
