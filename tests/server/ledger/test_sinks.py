"""The sinks that come with the gateway keep the public contract."""

from pathlib import Path

import pytest

from creative_services.server.ledger.sqlite_sink import SQLiteSink
from creative_services.testing import LedgerSinkContract
from creative_services.testing.ledger_contract import OpenSink, ReadRecords


class TestSQLite(LedgerSinkContract):
    @pytest.fixture
    def open_sink(self, tmp_path: Path, request: pytest.FixtureRequest) -> OpenSink:
        def opened() -> SQLiteSink:
            sink = SQLiteSink(tmp_path / "new" / "ledger.sqlite3")
            request.addfinalizer(sink.close)
            return sink

        return opened

    @pytest.fixture
    def read_records(self, open_sink: OpenSink) -> ReadRecords:
        def read() -> list[object]:
            sink = open_sink()
            assert isinstance(sink, SQLiteSink)
            return list(sink.records())

        return read  # type: ignore[return-value]  # records they are
