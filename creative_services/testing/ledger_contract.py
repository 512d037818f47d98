"""What every ledger sink must do, as tests: derive from ``LedgerSinkContract`` and say how to open and read yours."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from creative_services.core.ledger import Batch, LedgerRecord, Sink
from creative_services.core.usage import Usage

OpenSink = Callable[[], Sink[LedgerRecord]]
ReadRecords = Callable[[], Sequence[LedgerRecord]]

FULL = LedgerRecord(
    request_id="req_1",
    at=datetime(2030, 1, 2, 3, 4, 5, 678901, UTC),
    surface="chat",
    status=200,
    key_id="key-7",
    owner="Ada Lovelace",
    asked="tier:économie 'x'",
    tier="economy",
    llm_id=2**40,
    provider="openai",
    model="gpt-small",
    usage=Usage(
        input_tokens=10**9,
        output_tokens=20,
        cached_tokens=30,
        cache_write_tokens=40,
        cache_write_1h_tokens=5,
        reasoning_tokens=6,
        service_tier="flex",
        estimated=True,
    ),
    cost=Decimal("12345.0000000001"),
    seconds=1.25,
    attempts=3,
    streamed=True,
    error="StreamInterruptedError",
)
BARE = LedgerRecord(request_id="req_2", at=datetime(2030, 1, 1, tzinfo=UTC), surface="embeddings", status=502)


def _batch(spool: str, first: int, count: int) -> Batch[LedgerRecord]:
    records = [replace(FULL, request_id=f"{spool}-{number}") for number in range(first, first + count)]
    return Batch(spool=spool, first=first, last=first + count - 1, records=records)


class LedgerSinkContract:
    """The promise of exactly once, for a sink of yours::

    class TestMySink(LedgerSinkContract):
        @pytest.fixture
        def open_sink(self):
            return lambda: MySink(...)     # the same storage every time

        @pytest.fixture
        def read_records(self):
            return lambda: [...]           # every record in that storage
    """

    def test_a_spool_nobody_has_seen_is_at_0(self, open_sink: OpenSink) -> None:
        assert open_sink().last("unknown") == 0

    def test_every_member_of_a_record_survives(self, open_sink: OpenSink, read_records: ReadRecords) -> None:
        open_sink().store(Batch(spool="a", first=1, last=2, records=[FULL, BARE]))
        assert sorted(read_records(), key=lambda record: record.request_id) == [FULL, BARE]

    def test_it_knows_how_far_it_is_with_each_spool(self, open_sink: OpenSink) -> None:
        sink = open_sink()
        sink.store(_batch("a", 1, 3))
        sink.store(_batch("b", 1, 2))
        sink.store(_batch("a", 4, 5))
        assert (sink.last("a"), sink.last("b")) == (8, 2)

    def test_it_still_knows_when_it_is_opened_again(self, open_sink: OpenSink, read_records: ReadRecords) -> None:
        open_sink().store(_batch("a", 1, 3))
        again = open_sink()
        assert again.last("a") == 3
        again.store(_batch("a", 4, 1))
        assert sorted(record.request_id for record in read_records()) == ["a-1", "a-2", "a-3", "a-4"]

    def test_what_comes_twice_is_there_once(self, open_sink: OpenSink, read_records: ReadRecords) -> None:
        sink = open_sink()
        sink.store(_batch("a", 1, 3))
        with suppress(Exception):  # to refuse it is as good as to know it
            sink.store(_batch("a", 1, 3))
        with suppress(Exception):
            sink.store(_batch("a", 3, 2))
        ids = [record.request_id for record in read_records()]
        assert len(ids) == len(set(ids))
        assert sink.last("a") == len(ids)

    def test_a_thousand_at_once(self, open_sink: OpenSink, read_records: ReadRecords) -> None:
        open_sink().store(_batch("a", 1, 1000))
        assert len(read_records()) == 1000
