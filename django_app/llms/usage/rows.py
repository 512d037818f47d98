"""From what happened to rows of the table, by way of a line in the spool."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from creative_services.core.completions import Attempt
from creative_services.core.events import Answered
from creative_services.core.usage import Usage as Tokens
from creative_services.telemetry.outcomes import outcome
from django_app.llms.models import Usage

# A line in the spool is a list of rows, a row the values of these columns: names would be half of every line.
COLUMNS: Final = (
    "call_id", "attempt", "is_final", "at", "operation", "asked", "tier", "llm_id", "entry", "provider", "model",
    "user", "streamed", "outcome", "status", "seconds", "input_tokens", "output_tokens", "cached_tokens",
    "cache_write_tokens", "reasoning_tokens", "is_estimated", "cost", "price_input", "price_output", "price_source",
    "metadata", "surface", "client",
)  # fmt: skip

Row = tuple[Any, ...]

_NOTHING: Final = Tokens()
_encode: Final = json.JSONEncoder(separators=(",", ":"), default=str).encode
_LONGEST: Final = {field.name: field.max_length for field in Usage._meta.fields if field.max_length}
_MONEY: Final = ("cost", "price_input", "price_output")
_COUNTS: Final = tuple(name for name in COLUMNS if name.endswith("_tokens"))
_TOO_DEAR: Final = Decimal(10) ** 10
_TOO_MANY: Final = 2**63 - 1


def rows_of(event: Answered) -> list[Row]:
    """A row for each try; one for the call itself when no entry was ever asked."""
    tries = event.attempts
    if not tries:
        return [_call_row(event)]
    return [_try_row(event, number, each, number == len(tries)) for number, each in enumerate(tries, start=1)]


def _try_row(event: Answered, number: int, attempt: Attempt, final: bool) -> Row:
    call, llm, tokens, cost = event.call, attempt.llm, attempt.usage or _NOTHING, attempt.cost
    price_in, price_out = llm.cost_per_1k_input, llm.cost_per_1k_output
    return (
        call.id, number, final, _ended(event, attempt, final), call.operation, _asked(event), llm.tier.value, llm.id,
        llm.name, llm.provider, llm.model, call.user_id or "", call.streamed,
        # An answer can come and the call still fail, on the shape of its text say: then that is how it ended.
        outcome(attempt.error or (event.error if final else None)), getattr(attempt.error, "status", None),
        attempt.seconds, tokens.input_tokens, tokens.output_tokens, tokens.cached_tokens, tokens.cache_write_tokens,
        tokens.reasoning_tokens, tokens.estimated, None if cost is None else str(cost),
        None if price_in is None else str(price_in), None if price_out is None else str(price_out),
        llm.pricing.source, call.metadata or {}, "sdk", "",
    )  # fmt: skip


def _call_row(event: Answered) -> Row:
    call = event.call
    return (
        call.id, 0, True, event.ended_at.isoformat(), call.operation, _asked(event), call.tier or "", None,
        "", "", "", call.user_id or "", call.streamed, outcome(event.error), None, event.seconds,
        0, 0, 0, 0, 0, False, None, None, None, "", call.metadata or {}, "sdk", "",
    )  # fmt: skip


def _asked(event: Answered) -> str:
    return event.call.tier or f"llm_id={event.call.llm_id}"


def _ended(event: Answered, attempt: Attempt, final: bool) -> str:
    if final:
        return event.ended_at.isoformat()
    later = event.seconds - attempt.started - attempt.seconds
    return (event.ended_at - timedelta(seconds=max(0.0, later))).isoformat()


def encode(rows: Iterable[Row]) -> bytes:
    """A line of the spool."""
    return _encode(list(rows)).encode()


def decode(line: bytes) -> list[Usage]:
    """The rows of a line; what a database would refuse for ever is trimmed here."""
    found = json.loads(line)
    try:
        return [_usage(dict(zip(COLUMNS, values, strict=True))) for values in found]
    except (TypeError, KeyError, AttributeError) as error:  # zip() raises a ValueError itself
        raise ValueError(f"no rows of this version: {error}") from error


def _usage(values: dict[str, Any]) -> Usage:
    values["at"] = datetime.fromisoformat(values["at"])
    return storable(values)


def storable(values: dict[str, Any]) -> Usage:
    """A row that every database takes: texts of their length, counts and money in their range."""
    values["at"] = values["at"].astimezone(UTC)
    for name, longest in _LONGEST.items():
        if name in values:
            values[name] = _storable(str(values[name]))[:longest]
    for name in _MONEY:
        values[name] = _price(values.get(name))
    for name in _COUNTS:
        values[name] = min(max(0, int(values[name])), _TOO_MANY)
    values["metadata"] = _storable(values.get("metadata") or {})
    return Usage(**values)


def _storable(value: Any) -> Any:
    """Without what PostgreSQL takes in no text: NUL, and halves of characters."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list) else value


def _price(text: str | Decimal | None) -> Decimal | None:
    try:
        amount = None if text is None else Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and 0 <= amount < _TOO_DEAR else None


def hours_of(rows: Iterable[Usage]) -> Iterator[datetime]:
    """Each hour that has rows, once."""
    yield from sorted({row.at.replace(minute=0, second=0, microsecond=0) for row in rows})
