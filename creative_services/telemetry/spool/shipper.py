"""Hands spools over to a sink, each line exactly once, whoever dies when: this process, a writer, the sink."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from typing import IO, Final, Generic, TypeVar

from creative_services.core.ledger import Batch, Sink
from creative_services.telemetry.spool.politeness import politely
from creative_services.telemetry.spool.segment import SUFFIX, SegmentReader
from creative_services.telemetry.spool.spool import WRITER_LOCK, locked

# One transaction: large enough that a busy ledger keeps up, small enough that a failed one is cheap to repeat.
BATCH: Final = 1000
# A writer that is faster than we are must not keep the others waiting, nor us from being stopped.
BATCHES_PER_ROUND: Final = 20
# Touched after every round that went well: its age is how far behind the ledger may be.
SHIPPER_LOCK: Final = "shipper.lock"

_log = getLogger("creative_services.ledger")


R = TypeVar("R")


class Shipper(Generic[R]):
    """One at a time for a root of spools; others find it locked and take over when it dies."""

    __slots__ = ("_decode", "_held", "_lock", "_root", "_sink", "handed_over")

    def __init__(self, root: Path, sink: Sink[R], decode: Callable[[bytes], R]) -> None:
        self._root = root
        self._sink = sink
        self._decode = decode
        self._lock: IO[bytes] | None = None
        self._held: dict[str, _Source[R]] = {}
        self.handed_over = 0

    def ship(self) -> int:
        """Hand over what there is; how many lines that were. 0, too, when another process is at it."""
        if not self._may():
            return 0
        before = self.handed_over
        for directory in sorted(path for path in self._root.iterdir() if path.is_dir()):
            source = self._held.get(directory.name)
            if source is None:
                source = self._held[directory.name] = _Source(directory, self._sink.last(directory.name), self._decode)
            self._empty(source)
            if source.gone:
                del self._held[directory.name]
        (self._root / SHIPPER_LOCK).touch()
        return self.handed_over - before

    def _may(self) -> bool:
        if self._lock is None:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(BlockingIOError):
                self._lock = locked(self._root / SHIPPER_LOCK)
        return self._lock is not None

    def _empty(self, source: "_Source[R]") -> None:
        # Asked before its lines are read: asked afterwards, it could have written some and died in between.
        dead = source.writer_is_dead()
        for _ in range(BATCHES_PER_ROUND):
            if (batch := source.batch(dead=dead)) is None:
                return
            try:
                self._sink.store(batch)
            except BaseException:
                # It may have been stored all the same: the connection can break after the commit. Ask anew.
                source.rewind()
                del self._held[source.name]
                raise
            source.last = batch.last
            self.handed_over += batch.last - batch.first + 1

    def backlog(self) -> int:
        """How many segments wait; one per living writer is the least."""
        return sum(1 for _ in self._root.glob(f"*/*{SUFFIX}"))

    def forget(self) -> None:
        """In a forked child: the parent goes on, and must not seem alive through our copy of its lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def close(self) -> None:
        """Let another take over."""
        for source in self._held.values():
            source.rewind()
        self._held.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class _Source(Generic[R]):
    """A spool being emptied. A segment is removed when all of it is in the sink, and not before."""

    __slots__ = ("_decode", "_directory", "_reader", "gone", "last")

    def __init__(self, directory: Path, last: int, decode: Callable[[bytes], R]) -> None:
        self._directory = directory
        self._decode = decode
        self._reader: SegmentReader | None = None
        self.last = last  # the highest number the sink has
        self.gone = False

    @property
    def name(self) -> str:
        """The spool's."""
        return self._directory.name

    def batch(self, *, dead: bool) -> Batch[R] | None:
        """The next lines that the sink does not have."""
        while (reader := self._reader or self._oldest()) is not None:
            first = reader.number
            lines = list(reader.lines(BATCH))
            # After a restart, reading begins at the top of a segment of which the sink may have a part.
            known = min(max(0, self.last + 1 - first), len(lines))
            if lines[known:]:
                return Batch(
                    spool=self._directory.name,
                    first=first + known,
                    last=first + len(lines) - 1,
                    records=list(self._decoded(lines[known:])),
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

    def _decoded(self, lines: list[bytes]) -> Iterator[R]:
        for line in politely(lines):
            try:
                yield self._decode(line)
            except ValueError as error:  # of another version: one line must not hold up all that follow
                _log.error("A record in %s cannot be read and is left out: %s", self._directory.name, error)

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
