"""Calls in the standard log: a line per answer, a warning per failed try and per failed call."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from creative_services.core.completions import EmbeddingResponse, LLMResponse
from creative_services.core.events import Answered, Attempted, Call, Event
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.secrets import redact
from creative_services.core.usage import Usage
from creative_services.telemetry.outcomes import CANCELLED, outcome, usd

LOGGER: Final = "creative_services.calls"


class LogListener:
    """Writes INFO for an answer and WARNING for a failure, with the figures as fields of the log record."""

    def __init__(self, logger: logging.Logger | str = LOGGER) -> None:
        self._log = logging.getLogger(logger) if isinstance(logger, str) else logger

    def __call__(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        if isinstance(event, Attempted):
            if event.attempt.error is not None:
                self._failed_try(event)
        elif event.response is not None:
            self._answered(event, event.response)
        else:
            self._failed_call(event)

    def _answered(self, event: Answered, response: LLMResponse | EmbeddingResponse) -> None:
        if not self._log.isEnabledFor(logging.INFO):
            return
        usage = response.usage or Usage()
        self._log.info(
            "Call %s: %s answered in %.2f s, %d + %d tokens, %s, %s.",
            event.call.id,
            response.llm,
            event.seconds,
            usage.input_tokens,
            usage.output_tokens,
            usd(response.cost),
            _tries(len(event.attempts)),
            extra=_answer_fields(event, response, usage),
        )

    def _failed_try(self, event: Attempted) -> None:
        attempt, error = event.attempt, event.attempt.error
        how = outcome(error)
        self._log.log(
            _level(how),
            "Call %s: attempt %d at %s ended after %.2f s with %s.",
            event.call.id,
            event.number,
            attempt.llm,
            attempt.seconds,
            _in_short(how, error),
            extra={
                **_call_fields(event.call),
                **_entry_fields(attempt.llm),
                "attempt": event.number,
                "seconds": attempt.seconds,
                **_error_fields(how, error),
            },
        )

    def _failed_call(self, event: Answered) -> None:
        how = outcome(event.error)
        self._log.log(
            _level(how),
            "Call %s to %s ended without an answer after %.2f s and %s: %s.",
            event.call.id,
            f"tier {event.call.tier}" if event.call.tier else f"llm_id={event.call.llm_id}",
            event.seconds,
            _tries(len(event.attempts)),
            _in_short(how, event.error),
            extra={
                **_call_fields(event.call),
                "seconds": event.seconds,
                "attempts": len(event.attempts),
                **_error_fields(how, event.error),
            },
        )


def _level(how: str) -> int:
    # People close browser tabs all day; what that costs is in the usage ledger.
    return logging.INFO if how == CANCELLED else logging.WARNING


def _tries(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


def _in_short(how: str, error: BaseException | None) -> str:
    status = getattr(error, "status", None)
    request_id = getattr(error, "request_id", None)
    return f"{how}{f' {status}' if status else ''}{f', request id {request_id}' if request_id else ''}"


def _call_fields(call: Call) -> dict[str, Any]:
    return {
        "call_id": call.id,
        "operation": call.operation,
        "tier": call.tier,
        "llm_id": call.llm_id,
        "user_id": call.user_id,
        "streamed": call.streamed,
    }


def _entry_fields(llm: LLMEntry) -> dict[str, Any]:
    return {
        "llm_id": llm.id,
        "entry": llm.name,
        "tier": llm.tier.value,
        "provider": llm.provider,
        "model": llm.model,
    }


def _answer_fields(event: Answered, response: LLMResponse | EmbeddingResponse, usage: Usage) -> dict[str, Any]:
    return {
        **_call_fields(event.call),
        **_entry_fields(response.llm),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "estimated": usage.estimated,
        "cost": response.cost,
        "seconds": event.seconds,
        "attempts": len(event.attempts),
        "request_id": getattr(response, "request_id", None),
        "outcome": outcome(None),
    }


def _error_fields(how: str, error: BaseException | None) -> dict[str, Any]:
    return {
        "outcome": how,
        "status": getattr(error, "status", None),
        "code": getattr(error, "code", None),
        "retry_after": getattr(error, "retry_after", None),
        "request_id": getattr(error, "request_id", None),
    }


# What every record carries; everything beyond it was given as a field.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and every field of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
            **_fields(vars(record)),
        }
        if record.exc_info:
            told["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(told, default=_plain, ensure_ascii=False)


def _fields(carried: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in carried.items() if name not in _STANDARD and value is not None}


def _plain(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
