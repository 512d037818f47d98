"""The ledger of a gateway that stands alone: one SQLite file, readable with any tool that reads SQLite."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from creative_services.core.ledger import Batch, LedgerRecord
from creative_services.core.usage import Usage
from creative_services.telemetry.spool.politeness import politely

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS calls (
    spool TEXT NOT NULL, number INTEGER NOT NULL,
    request_id TEXT NOT NULL, at TEXT NOT NULL, surface TEXT NOT NULL, status INTEGER NOT NULL,
    key_id TEXT NOT NULL, owner TEXT NOT NULL, asked TEXT, tier TEXT NOT NULL, llm_id INTEGER,
    provider TEXT NOT NULL, model TEXT NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL, cache_write_1h_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
    service_tier TEXT NOT NULL, estimated INTEGER NOT NULL,
    cost TEXT, seconds REAL NOT NULL, attempts INTEGER NOT NULL, streamed INTEGER NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (spool, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS calls_at ON calls (at);
CREATE TABLE IF NOT EXISTS spools (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""
_COLUMNS: Final = 26
_INSERT: Final = f"INSERT INTO calls VALUES ({','.join('?' * _COLUMNS)})"  # noqa: S608 - question marks only
_MARK: Final = "INSERT INTO spools VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last"


class SQLiteSink:
    """Used by one thread at a time."""

    __slots__ = ("_database",)

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        # The spool is deleted once this says it has the lines, so it must be true even if the power fails.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_SCHEMA)

    def last(self, spool: str) -> int:
        """The highest number stored from this spool; 0 when none is."""
        found = self._database.execute("SELECT last FROM spools WHERE name = ?", (spool,)).fetchone()
        return int(found[0]) if found else 0

    def store(self, batch: Batch[LedgerRecord]) -> None:
        """Store all records and the spool's highest number, or nothing."""
        numbered = enumerate(politely(batch.records), start=batch.first)
        rows = (_row(batch.spool, number, record) for number, record in numbered)
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(_INSERT, rows)
            self._database.execute(_MARK, (batch.spool, batch.last))
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    def records(self) -> Iterator[LedgerRecord]:
        """Every record, in the order of their spools."""
        for row in self._database.execute("SELECT * FROM calls ORDER BY spool, number"):
            yield _record(row)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _row(spool: str, number: int, record: LedgerRecord) -> tuple[Any, ...]:
    usage = record.usage
    return (
        spool, number,
        record.request_id, record.at.astimezone(UTC).isoformat(), record.surface, record.status,
        record.key_id, record.owner, record.asked, record.tier, record.llm_id, record.provider, record.model,
        usage.input_tokens, usage.output_tokens, usage.cached_tokens,
        usage.cache_write_tokens, usage.cache_write_1h_tokens, usage.reasoning_tokens,
        usage.service_tier, usage.estimated,
        None if record.cost is None else f"{record.cost:f}",
        record.seconds, record.attempts, record.streamed, record.error,
    )  # fmt: skip


def _record(row: tuple[Any, ...]) -> LedgerRecord:
    _, _, request_id, at, surface, status, key_id, owner, asked, tier, llm_id, provider, model, *rest = row
    into, out, cached, written, written_1h, reasoning, service_tier, estimated, cost, seconds, *rest = rest
    attempts, streamed, error = rest
    return LedgerRecord(
        request_id=request_id, at=datetime.fromisoformat(at), surface=surface, status=status,
        key_id=key_id, owner=owner, asked=asked, tier=tier, llm_id=llm_id, provider=provider, model=model,
        usage=Usage(
            input_tokens=into, output_tokens=out, cached_tokens=cached, cache_write_tokens=written,
            cache_write_1h_tokens=written_1h, reasoning_tokens=reasoning, service_tier=service_tier,
            estimated=bool(estimated),
        ),
        cost=None if cost is None else Decimal(cost),
        seconds=seconds, attempts=attempts, streamed=bool(streamed), error=error,
    )  # fmt: skip
