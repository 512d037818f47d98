"""A record as one line of JSON: a list, since the names of its members would be most of it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from creative_services.core.ledger import LedgerRecord
from creative_services.core.usage import Usage

# Written first in every line: a spool may be handed over by a later version than the one that wrote it.
VERSION: Final = 1
NO_USAGE: Final = Usage()


def line_of(head: tuple[Any, ...], usage: Usage | None, cost: Decimal | None) -> bytes:
    """The line of a call: ``head`` is everything that is no count and no cost."""
    if usage is None:
        return orjson.dumps((VERSION, *head))
    return orjson.dumps(
        (
            VERSION,
            *head,
            None if cost is None else str(cost),
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            usage.cache_write_tokens,
            usage.cache_write_1h_tokens,
            usage.reasoning_tokens,
            usage.service_tier,
            usage.estimated,
        )
    )


def record_in(line: bytes) -> LedgerRecord:
    """The record in a line."""
    version, *told = orjson.loads(line)
    if version != VERSION:
        raise ValueError(f"a ledger line of version {version}; this one reads version {VERSION}")
    request_id, at, seconds, surface, status, asked, key_id, owner, streamed, error, attempts, *rest = told
    llm_id, provider, model, tier, *counts = rest
    return LedgerRecord(
        request_id=request_id,
        at=datetime.fromtimestamp(at, UTC),
        seconds=seconds,
        surface=surface,
        status=status,
        asked=asked,
        key_id=key_id,
        owner=owner,
        streamed=streamed,
        error=error,
        attempts=attempts,
        llm_id=llm_id,
        provider=provider,
        model=model,
        tier=tier,
        usage=_usage(counts[1:]),
        cost=None if not counts or counts[0] is None else Decimal(counts[0]),
    )


def _usage(counts: list[Any]) -> Usage:
    if not counts:
        return NO_USAGE
    into, out, cached, written, written_1h, reasoning, service_tier, estimated = counts
    return Usage(
        input_tokens=into,
        output_tokens=out,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=written_1h,
        reasoning_tokens=reasoning,
        service_tier=service_tier,
        estimated=estimated,
    )
