"""What can go wrong at a vendor, as values to script; and the model-name endings that ask for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from creative_services.testing.vendors.replies import Reply


class FaultKind(StrEnum):
    """The ways a vendor fails."""

    STATUS = "status"
    HANG = "hang"
    DROP = "drop"
    CUT = "cut"
    STALL = "stall"
    ERROR_EVENT = "error_event"
    MALFORMED = "malformed"
    EMPTY = "empty"
    HTML = "html"
    SLOW = "slow"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fault:
    """One failure to script; made by the named constructors below.

    Faults that count (`after`) let that many pieces of content of a stream through first. On a call that
    does not stream they do the nearest thing: break the body, stall in it, or answer with the error itself.
    """

    kind: FaultKind
    http_status: int | None = None  # None: whatever the vendor sends with this code
    message: str | None = None
    code: str | None = None
    param: str | None = None
    error_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int = 0
    delay: float = 0.0
    reply: Reply | None = None

    @classmethod
    def status(
        cls,
        status: int,
        *,
        message: str | None = None,
        code: str | None = None,
        param: str | None = None,
        error_type: str | None = None,
        retry_after: float | None = None,
        retry_after_ms: float | None = None,
        headers: Mapping[str, str] | None = None,
        delay: float = 0.0,
    ) -> Self:
        """An error answer in the vendor's own shape; what is left out comes from the vendor's table."""
        waits = {"retry-after": retry_after, "retry-after-ms": retry_after_ms}
        asked = {name: f"{wait:g}" for name, wait in waits.items() if wait is not None}
        return cls(
            kind=FaultKind.STATUS,
            http_status=status,
            message=message,
            code=code,
            param=param,
            error_type=error_type,
            headers={**asked, **(headers or {})},
            delay=delay,
        )

    @classmethod
    def named(cls, code: str, *, message: str | None = None, param: str | None = None) -> Self:
        """A well-known error by its code, e.g. "context_length_exceeded", with each vendor's own status."""
        if code not in STATUS_OF_CODE:
            raise ValueError(f"Fault.named: no error is called {code!r}; there are {', '.join(STATUS_OF_CODE)}.")
        return cls(kind=FaultKind.STATUS, code=code, message=message, param=param)

    @classmethod
    def hang(cls) -> Self:
        """Take the request and never send a byte."""
        return cls(kind=FaultKind.HANG)

    @classmethod
    def drop(cls) -> Self:
        """Close the connection before any header."""
        return cls(kind=FaultKind.DROP)

    @classmethod
    def cut(cls, *, after: int = 0, reply: Reply | None = None) -> Self:
        """Close the connection in the middle of the body, in a stream after so many pieces."""
        return cls(kind=FaultKind.CUT, after=after, reply=reply)

    @classmethod
    def stall(cls, *, after: int = 0, reply: Reply | None = None) -> Self:
        """Go silent in the middle of the body, in a stream after so many pieces."""
        return cls(kind=FaultKind.STALL, after=after, reply=reply)

    @classmethod
    def error_event(
        cls,
        *,
        after: int = 0,
        status: int = 500,
        code: str | None = None,
        message: str | None = None,
        reply: Reply | None = None,
    ) -> Self:
        """End a stream that began well with the vendor's error event; a plain call gets that status."""
        return cls(
            kind=FaultKind.ERROR_EVENT,
            after=after,
            http_status=status,
            code=code,
            message=message,
            reply=reply,
        )

    @classmethod
    def malformed(cls, *, after: int = 0, reply: Reply | None = None) -> Self:
        """Send JSON that does not parse: the body, or one event of a stream after so many pieces."""
        return cls(kind=FaultKind.MALFORMED, after=after, reply=reply)

    @classmethod
    def empty(cls) -> Self:
        """Answer 200 with nothing in it."""
        return cls(kind=FaultKind.EMPTY)

    @classmethod
    def html(cls, status: int = 502) -> Self:
        """Answer with a proxy's HTML page instead of the vendor's JSON."""
        return cls(kind=FaultKind.HTML, http_status=status)

    @classmethod
    def slow(cls, seconds: float, reply: Reply | None = None) -> Self:
        """Answer well, but the first byte comes only after so many seconds."""
        return cls(kind=FaultKind.SLOW, delay=seconds, reply=reply)


STATUS_OF_CODE = {
    "unsupported_parameter": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded": 503,
}

FAULT_OF_ENDING: dict[str, Fault] = {
    **{str(status): Fault.status(status) for status in (400, 401, 402, 403, 404, 408, 409, 413, 422)},
    "429": Fault.status(429, retry_after=1),
    **{str(status): Fault.status(status) for status in (500, 502, 503, 504, 529)},
    "hang": Fault.hang(),
    "drop": Fault.drop(),
    "cut": Fault.cut(after=1),
    "stall": Fault.stall(after=1),
    "malformed": Fault.malformed(after=1),
    "empty": Fault.empty(),
    "html": Fault.html(),
    "slow": Fault.slow(2.0),
}


def fault_of_model(model: str) -> Fault | None:
    """The fault a model's name ends in, as in "gpt-4o-mini-429"."""
    return FAULT_OF_ENDING.get(model.rpartition("-")[2]) if "-" in model else None
