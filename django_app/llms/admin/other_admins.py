"""Budgets, single usage rows, and the history of changes."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_app.llms.admin import words
from django_app.llms.admin.actions import harmless
from django_app.llms.admin.base import APP, WithTabs, require, url
from django_app.llms.admin.overview import BudgetBar, budget_bars
from django_app.llms.admin.restoring import restore
from django_app.llms.admin.telling import field_label
from django_app.llms.models import AuditEvent, BudgetLimit, Usage


@admin.register(BudgetLimit)
class BudgetLimitAdmin(WithTabs):
    """Budgets, with what is spent."""

    tab = "budgetlimit_changelist"
    list_display = ("shown_scope", "shown_limit", "shown_spent", "is_active", "note")
    list_filter = ("scope", "per", "is_active")
    search_fields = ("whom", "note")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with the accounts of all of its budgets."""
        found = super().get_changelist_instance(request)
        bars = {bar.limit.pk: bar for bar in budget_bars()}
        for row in found.result_list:
            row.bar = bars.get(row.pk)
        return found

    @admin.display(description=gettext_lazy("counted per"), ordering="scope")
    def shown_scope(self, row: BudgetLimit) -> str:
        """For whom."""
        return f"{row.get_scope_display()} {row.whom}".strip()

    @admin.display(description=gettext_lazy("limit"), ordering="limit")
    def shown_limit(self, row: BudgetLimit) -> str:
        """And for how long."""
        return f"{words.usd(row.limit)} / {row.get_per_display()}"

    @admin.display(description=gettext_lazy("spent"))
    def shown_spent(self, row: BudgetLimit) -> Any:
        """A bar; a budget for each user has many accounts and no single bar."""
        bar: BudgetBar | None = getattr(row, "bar", None)
        return bar.html() if bar else "—"


class ReadOnly(WithTabs):
    """Lists that are only looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


_COLUMNS = (
    "at", "call_id", "attempt", "is_final", "surface", "operation", "asked", "tier", "llm_id", "entry", "provider",
    "model", "user", "client", "streamed", "outcome", "status", "seconds", "input_tokens", "output_tokens",
    "cached_tokens", "cache_write_tokens", "reasoning_tokens", "is_estimated", "cost", "price_input", "price_output",
    "price_source",
)  # fmt: skip


class _Echo:
    def write(self, text: str) -> str:
        return text


@admin.action(description=gettext_lazy("Export as CSV"), permissions=["view"])
def export_usage(_admin: Any, request: HttpRequest, rows: "QuerySet[Usage]") -> StreamingHttpResponse:
    """Any number of rows, one after the other."""
    write = csv.writer(_Echo())

    def lines() -> Iterator[Any]:
        yield write.writerow(_COLUMNS)
        for row in rows.values_list(*_COLUMNS).iterator(chunk_size=2000):
            yield write.writerow(map(harmless, row))

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="usage.csv"'
    return answer


@admin.register(Usage)
class UsageAdmin(ReadOnly):
    """Single rows."""

    tab = "costs"
    list_display = ("shown_at", "shown_entry", "user", "shown_outcome", "shown_tokens", "shown_cost", "shown_time")
    list_filter = ("tier", "outcome", "provider", "operation", "is_final")
    search_fields = ("call_id", "user", "entry", "model")
    actions = (export_usage,)
    date_hierarchy = "at"
    list_per_page = 50
    # Counting millions of rows to say how many are not shown would take longer than showing these.
    show_full_result_count = False

    @admin.display(description=gettext_lazy("ended at"), ordering="at")
    def shown_at(self, row: Usage) -> str:
        """In few letters, so that the cost is on the screen as well."""
        return date_format(localtime(row.at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=gettext_lazy("entry"), ordering="entry")
    def shown_entry(self, row: Usage) -> Any:
        """Tier, name and model."""
        badge = format_html(' <span class="cs-badge cs-tier-{0}">{0}</span>', row.tier) if row.tier else ""
        return format_html('{}{}<small class="cs-sub">{}</small>', row.entry or "—", badge, row.model)

    @admin.display(description=gettext_lazy("outcome"), ordering="outcome")
    def shown_outcome(self, row: Usage) -> Any:
        """A dot and the error's name."""
        return format_html(
            '<span class="cs-dot cs-{}"></span>{}', "good" if row.outcome == "ok" else "bad", row.outcome
        )

    @admin.display(description=gettext_lazy("tokens in / out"))
    def shown_tokens(self, row: Usage) -> str:
        """Both."""
        return f"{words.tokens(row.input_tokens)} / {words.tokens(row.output_tokens)}"

    @admin.display(description=gettext_lazy("cost"), ordering="cost")
    def shown_cost(self, row: Usage) -> str:
        """In USD."""
        return words.usd(row.cost)

    @admin.display(description=gettext_lazy("time"), ordering="seconds")
    def shown_time(self, row: Usage) -> str:
        """In seconds."""
        return words.seconds(row.seconds)


class ByPerson(admin.AllValuesFieldListFilter):
    """Titled as a filter: the column is only called "by"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("person")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    """The history; append-only, with a way back."""

    tab = "auditevent_changelist"
    list_display = ("at", "actor_name", "action", "entry", "shown_changes", "reason")
    list_filter = ("action", ("actor_name", ByPerson))
    search_fields = ("entry", "actor_name", "reason")
    date_hierarchy = "at"
    fields = ("at", "actor_name", "action", "entry", "reason")
    change_form_template = "creative_services_llms/event.html"
    list_select_related = False

    @admin.display(description=gettext_lazy("changes"))
    def shown_changes(self, row: AuditEvent) -> str:
        """The names of the fields."""
        return ", ".join(map(field_label, row.changes)) or "—"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One event with its difference."""
        event = self.get_object(request, object_id) if object_id else None
        lines = [(field_label(name), before, after) for name, (before, after) in event.changes.items()] if event else []
        state = [(field_label(name), value) for name, value in event.after.items()] if event else []
        may = request.user.has_perm(f"{APP}.change_llms")
        # A change of a key is nobody's entry: its row is edited, rotated or revoked, never brought back.
        may = may and event is not None and event.llm_id != 0
        context = {"lines": lines, "state": state, "may_restore": may, "event": event, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        """With the way back."""
        again = path("<int:object_id>/restore/", self.admin_site.admin_view(self.restore_view), name=f"{APP}_restore")
        return [again, *super().get_urls()]

    def restore_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Bring the entry back to the state after this event."""
        require(request, "change_llms")
        require(request, "view_auditevent")
        event = get_object_or_404(AuditEvent.objects.exclude(llm_id=0), pk=object_id)
        if request.method != "POST":
            return HttpResponseRedirect(url("auditevent_change", event.pk))
        with transaction.atomic():
            row, problem = restore(event, request.user)
        if problem or row is None:
            messages.error(request, problem)
            return HttpResponseRedirect(url("auditevent_change", event.pk))
        messages.success(request, _("%(name)s is as it was after that change.") % {"name": row.name})
        return HttpResponseRedirect(url("llms_change", row.pk))
