"""Filters of the list of keys."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

Rows = QuerySet[Any, Any]

SOON = timedelta(days=14)
IDLE = timedelta(days=30)


class StateFilter(admin.SimpleListFilter):
    """By whether a gateway lets them in."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The states, and the one that needs attention."""
        return [
            ("works", _("works")),
            ("soon", _("expires within 14 days")),
            ("off", _("switched off")),
            ("expired", _("expired")),
            ("revoked", _("revoked")),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Those of the chosen state."""
        now = timezone.now()
        living = Q(expires_at=None) | Q(expires_at__gt=now)
        kinds = {
            "works": Q(is_active=True) & living,
            "soon": Q(is_active=True, expires_at__gt=now, expires_at__lte=now + SOON),
            "off": Q(is_active=False, revoked_at=None) & living,
            "expired": Q(revoked_at=None, expires_at__lte=now),
            "revoked": Q(revoked_at__isnull=False),
        }
        return queryset.filter(kinds[chosen]) if (chosen := self.value()) in kinds else queryset


class UseFilter(admin.SimpleListFilter):
    """By their last call: keys nobody uses are keys nobody would miss."""

    title = _("last used")
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """How long ago."""
        return [("lately", _("within 30 days")), ("idle", _("not for 30 days")), ("never", _("never"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Those last used then."""
        since = timezone.now() - IDLE
        kinds = {"lately": Q(use__at__gt=since), "idle": Q(use__at__lte=since), "never": Q(use=None)}
        return queryset.filter(kinds[chosen]) if (chosen := self.value()) in kinds else queryset


FILTERS = (StateFilter, UseFilter)
