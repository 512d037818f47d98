"""The table behind the SQLite store, and the statements on it. Blocking; each object serves one thread."""

import os
import sqlite3
from pathlib import Path
from typing import Final

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL, ends_at REAL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS entries_end ON entries (ends_at) WHERE ends_at IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS clocks (boot TEXT PRIMARY KEY, apart REAL NOT NULL) WITHOUT ROWID",
)
_LIVE: Final = "(ends_at IS NULL OR ends_at > :now)"
_PUT: Final = (
    "INSERT INTO entries VALUES (:key, :value, :ends_at)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends_at = excluded.ends_at"
)
_SWEEP_EVERY: Final = 1.0
# A forked child must neither use nor close its parent's connection, so it is kept from the garbage collector here.
_inherited: Final[list[sqlite3.Connection | None]] = []


class Table:
    """One connection, opened when first used and anew after a fork."""

    def __init__(self, path: Path, patience: float, durable: bool) -> None:
        self._path, self._patience, self._durable = path, patience, durable
        self._pid = 0
        self._opened: sqlite3.Connection | None = None
        self._swept = 0.0

    def get(self, key: str, now: float) -> bytes | None:
        """The live value of a key."""
        # Constants and bound parameters only: nothing a caller says becomes part of a statement.
        row = self._run(f"SELECT value FROM entries WHERE key = :key AND {_LIVE}", key=key.encode(), now=now).fetchone()  # noqa: S608
        return row[0] if row else None

    def find(self, prefix: str, now: float) -> tuple[dict[str, bytes], float]:
        """Every live key that begins with ``prefix``, and when the first of them ends."""
        start = prefix.encode()
        stop = _after(start)
        rows = self._run(
            f"SELECT key, value, ends_at FROM entries WHERE key >= :start AND {_LIVE}"  # noqa: S608 - as above
            + (" AND key < :stop" if stop else ""),
            start=start,
            stop=stop,
            now=now,
        ).fetchall()
        ends = min((row[2] for row in rows if row[2] is not None), default=float("inf"))
        return {row[0].decode(): row[1] for row in rows}, ends

    def put(self, key: str, value: bytes, ends_at: float | None, now: float) -> bool:
        """Write, whatever was there before."""
        self._sweep(now)
        self._run(_PUT, key=key.encode(), value=value, ends_at=ends_at)
        return True

    def delete(self, key: str, now: float) -> bool:
        """Delete; False when there was nothing live."""
        done = self._run(f"DELETE FROM entries WHERE key = :key AND {_LIVE}", key=key.encode(), now=now)  # noqa: S608
        return done.rowcount == 1

    def swap(self, key: str, expected: bytes | None, value: bytes | None, ends_at: float | None, now: float) -> bool:
        """Each case is one statement, and so one transaction."""
        given = {"key": key.encode(), "was": expected, "value": value, "ends_at": ends_at, "now": now}
        if expected is None and value is None:
            return self.get(key, now) is None
        if expected is None:
            statement = f"{_PUT} WHERE NOT {_LIVE.replace('ends_at', 'entries.ends_at')}"
        elif value is None:
            statement = f"DELETE FROM entries WHERE key = :key AND value = :was AND {_LIVE}"  # noqa: S608
        else:
            statement = (
                f"UPDATE entries SET value = :value, ends_at = :ends_at WHERE key = :key AND value = :was AND {_LIVE}"  # noqa: S608
            )
        return self._run(statement, **given).rowcount == 1

    def version(self) -> int:
        """Differs after any other connection changed anything."""
        return int(self._run("PRAGMA data_version").fetchone()[0])

    def agree(self, boot: str, apart: float) -> float:
        """Remember the first offset anyone proposed for this boot."""
        try:
            self._run("INSERT INTO clocks VALUES (:boot, :apart) ON CONFLICT (boot) DO NOTHING", boot=boot, apart=apart)
            agreed: float = self._run("SELECT apart FROM clocks WHERE boot = :boot", boot=boot).fetchone()[0]
            return agreed
        finally:
            self.close()  # asked once in a process's life

    def close(self) -> None:
        """Close the connection; one that a fork inherited is the parent's."""
        opened, self._opened = self._opened, None
        if opened and self._pid == os.getpid():
            opened.close()
        else:
            _inherited.append(opened)

    def _sweep(self, now: float) -> None:
        if abs(now - self._swept) >= _SWEEP_EVERY:
            self._swept = now
            self._run("DELETE FROM entries WHERE ends_at <= :now", now=now)

    def _run(self, statement: str, **given: object) -> sqlite3.Cursor:
        if self._opened is None or self._pid != os.getpid():
            _inherited.append(self._opened)
            self._opened, self._pid = self._open(), os.getpid()
        return self._opened.execute(statement, given)

    def _open(self) -> sqlite3.Connection:
        # Each Table has one thread at a time, which need not be the same one after aclose().
        opened = sqlite3.connect(self._path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        try:
            # WAL: readers and the writer do not wait for each other. FULL: a token once handed out stays handed out.
            opened.execute("PRAGMA journal_mode = WAL")
            opened.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            for statement in _TABLES:
                opened.execute(statement)
        except BaseException:
            opened.close()
            raise
        return opened


def _after(prefix: bytes) -> bytes | None:
    """The first key behind all that begin with ``prefix``; UTF-8 has no byte 255."""
    return prefix[:-1] + bytes([prefix[-1] + 1]) if prefix else None
