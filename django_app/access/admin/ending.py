"""Two screens that end keys: revoke, now and for ever; rotate, after an overlap. Both say who would notice."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from creative_services.core.errors import ConfigurationError
from django_app.access import issuing, spending
from django_app.access.admin import listing
from django_app.access.models import AccessKey
from django_app.llms.admin import words
from django_app.llms.admin.base import screen

APP: Final = "creative_services_access"
LIST: Final = f"admin:{APP}_accesskey_changelist"
_OVERLAPS: Final = (
    ("1h", gettext_lazy("1 hour")),
    ("1d", gettext_lazy("1 day")),
    ("7d", gettext_lazy("7 days")),
)
_TAB: Final = "accesskey_changelist"


def revoke(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The question, and the end."""
    asked = request.POST if request.method == "POST" else request.GET
    pks = [int(pk) for pk in asked.getlist("key") if pk.isdecimal()]
    rows = list(model_admin.get_queryset(request).filter(pk__in=pks, revoked_at=None))
    if not rows:
        messages.warning(request, _("None of these keys is left to revoke."))
        return HttpResponseRedirect(reverse(LIST))
    if request.method != "POST":
        lines = _lines(rows)
        busy = sum(line["calls"] for line in lines)
        return screen(model_admin.admin_site, request, "revoke", _("Revoke API keys"), app=APP, tab=_TAB,
                      lines=lines, busy=words.count(busy) if busy else "")  # fmt: skip
    ended = issuing.revoke(rows, using=rows[0]._state.db, by=request.user, reason=request.POST.get("reason", ""))
    for row in ended:
        model_admin.log_change(request, row, "revoked")
    text = ngettext("%(count)s key revoked.", "%(count)s keys revoked.", len(ended)) % {"count": len(ended)}
    messages.success(request, text)
    return HttpResponseRedirect(reverse(LIST))


def _lines(rows: list[AccessKey]) -> list[dict[str, Any]]:
    calls = spending.calls_of([row.key_id for row in rows], rows[0]._state.db or "default")
    return [
        {
            "row": row,
            "calls": calls.get(row.key_id, 0),
            "told": words.count(calls.get(row.key_id, 0)),
            "last": listing.last_used(row),
            "state": listing.state(row),
        }
        for row in rows
    ]


def rotate(model_admin: Any, request: HttpRequest, row: AccessKey) -> HttpResponse:
    """The question, and the new key."""
    back = reverse(f"admin:{APP}_accesskey_change", args=[row.pk])
    if why := issuing.why_not_rotated(row):
        messages.error(request, why)
        return HttpResponseRedirect(back)
    overlap = issuing.OVERLAPS.get(request.POST.get("overlap", ""))
    if request.method != "POST" or overlap is None:
        return screen(model_admin.admin_site, request, "rotate", _("Rotate an API key"), app=APP, tab=_TAB,
                      lines=_lines([row]), row=row, overlaps=_OVERLAPS, back=back)  # fmt: skip
    try:
        issued = issuing.rotate(row.pk, overlap, using=row._state.db or "default", by=request.user)
    except ConfigurationError as error:  # somebody was faster
        messages.error(request, str(error))
        return HttpResponseRedirect(back)
    model_admin.log_addition(request, issued.row, "rotated")
    row.refresh_from_db()
    return shown_once(model_admin, request, issued, old=row)


def shown_once(
    model_admin: Any, request: HttpRequest, issued: issuing.Issued, old: AccessKey | None = None
) -> HttpResponse:
    """The only page a key is ever on: the answer to the request that made it, which no cache keeps."""
    answer = screen(
        model_admin.admin_site, request, "issued", _("Your new API key"), app=APP, tab=_TAB,
        row=issued.row, key=issued.key, old=old, old_ends=listing.moment(old.expires_at) if old else "",
    )  # fmt: skip
    answer["Cache-Control"] = "no-store, private"
    return answer
