"""The table as the ledger of a gateway: its calls stand beside those of the SDK's clients."""

from typing import Final

from creative_services.core.ledger import Batch, LedgerRecord
from django_app.llms.models import Usage
from django_app.llms.usage.rows import storable
from django_app.llms.usage.sink import UsageTable

_OK: Final = 400  # statuses below it
# Counted by few vendors for few calls: no columns of their own.
_RARE: Final = ("cache_write_1h_tokens", "service_tier")


class GatewayUsage:
    """A ``Sink`` of gateway records for one database."""

    def __init__(self, using: str = "default") -> None:
        self._table = UsageTable(using)

    def last(self, spool: str) -> int:
        """The highest number stored from this spool."""
        return self._table.last(spool)

    def store(self, batch: Batch[LedgerRecord]) -> None:
        """All records, or none."""
        rows = [[usage_of(record)] for record in batch.records]
        self._table.store(Batch(spool=batch.spool, first=batch.first, last=batch.last, records=rows))


def usage_of(record: LedgerRecord) -> Usage:
    """A call through the gateway as a row. Its prices are those of the moment, which only their sum remembers."""
    tokens = record.usage
    return storable(
        {
            "call_id": record.request_id,
            "attempt": max(1, record.attempts) if record.llm_id is not None else 0,
            "is_final": True,
            "at": record.at,
            "surface": record.surface,
            "asked": record.asked,
            "tier": record.tier,
            "llm_id": record.llm_id,
            "provider": record.provider,
            "model": record.model,
            "user": record.owner,
            "client": record.key_id,
            "streamed": record.streamed,
            # A stream that broke had said 200 before it did.
            "outcome": record.error or ("ok" if record.status < _OK else str(record.status)),
            "status": record.status,
            "seconds": record.seconds,
            "input_tokens": tokens.input_tokens,
            "output_tokens": tokens.output_tokens,
            "cached_tokens": tokens.cached_tokens,
            "cache_write_tokens": tokens.cache_write_tokens,
            "reasoning_tokens": tokens.reasoning_tokens,
            "is_estimated": tokens.estimated,
            "cost": record.cost,
            "metadata": {name: value for name in _RARE if (value := getattr(tokens, name))},
        }
    )
