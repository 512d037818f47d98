"""The list of keys: what its columns show, gathered for a whole page at once."""

from collections.abc import Sequence
from typing import Any

from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_app.access import spending
from django_app.access.models import AccessKey
from django_app.llms.admin import words
from django_app.llms.admin.bars import Bar

_DOTS = {
    AccessKey.State.WORKS: "good",
    AccessKey.State.OFF: "off",
    AccessKey.State.EXPIRED: "poor",
    AccessKey.State.REVOKED: "bad",
}


def gather(rows: Sequence[AccessKey], using: str) -> None:
    """Give each row its ``spent``; the number of queries does not grow with the rows."""
    spent = spending.spent_by({row.account for row in rows}, using)
    for row in rows:
        row.spent = spent.get(row.account, spending.NOTHING)  # type: ignore[attr-defined]  # for the columns below only


def key(row: AccessKey) -> SafeString:
    """What is public of it, and its note."""
    return format_html('<span class="cs-mono cs-name">{}</span><small class="cs-sub">{}</small>', row.shown, row.note)


def owner(row: AccessKey) -> SafeString:
    """Whose it is."""
    return format_html('{}<small class="cs-sub">{}</small>', row.owner, row.user or "")


def rights(row: AccessKey) -> SafeString:
    """Tiers as badges, what it is for unless everything, and how fast it may go."""
    badges = format_html_join(" ", '<span class="cs-badge cs-tier-{}">{}</span>', ((tier, tier) for tier in row.tiers))
    limits = (
        (row.requests_per_minute, words.count(row.requests_per_minute), _("requests/min")),
        (row.tokens_per_minute, words.tokens(row.tokens_per_minute), _("tokens/min")),
    )
    lines = [(shown, unit) for limit, shown, unit in limits if limit]
    below = format_html_join("", '<small class="cs-sub">{} {}</small>', lines)
    only = format_html('<small class="cs-sub">{}</small>', _("only %(scopes)s") % {"scopes": ", ".join(row.scopes)})
    return format_html("{}{}{}", badges or _("every tier"), only if row.scopes else "", below)


def budgets(row: AccessKey) -> SafeString:
    """A bar for each budget; without one, what was spent this month."""
    spent: spending.Spent = getattr(row, "spent", spending.NOTHING)
    bars = [
        (Bar(spent=used, most=most).html(told),)
        for used, most, told in (
            (spent.day, row.budget_per_day, _("today")),
            (spent.month, row.budget_per_month, _("this month")),
        )
        if most is not None
    ]
    if not bars:
        return format_html("<small>{} {}</small>", words.usd(spent.month), _("this month"))
    return format_html_join("", '<div class="cs-budget-line">{}</div>', bars)


def last_used(row: AccessKey) -> Any:
    """How long ago."""
    if (at := row.last_used_at) is None:
        return format_html('<span class="cs-quiet">{}</span>', _("never"))
    return format_html('<span title="{}">{}</span>', moment(at), words.age((timezone.now() - at).total_seconds()))


def made(row: AccessKey) -> str:
    """When, and by whom."""
    return _("%(when)s by %(who)s") % {"when": moment(row.created_at), "who": row.created_by or "—"}


def state(row: AccessKey) -> SafeString:
    """A dot, a word, and below when it ends or ended, and what replaced it."""
    below = []
    if row.revoked_at:
        below.append(_("%(when)s by %(who)s") % {"when": moment(row.revoked_at), "who": row.revoked_by or "—"})
    elif row.expires_at:
        below.append(_("until %(when)s") % {"when": moment(row.expires_at)})
    if row.successor:
        below.append(_("replaced by %(key)s") % {"key": row.successor.shown})
    lines = format_html_join("", '<small class="cs-sub">{}</small>', ((line,) for line in below))
    return format_html('<span class="cs-dot cs-{}"></span>{}{}', _DOTS[row.state], row.state.label, lines)


def moment(at: Any) -> str:
    """In the reader's time zone and form."""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return str(formats.date_format(local, "SHORT_DATETIME_FORMAT"))
