"""What can be wrong with prices: selection and cost are only as good as they are."""

from collections.abc import Sequence
from typing import Any, Final

from django.core import checks
from django.utils import timezone
from django.utils.translation import gettext as _

from creative_services.core.llm_registry import LLMTier
from django_app.llms import conf
from django_app.llms.checks.rows import active_rows
from django_app.llms.checks.settings import ID

# These send no bill, so a price of 0 is right.
_FREE: Final = ("ollama", "offline")


def missing(*, databases: Sequence[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """W004: a paid provider's entry has no price, or one of 0."""
    return [
        checks.Warning(
            _("%(row)s has no price, or one of 0, although its provider sends a bill.") % {"row": row},
            hint=_("An unknown price is asked last; one of 0 would be asked first. Enter the vendor's prices."),
            obj=row,
            id=f"{ID}.W004",
        )
        for row in active_rows(databases)
        if row.tier != LLMTier.LOCAL and row.provider not in _FREE
        if not row.cost_per_1k_input or not row.cost_per_1k_output
    ]


def old(*, databases: Sequence[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """W005: nobody has compared the prices with the vendor's for long."""
    today = timezone.now().date()
    return [
        checks.Warning(
            _("The prices of %(row)s were last checked on %(date)s.") % {"row": row, "date": row.price_checked_on},
            hint=_("Compare them with the vendor's price list, then set 'price checked on'."),
            obj=row,
            id=f"{ID}.W005",
        )
        for row in active_rows(databases)
        if row.price_checked_on and (today - row.price_checked_on).days > conf.current().price_age_days
    ]


CHECKS: Final = (missing, old)
