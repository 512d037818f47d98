"""Errors in a vendor's words: what its table says of a status or a code, and what a script said instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from creative_services.testing.vendors.faults import STATUS_OF_CODE, Fault


@dataclass(frozen=True, slots=True)
class Failure:
    """One error as a vendor words it, before its shape puts it into JSON."""

    type: str
    message: str
    code: str | None = None
    param: str | None = None


class RefusedError(Exception):
    """A request the vendor itself would refuse; carries the answer."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.fault = Fault.status(status, message=message, code=code, param=param)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureTable:
    """A vendor's errors by status, and the ones it tells apart by code."""

    by_status: Mapping[int, Failure]
    by_code: Mapping[str, Failure]
    otherwise: Failure
    status_of_code: Mapping[str, int] = field(default_factory=dict)

    def status(self, fault: Fault) -> int:
        """The status a fault is sent with."""
        if fault.http_status is not None:
            return fault.http_status
        code = fault.code or ""
        return self.status_of_code.get(code, STATUS_OF_CODE.get(code, 500))

    def failure(self, fault: Fault, model: str) -> Failure:
        """The vendor's error for this fault; what the script said itself wins over the table."""
        known = self.by_code.get(fault.code or "") or self.by_status.get(self.status(fault)) or self.otherwise
        return replace(
            known,
            type=fault.error_type or known.type,
            message=fault.message or known.message.replace("MODEL", model or "(none)"),
            code=fault.code or known.code,
            # A message of the script's own is about its own parameter, or about none.
            param=fault.param if fault.message else fault.param or known.param,
        )
