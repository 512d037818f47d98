"""Numbers as people read them."""

from decimal import Decimal
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

THOUSAND: Final = Decimal(1000)
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def usd(amount: Decimal | float | None) -> str:
    """``$1,234.50``, ``$0.0123``, ``$0.00000004``: as many places as say something."""
    if amount is None:
        return "—"
    value = Decimal(str(amount))
    if not value:
        return "$0"
    sign = "−" if value < 0 else ""
    return f"{sign}${number_format(abs(value), _places(abs(value)), use_l10n=True, force_grouping=True)}"


def _places(value: Decimal) -> int:
    if value >= 1:
        return 2
    # Two digits that are not zero.
    return max(2, 1 - value.adjusted())


def price(per_1k: Decimal | None) -> str:
    """A price without the zeros of its column: ``0.00015``."""
    return "—" if per_1k is None else f"{per_1k.normalize():f}"


def per_million(per_1k: Decimal | None) -> str:
    """The price as vendors print it: for a million tokens."""
    if per_1k is None:
        return "—"
    text = f"{(per_1k * THOUSAND).normalize():f}"
    whole, _, rest = text.partition(".")
    return f"${whole}.{rest.ljust(2, '0')}" if rest else f"${whole}.00"


def share(part: float, whole: float) -> str:
    """``99.5 %``."""
    return f"{number_format(100 * part / whole, 1)} %" if whole else "—"


def seconds(value: float | None) -> str:
    """``640 ms``, ``2.4 s``."""
    if value is None:
        return "—"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{number_format(value, 1)} s"


def tokens(count: int | None) -> str:
    """``950``, ``12.3 k``, ``4.1 M``."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count and count >= size:
            return f"{number_format(count / size, 1)} {unit}"
    return str(count or 0)


def count(number: int | None) -> str:
    """``12,345``."""
    return number_format(number or 0, 0, use_l10n=True, force_grouping=True)


def age(past: float) -> str:
    """``3 d``, ``12 min``, ``just now``."""
    for size, unit in _UNITS:
        if past >= size:
            return f"{past // size:.0f} {unit}"
    return _("just now") if past < 5 else f"{past:.0f} s"


def days(number: int) -> str:
    """``1 day``, ``12 days``."""
    return ngettext("%(count)s day", "%(count)s days", number) % {"count": number}
