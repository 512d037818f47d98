"""How long a vendor asks to wait, in every spelling there is."""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

_UNITS: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
# When a limit is exhausted these tell its reset: OpenAI and Groq as a span ("1m30.5s"), Anthropic as a moment.
_LIMITS: Final = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
)


def retry_after(headers: Mapping[str, str], status: int) -> float | None:
    """Seconds to wait: what the vendor says plainly, else (after a 429) when its exhausted limit resets."""
    for plain in (_milliseconds(headers.get("retry-after-ms")), _seconds_or_date(headers.get("retry-after"))):
        if plain is not None:
            return plain
    if status != 429:
        return None
    resets = [_span_or_date(headers.get(reset)) for left, reset in _LIMITS if headers.get(left) == "0"]
    return max((wait for wait in resets if wait is not None), default=None)


def _milliseconds(told: str | None) -> float | None:
    with suppress(TypeError, ValueError):
        return _sane(float(told or "") / 1000)
    return None


def _seconds_or_date(told: str | None) -> float | None:
    with suppress(TypeError, ValueError):
        return _sane(float(told or ""))
    with suppress(TypeError, ValueError, OverflowError):
        return _sane(parsedate_to_datetime(told or "").timestamp() - time.time())
    return None


def _span_or_date(told: str | None) -> float | None:
    if not told:
        return None
    if parts := _SPAN.findall(told):
        return _sane(sum(float(number) * _UNITS[unit] for number, unit in parts))
    with suppress(ValueError):
        return _sane(datetime.fromisoformat(told).timestamp() - time.time())
    return _seconds_or_date(told)


def _sane(seconds: float) -> float | None:
    # A moment that has passed is no wait; nan and the infinities are none either.
    return max(0.0, seconds) if -1e12 < seconds < 1e9 else None
