"""The keys as a table for a spreadsheet: no key, and no digest of one."""

import csv
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from django_app.llms.admin.actions import harmless

EXPORTED: Final = (
    "key_id", "account", "owner", "user", "note", "state", "tiers", "scopes", "requests_per_minute",
    "tokens_per_minute", "budget_per_day", "budget_per_month", "expires_at", "last_used_at", "created_at",
    "created_by", "revoked_at", "revoked_by",
)  # fmt: skip


@admin.action(description=gettext_lazy("Export as CSV"), permissions=["view"])
def export_keys(_admin: Any, request: HttpRequest, rows: Any) -> HttpResponse:
    """The chosen rows."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="keys.csv"'
    write = csv.writer(answer)
    write.writerow(EXPORTED)
    for row in rows.select_related("user", "use"):
        write.writerow([harmless(_cell(row, name)) for name in EXPORTED])
    return answer


def _cell(row: Any, name: str) -> Any:
    value = getattr(row, name)
    if name in ("tiers", "scopes"):
        return " ".join(value)
    if name in ("expires_at", "last_used_at", "created_at", "revoked_at"):
        return value.isoformat() if value else ""
    return value if value is None or isinstance(value, int) else str(value)
