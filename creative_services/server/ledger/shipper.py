"""Hands spools over to a sink, each line exactly once, whoever dies when: this process, a writer, the sink."""

from contextlib import suppress
from logging import getLogger
from pathlib import Path
from typing import IO, Final

from creative_services.core.ledger import Batch, LedgerSink
from creative_services.server.ledger.lines import record_in
from creative_services.server.ledger.segment import SUFFIX, SegmentReader
from creative_services.server.ledger.spool import WRITER_LOCK, locked

# One transaction: large enough that a busy ledger keeps up, small enough that a failed one is cheap to repeat.
BATCH: Final = 1000
SHIPPER_LOCK: Final = "shipper.lock"

_log = getLogger("creative_services.ledger")


class Shipper:
    """One at a time for a root of spools; others find it locked and take over when it dies."""

    __slots__ = ("_held", "_lock", "_root", "_sink", "handed_over")

    def __init__(self, root: Path, sink: LedgerSink) -> None:
        self._root = root
        self._sink = sink
        self._lock: IO[bytes] | None = None
        self._held: dict[str, _Source] = {}
        self.handed_over = 0

    def ship(self) -> int:
        """Hand over what there is; how many lines that were. 0, too, when another process is at it."""
        if not self._may():
            return 0
        before = self.handed_over
        for directory in sorted(path for path in self._root.iterdir() if path.is_dir()):
            source = self._held.get(directory.name)
            if source is None:
                source = self._held[directory.name] = _Source(directory, self._sink.last(directory.name))
            self._empty(source)
            if source.gone:
                del self._held[directory.name]
        return self.handed_over - before

    def _may(self) -> bool:
        if self._lock is None:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(BlockingIOError):
                self._lock = locked(self._root / SHIPPER_LOCK)
        return self._lock is not None

    def _empty(self, source: "_Source") -> None:
        # Asked before its lines are read: asked afterwards, it could have written some and died in between.
        dead = source.writer_is_dead()
        while (batch := source.batch(dead=dead)) is not None:
            try:
                self._sink.store(batch)
            except BaseException:
                source.rewind()
                raise
            source.last = batch.last
            self.handed_over += len(batch.records)

    def backlog(self) -> int:
        """How many segments wait; one per living writer is the least."""
        return sum(1 for _ in self._root.glob(f"*/*{SUFFIX}"))

    def close(self) -> None:
        """Let another take over."""
        for source in self._held.values():
            source.rewind()
        self._held.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class _Source:
    """A spool being emptied. A segment is removed when all of it is in the sink, and not before."""

    __slots__ = ("_directory", "_reader", "gone", "last")

    def __init__(self, directory: Path, last: int) -> None:
        self._directory = directory
        self._reader: SegmentReader | None = None
        self.last = last  # the highest number the sink has
        self.gone = False

    def batch(self, *, dead: bool) -> Batch | None:
        """The next lines that the sink does not have."""
        while (reader := self._reader or self._oldest()) is not None:
            first = reader.number
            lines = list(reader.lines(BATCH))
            # After a restart, reading begins at the top of a segment of which the sink may have a part.
            known = min(max(0, self.last + 1 - first), len(lines))
            if lines[known:]:
                return Batch(
                    spool=self._directory.name, first=first + known, records=[record_in(line) for line in lines[known:]]
                )
            if lines:
                continue
            if not reader.sealed and not dead:
                return None
            self.rewind()
            reader.path.unlink()
        if dead:
            self._remove()
        return None

    def _oldest(self) -> SegmentReader | None:
        paths = sorted(self._directory.glob(f"*{SUFFIX}"))
        self._reader = SegmentReader(paths[0]) if paths else None
        return self._reader

    def rewind(self) -> None:
        """Read the segment anew next time."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def writer_is_dead(self) -> bool:
        """Whether nobody writes here any more."""
        try:
            locked(self._directory / WRITER_LOCK).close()
        except BlockingIOError:
            return False
        return True

    def _remove(self) -> None:
        for leftover in self._directory.iterdir():
            leftover.unlink()
        self._directory.rmdir()
        self.gone = True
