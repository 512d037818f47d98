"""What a vendor's status means, and what happens next: two tables."""

from dataclasses import dataclass
from typing import Final

from creative_services.core import errors as e


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the client does after a failure."""

    moves_on: bool = False  # the next entry of the tier is asked at once, when there is one
    repeats: bool = False  # without another entry the same one is asked again after a pause
    trips: bool = False  # counts towards opening the entry's breaker
    rests: float = 0.0  # the entry is skipped for at least this many seconds


RAISE: Final = Policy()

POLICIES: Final[dict[type[Exception], Policy]] = {
    # What does not fit the budget on this entry may fit on the next one.
    e.BudgetExceededError: Policy(moves_on=True),
    e.BadRequestError: RAISE,
    e.AuthenticationError: RAISE,
    e.PermissionDeniedError: RAISE,
    e.RefusedError: RAISE,
    e.StreamInterruptedError: RAISE,
    # A model that is gone stays gone: another entry of the same tier may serve, this one is not asked for five minutes.
    e.ModelNotFoundError: Policy(moves_on=True, rests=300.0),
    # Money does not come back within a call; a minute keeps the entry usable soon after a top-up.
    e.QuotaExhaustedError: Policy(moves_on=True, rests=60.0),
    e.RateLimitedError: Policy(moves_on=True, repeats=True, rests=1.0),
    e.OverloadedError: Policy(moves_on=True, repeats=True, trips=True),
    e.ServerError: Policy(moves_on=True, repeats=True, trips=True),
    e.MalformedAnswerError: Policy(moves_on=True, repeats=True, trips=True),
    e.UnreachableError: Policy(moves_on=True, repeats=True, trips=True),
    e.TimedOutError: Policy(moves_on=True, repeats=True, trips=True),
}


def policy_for(error: BaseException) -> Policy:
    """The row of the error's nearest ancestor; what is no vendor failure is raised as it is."""
    return next((POLICIES[kind] for kind in type(error).__mro__ if kind in POLICIES), RAISE)


STATUSES: Final[dict[int, type[e.ProviderError]]] = {
    401: e.AuthenticationError,
    402: e.QuotaExhaustedError,
    403: e.PermissionDeniedError,
    404: e.ModelNotFoundError,
    408: e.TimedOutError,
    409: e.OverloadedError,
    413: e.TooLongError,
    429: e.RateLimitedError,
    503: e.OverloadedError,
    504: e.TimedOutError,
    529: e.OverloadedError,
}

# A vendor's own code says more than the status it comes with.
CODES: Final[dict[str, type[e.ProviderError]]] = {
    "context_length_exceeded": e.TooLongError,
    "string_above_max_length": e.TooLongError,
    "request_too_large": e.TooLongError,
    "content_filter": e.RefusedError,
    "content_policy_violation": e.RefusedError,
    "insufficient_quota": e.QuotaExhaustedError,
    "billing_error": e.QuotaExhaustedError,
    "invalid_api_key": e.AuthenticationError,
    "authentication_error": e.AuthenticationError,
    "permission_error": e.PermissionDeniedError,
    "model_not_found": e.ModelNotFoundError,
    "model_decommissioned": e.ModelNotFoundError,
    "not_found_error": e.ModelNotFoundError,
    "rate_limit_exceeded": e.RateLimitedError,
    "rate_limit_error": e.RateLimitedError,
    "overloaded_error": e.OverloadedError,
    "timeout_error": e.TimedOutError,
    "unsupported_parameter": e.UnsupportedParameterError,
    "unsupported_value": e.UnsupportedParameterError,
}

# Some vendors say "too long" only in prose.
_TOO_LONG: Final = (
    "prompt is too long",
    "context length",
    "context window",
    "exceeds the available context size",
)


def kind_of(status: int, code: str | None = None, message: str = "") -> type[e.ProviderError]:
    """The error class for a vendor's answer: its code first, then its prose, then the bare status.

    Codes that only say that something broke (``server_error``, ``api_error``) are not in the table: the status says
    it better.
    """
    # Groq says "rate limit" of a prompt that is larger than a whole minute's allowance: waiting would not help.
    if code in CODES and status != 413:
        return CODES[code]
    if status == 400 and any(words in message.lower() for words in _TOO_LONG):
        return e.TooLongError
    if status in STATUSES:
        return STATUSES[status]
    return e.BadRequestError if 400 <= status < 500 else e.ServerError
