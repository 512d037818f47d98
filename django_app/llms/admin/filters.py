"""Filters of the list of entries."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_app.llms import conf
from django_app.llms.keys.written import SEALED_PREFIX
from django_app.llms.models import Trial

Rows = QuerySet[Any, Any]


class LifecycleFilter(admin.SimpleListFilter):
    """By how long the model still lives."""

    title = _("lifecycle")
    parameter_name = "lifecycle"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The kinds."""
        return [("living", _("no end known")), ("soon", _("retires soon")), ("gone", _("retired"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Those of the chosen kind."""
        now = timezone.now().date()
        soon = now + timedelta(days=conf.current().retirement_warning_days)
        kinds = {
            "living": Q(retires_on=None) | Q(retires_on__gt=soon),
            "soon": Q(retires_on__gt=now, retires_on__lte=soon),
            "gone": Q(retires_on__lte=now),
        }
        return queryset.filter(kinds[chosen]) if (chosen := self.value()) in kinds else queryset


class TestedFilter(admin.SimpleListFilter):
    """By the last test of the connection."""

    title = _("last test")
    parameter_name = "tested"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The states, and none."""
        return [*Trial.State.choices, ("never", _("never tested"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Those whose last test ended so."""
        if (chosen := self.value()) is None:
            return queryset
        if chosen == "never":
            return queryset.exclude(pk__in=Trial.objects.values("llm_id"))
        return queryset.filter(pk__in=Trial.objects.filter(state=chosen).values("llm_id"))


class KeyFilter(admin.SimpleListFilter):
    """By where the key comes from."""

    title = _("API key")
    parameter_name = "key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The kinds."""
        return [("sealed", _("sealed")), ("reference", _("by reference")), ("none", _("no key"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Those of the chosen kind."""
        sealed, none = Q(api_key__startswith=SEALED_PREFIX), Q(api_key="")
        kinds = {"sealed": sealed, "none": none, "reference": ~sealed & ~none}
        return queryset.filter(kinds[chosen]) if (chosen := self.value()) in kinds else queryset


FILTERS = ("tier", "is_active", "provider", LifecycleFilter, TestedFilter, KeyFilter, "managed_by")
