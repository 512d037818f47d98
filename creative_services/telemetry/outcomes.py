"""How a try or a call ended, in few words and none of them a vendor's prose, which may quote the prompt."""

from decimal import Decimal
from typing import Final

from creative_services.core.errors import CallCancelledError

OK: Final = "ok"
CANCELLED: Final = "cancelled"


def outcome(error: BaseException | None) -> str:
    """``ok``, ``cancelled``, or the name of the error's class."""
    if error is None:
        return OK
    # What is no Exception (asyncio's cancellation, a closed generator, Ctrl-C) is the caller's own decision.
    if isinstance(error, CallCancelledError) or not isinstance(error, Exception):
        return CANCELLED
    return type(error).__name__


def usd(cost: Decimal | None) -> str:
    """A cost to its last digit, without exponent and trailing zeros."""
    if cost is None:
        return "at an unknown price"
    text = f"{cost:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} USD"
