"""Records on disk before anything else happens to them, and from there to whoever keeps them for good: once each.

A record is a line. Its number in the file, with the file's name, names it for ever; the keeper stores the highest
number together with the records, so neither a repeated hand-over nor ``kill -9`` loses or doubles one.
"""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from threading import Lock
from time import time_ns
from typing import Final, Generic, Protocol, TypeVar

R = TypeVar("R")

_log = logging.getLogger("creative_services.telemetry")

SUFFIX: Final = ".spool"
# Half a gigabyte is a day of a database's absence at ten calls a second; a full disk would hurt more than lost lines.
ROOM: Final = 512 * 1024 * 1024
# A file this long gives way to a new one as soon as everything in it was handed over.
LONG: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[R]):
    """Records handed over together: the numbers ``first`` to ``last`` of a spool, without unreadable ones."""

    spool: str
    first: int
    last: int
    records: Sequence[R]


class Sink(Protocol[R]):
    """Keeps records for good."""

    def last(self, spool: str) -> int:
        """The highest number stored from this spool; 0 when none is."""
        ...

    def store(self, batch: Batch[R]) -> None:
        """Store all records and, in the same transaction, ``batch.last`` as the spool's highest number; or nothing."""
        ...


class SpoolFile:
    """The file that one process appends to."""

    def __init__(self, directory: Path, *, room: int = ROOM) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.written = 0
        self.lost = 0
        self._bytes = 0
        self._room = room
        self._lock = Lock()
        self._sealed = False
        self._descriptor = -1
        while self._descriptor < 0:
            self._create(directory)

    def _create(self, directory: Path) -> None:
        # Sorts by age, and no two processes of any two containers share one.
        self.name = f"{time_ns():016x}-{os.getpid()}-{token_hex(4)}"
        self.path = directory / f"{self.name}{SUFFIX}"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        # Before it was ours, somebody may have taken it for a dead process's and removed it: then another one.
        if take(descriptor) and os.fstat(descriptor).st_nlink > 0:
            self._descriptor = descriptor
        else:
            os.close(descriptor)

    def append(self, line: bytes) -> bool:
        """Write one line (without its end). When this returns True, the death of the process no longer loses it."""
        with self._lock:
            if self.is_closed:
                return False
            if why := "it is full" if self._bytes > self._room else self._write(line + b"\n"):
                self._lose(why)
                return False
            self.written += 1
            return True

    def _write(self, data: bytes) -> str:
        try:
            done = os.write(self._descriptor, data)
        except OSError as error:
            return error.strerror or type(error).__name__
        if done < len(data):  # the disk filled up inside the line: its stump must not become part of the next one
            os.truncate(self._descriptor, self._bytes)
            return "the disk is full"
        self._bytes += done
        return ""

    def _lose(self, why: str) -> None:
        if self.lost == 0:
            _log.error("Spool %s takes no more records (%s). Calls go on; what it misses is counted.", self.name, why)
        self.lost += 1

    @property
    def is_long(self) -> bool:
        """Whether a new file should follow."""
        return self._bytes > LONG

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._sealed or self._descriptor < 0

    def seal(self) -> None:
        """Take nothing more, but hold the file: let go, it would look like a dead process's, and be adopted."""
        with self._lock:
            self._sealed = True

    def release(self, handed: int) -> None:
        """Let the file go, and remove it when everything was handed over; else it waits for whoever comes next."""
        with self._lock:
            if self._descriptor < 0:
                return
            # While we still hold it, so that nobody begins to adopt what is about to vanish.
            if handed >= self.written:
                self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1

    def forget(self) -> None:
        """In a forked child: the parent keeps its file, and its lock on it."""
        self._lock = Lock()
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


class SpoolReader(Generic[R]):
    """Reads a spool file from where the keeper left off, and hands its whole lines over in order."""

    def __init__(self, path: Path, decode: Callable[[bytes], R], sink: Sink[R], *, most: int = 1000) -> None:
        self.path = path
        self.name = path.name.removesuffix(SUFFIX)
        self.handed = 0
        self._decode = decode
        self._sink = sink
        self._most = most
        self._place = -1

    def hand_over(self) -> int:
        """Store what was written since; the number of records. Raises what the sink raises; may be repeated."""
        if self._place < 0:
            self._find_place()
        before = self.handed
        while lines := self._lines():
            records = [record for line in lines if (record := self._decoded(line)) is not None]
            last = self.handed + len(lines)
            self._sink.store(Batch(spool=self.name, first=self.handed + 1, last=last, records=records))
            self.handed = last
            self._place += sum(map(len, lines))
        return self.handed - before

    def lost_track(self) -> None:
        """A hand-over broke off: whether it was stored is the sink's to say."""
        self._place = -1

    def _find_place(self) -> None:
        self.handed = self._sink.last(self.name)
        with self.path.open("rb") as file:
            place = sum(len(file.readline()) for _ in range(self.handed))
        self._place = place

    def _lines(self) -> list[bytes]:
        lines: list[bytes] = []
        with self.path.open("rb") as file:
            file.seek(self._place)
            # What has no end was cut off by a death, or is being written right now.
            while len(lines) < self._most and (line := file.readline()).endswith(b"\n"):
                lines.append(line)
        return lines

    def _decoded(self, line: bytes) -> R | None:
        try:
            return self._decode(line)
        except ValueError as error:  # of another version, or damaged: one line must not hold up all that follow
            _log.error("A record in the spool %s cannot be read and is left out: %s", self.name, error)
            return None


def orphans(directory: Path, own: str) -> list[Path]:
    """The files that other processes, dead or alive, have left in the directory, oldest first."""
    return sorted(path for path in directory.glob(f"*{SUFFIX}") if path.name != f"{own}{SUFFIX}")


def adopt(path: Path, decode: Callable[[bytes], R], sink: Sink[R]) -> int:
    """Hand over what a dead process left, and remove its file; 0 when its process is alive."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:  # somebody else was faster
        return 0
    try:
        if not take(descriptor) or os.fstat(descriptor).st_nlink == 0:
            return 0
        count = SpoolReader(path, decode, sink).hand_over()
        with suppress(OSError):
            path.unlink()
        return count
    finally:
        os.close(descriptor)


def take(descriptor: int) -> bool:
    """Whether this process now holds the file, which nobody else does while it lives."""
    try:
        import fcntl
    except ImportError:  # Windows removes no file that a process has open, and the sink's numbers prevent doubles
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
