"""How long a vendor asks to wait, in every spelling."""

import time
from email.utils import formatdate

import pytest

from creative_services.providers._waits import retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30.5s"}, 90.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "120s"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_waits(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, 429) == (None if seconds is None else pytest.approx(seconds))


def test_a_date() -> None:
    wait = retry_after({"retry-after": formatdate(time.time() + 100, usegmt=True)}, 503)
    assert wait is not None
    assert 90 < wait <= 100
    assert retry_after({"retry-after": formatdate(time.time() - 100, usegmt=True)}, 503) == 0.0


def test_anthropic_s_moment() -> None:
    headers = {
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 100)),
    }
    wait = retry_after(headers, 429)
    assert wait is not None
    assert 90 < wait <= 100


def test_limits_tell_nothing_unless_they_are_the_reason() -> None:
    assert retry_after({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s"}, 500) is None
