"""Calls through a gateway stand in the same table, once each."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from creative_services.core.ledger import Batch, LedgerRecord
from creative_services.core.usage import Usage as Tokens
from creative_services.telemetry.spool.shipper import Shipper
from creative_services.telemetry.spool.spool import Spool
from creative_services.testing.ledger_contract import LedgerSinkContract
from django_app.llms.models import Usage, UsageTotal
from django_app.llms.usage.gateway import GatewayUsage
from django_app.llms.usage.totals import roll_up

pytestmark = pytest.mark.django_db


def record(number: int = 1, **more: object) -> LedgerRecord:
    fields: dict[str, object] = {
        "request_id": f"req-{number}", "at": datetime(2026, 11, 21, 9, 30, tzinfo=UTC), "surface": "chat",
        "status": 200, "key_id": "k1", "owner": "ann", "asked": "economy", "tier": "economy", "llm_id": 1,
        "provider": "openai", "model": "m", "usage": Tokens(input_tokens=10, output_tokens=2),
        "cost": Decimal("0.25"), "seconds": 0.5, "attempts": 1, **more,
    }  # fmt: skip
    return LedgerRecord(**fields)  # type: ignore[arg-type]  # as the fields above


def test_a_record_is_a_row_and_part_of_the_sums() -> None:
    sink = GatewayUsage()
    sink.store(
        Batch(spool="s", first=1, last=2, records=[record(), record(2, status=503, error="OverloadedError", cost=None)])
    )
    assert sink.last("s") == 2
    good, bad = Usage.objects.order_by("call_id")
    assert (good.surface, good.user, good.client, good.cost, good.outcome) == (
        "chat",
        "ann",
        "k1",
        Decimal("0.25"),
        "ok",
    )
    assert (bad.outcome, bad.status) == ("OverloadedError", 503)
    roll_up("default")
    total = UsageTotal.objects.get(per="day")
    assert (total.calls, total.failed, total.client) == (2, 1, "k1")


def test_a_batch_that_is_already_there_is_refused_whole() -> None:
    sink = GatewayUsage()
    sink.store(Batch(spool="s", first=1, last=1, records=[record()]))
    with pytest.raises(ValueError, match="somebody else"):
        sink.store(Batch(spool="s", first=1, last=1, records=[record()]))
    assert Usage.objects.count() == 1


def test_a_call_refused_at_the_door_reached_no_entry() -> None:
    GatewayUsage().store(
        Batch(spool="s", first=1, last=1, records=[record(llm_id=None, status=429, error="rate_limited")])
    )
    row = Usage.objects.get()
    assert (row.attempt, row.llm_id, row.outcome) == (0, None, "rate_limited")


def test_from_the_spool_to_the_table(tmp_path: Path) -> None:
    spool = Spool(tmp_path, size=4096)
    for number in range(5):
        spool.append(json.dumps(number).encode())
    spool.close()
    shipper = Shipper(tmp_path, GatewayUsage(), lambda line: record(json.loads(line)))
    assert shipper.ship() == 5
    shipper.close()
    assert Usage.objects.count() == 5


def told(row: Usage) -> LedgerRecord:
    """The record of a row."""
    rare = row.metadata
    return LedgerRecord(
        request_id=row.call_id, at=row.at, surface=row.surface, status=row.status or 0, key_id=row.client,
        owner=row.user, asked=row.asked, tier=row.tier, llm_id=row.llm_id, provider=row.provider, model=row.model,
        usage=Tokens(
            input_tokens=row.input_tokens, output_tokens=row.output_tokens, cached_tokens=row.cached_tokens,
            cache_write_tokens=row.cache_write_tokens, reasoning_tokens=row.reasoning_tokens,
            estimated=row.is_estimated, **rare,
        ),
        cost=row.cost, seconds=row.seconds, attempts=row.attempt, streamed=row.streamed,
        error="" if row.outcome in ("ok", str(row.status)) else row.outcome,
    )  # fmt: skip


class TestContract(LedgerSinkContract):
    @pytest.fixture
    def open_sink(self) -> Callable[[], GatewayUsage]:
        return GatewayUsage

    @pytest.fixture
    def read_records(self) -> Callable[[], list[LedgerRecord]]:
        return lambda: [told(row) for row in Usage.objects.all()]
