"""Our errors in the caller's own shape, with the status its SDK expects: one table, two shapes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from creative_services.core import errors as e
from creative_services.core.secrets import redact

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a kind of error is called: its status, OpenAI's type and code, Anthropic's type."""

    status: int
    openai: str
    code: str | None
    anthropic: str
    again: bool | None = None  # told to SDKs as x-should-retry; None leaves it to their own rules


class Problem(Exception):
    """A call that the gateway itself refuses."""

    def __init__(self, kind: str, message: str, *, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.row = PROBLEMS[kind]
        self.param = param
        self.retry_after = retry_after


PROBLEMS: Final[Mapping[str, Row]] = {
    "no_key": Row(status=401, openai="invalid_request_error", code="invalid_api_key", anthropic="authentication_error"),
    "scope": Row(status=403, openai="permission_error", code="scope_not_allowed", anthropic="permission_error"),
    "tier": Row(status=403, openai="permission_error", code="tier_not_allowed", anthropic="permission_error"),
    "shape": Row(status=400, openai="invalid_request_error", code=None, anthropic="invalid_request_error"),
    "path": Row(status=404, openai="invalid_request_error", code="unknown_url", anthropic="not_found_error"),
    "method": Row(
        status=405, openai="invalid_request_error", code="method_not_allowed", anthropic="invalid_request_error"
    ),
    "model": Row(status=404, openai="invalid_request_error", code="model_not_found", anthropic="not_found_error"),
    "slow": Row(status=408, openai="invalid_request_error", code="request_timeout", anthropic="invalid_request_error"),
    "conflict": Row(
        status=409, openai="invalid_request_error", code="idempotency_conflict", anthropic="invalid_request_error"
    ),
    "length": Row(
        status=411, openai="invalid_request_error", code="length_required", anthropic="invalid_request_error"
    ),
    "large": Row(status=413, openai="invalid_request_error", code="request_too_large", anthropic="request_too_large"),
    "media": Row(
        status=415, openai="invalid_request_error", code="unsupported_media_type", anthropic="invalid_request_error"
    ),
    "reused": Row(
        status=422, openai="invalid_request_error", code="idempotency_key_reused", anthropic="invalid_request_error"
    ),
    "head": Row(status=431, openai="invalid_request_error", code="request_too_large", anthropic="request_too_large"),
    "rate": Row(status=429, openai="rate_limit_error", code="rate_limit_exceeded", anthropic="rate_limit_error"),
    "busy": Row(status=503, openai="server_error", code="overloaded", anthropic="overloaded_error"),
    "store": Row(status=503, openai="server_error", code="limits_unavailable", anthropic="api_error"),
    "own": Row(status=500, openai="server_error", code="internal_error", anthropic="api_error"),
}

# What a vendor refused us is not what the caller did wrong: our keys, our accounts and our entries are 502 to it.
ERRORS: Final[Mapping[type[BaseException], Row]] = {
    e.BudgetExceededError: Row(
        status=429, openai="insufficient_quota", code="insufficient_quota", anthropic="rate_limit_error", again=False
    ),
    e.NoEntryError: PROBLEMS["model"],
    e.RegistryUnavailableError: PROBLEMS["busy"],
    e.StoreError: PROBLEMS["store"],
    e.TooLongError: Row(
        status=400,
        openai="invalid_request_error",
        code="context_length_exceeded",
        anthropic="invalid_request_error",
    ),
    e.UnsupportedParameterError: Row(
        status=400, openai="invalid_request_error", code="unsupported_parameter", anthropic="invalid_request_error"
    ),
    e.BadRequestError: PROBLEMS["shape"],
    e.RefusedError: Row(
        status=400, openai="invalid_request_error", code="content_filter", anthropic="invalid_request_error"
    ),
    e.AuthenticationError: Row(
        status=502, openai="server_error", code="upstream_authentication", anthropic="api_error", again=False
    ),
    e.PermissionDeniedError: Row(
        status=502, openai="server_error", code="upstream_permission", anthropic="api_error", again=False
    ),
    e.ModelNotFoundError: Row(
        status=502, openai="server_error", code="upstream_model_not_found", anthropic="api_error", again=False
    ),
    e.QuotaExhaustedError: Row(
        status=502, openai="server_error", code="upstream_quota", anthropic="api_error", again=False
    ),
    e.RateLimitedError: PROBLEMS["rate"],
    e.OverloadedError: Row(status=503, openai="server_error", code="upstream_overloaded", anthropic="overloaded_error"),
    e.TimedOutError: Row(status=504, openai="server_error", code="upstream_timeout", anthropic="timeout_error"),
    e.ProviderError: Row(status=502, openai="server_error", code="upstream_error", anthropic="api_error"),
    e.CreativeServicesError: PROBLEMS["own"],
}


def row_for(error: BaseException) -> Row:
    """The row of the error's nearest ancestor; what is no error of ours is our own fault."""
    if isinstance(error, Problem):
        return error.row
    return next((ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS), PROBLEMS["own"])


def reason_of(error: BaseException) -> str:
    """A word for metrics."""
    row = row_for(error)
    return row.code or row.anthropic


def words_of(error: BaseException) -> str:
    """What the caller is told. A stranger's exception may say anything, so it says nothing here."""
    if isinstance(error, Problem | e.CreativeServicesError):
        return redact(str(error))
    return "The gateway failed in a way it does not know. Its log has more under this request id."


def body_of(error: BaseException, dialect: str, request_id: str) -> bytes:
    """The answer's body in the caller's dialect."""
    row = row_for(error)
    if dialect == "anthropic":
        told = {"type": row.anthropic, "message": words_of(error)}
        return orjson.dumps({"type": "error", "error": told, "request_id": request_id})
    # A vendor's own code tells the caller about its request; about our account it would only mislead.
    code = (row.status < 500 and getattr(error, "code", None)) or row.code
    param = getattr(error, "param", None)
    return orjson.dumps({"error": {"message": words_of(error), "type": row.openai, "param": param, "code": code}})


def event_of(error: BaseException, dialect: str, request_id: str) -> bytes:
    """The error as an event of a stream that has begun."""
    name = b"event: error\n" if dialect != "openai" else b""
    return b"%bdata: %b\n\n" % (name, body_of(error, "anthropic" if dialect == "anthropic" else "openai", request_id))


def headers_of(error: BaseException) -> Headers:
    """How long to wait, and whether another try is worth it."""
    headers: Headers = []
    wait = getattr(error, "retry_after", None)
    if wait is not None:
        headers.append((b"retry-after", str(max(1, round(wait))).encode()))
        headers.append((b"retry-after-ms", str(max(1, round(wait * 1000))).encode()))
    again = row_for(error).again
    if again is not None:
        headers.append((b"x-should-retry", b"true" if again else b"false"))
    return headers
