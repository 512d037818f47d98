"""The failure table knows every error there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_services.core import errors as e
from creative_services.core.failures import CODES, POLICIES, RAISE, STATUSES, kind_of, policy_for


def family(kind: type[e.ProviderError] = e.ProviderError) -> list[type[e.ProviderError]]:
    return [found for child in kind.__subclasses__() for found in (child, *family(child))]


@pytest.mark.parametrize("kind", family())
def test_every_vendor_failure_has_a_row(kind: type[e.ProviderError]) -> None:
    rows = [POLICIES[ancestor] for ancestor in kind.__mro__ if ancestor in POLICIES]
    assert rows, f"{kind.__name__} would be raised for want of a row, not because the table says so"
    assert policy_for(kind("boom")) is rows[0]


@pytest.mark.parametrize("kind", family())
def test_what_an_error_says_of_itself_is_what_the_table_does(kind: type[e.ProviderError]) -> None:
    assert kind.retryable == policy_for(kind("boom")).repeats


def test_what_repeats_may_also_move_on_and_what_trips_is_worth_another_try() -> None:
    for policy in POLICIES.values():
        assert policy.moves_on >= policy.repeats >= policy.trips


@pytest.mark.parametrize(
    "stranger", [ValueError("x"), e.ConfigurationError("x"), KeyboardInterrupt(), e.NoEntryError("x")]
)
def test_what_is_no_vendor_failure_is_raised(stranger: BaseException) -> None:
    assert policy_for(stranger) is RAISE


@given(st.integers(400, 599), st.none() | st.sampled_from(sorted(CODES)) | st.text(max_size=8), st.text(max_size=40))
def test_every_answer_has_a_kind(status: int, code: str | None, message: str) -> None:
    kind = kind_of(status, code, message)
    assert issubclass(kind, e.ProviderError)
    if code in CODES and status != 413:  # which says more than any code
        assert kind is CODES[code]
    elif status in STATUSES:
        assert kind is STATUSES[status]
    else:
        assert issubclass(kind, e.BadRequestError if status < 500 else e.ServerError)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, None, "Unsupported value", e.BadRequestError),
        (400, None, "prompt is too long: 250000 tokens", e.TooLongError),
        (400, "context_length_exceeded", "", e.TooLongError),
        (429, None, "", e.RateLimitedError),
        (429, "insufficient_quota", "", e.QuotaExhaustedError),
        (404, None, "", e.ModelNotFoundError),
        (418, None, "", e.BadRequestError),
        (500, None, "", e.ServerError),
        (529, "overloaded_error", "", e.OverloadedError),
        (500, "server_error", "the context window was fine", e.ServerError),
    ],
)
def test_the_most_telling_part_decides(status: int, code: str | None, message: str, kind: type) -> None:
    assert kind_of(status, code, message) is kind
