"""A process's own queue of lines on the way to the ledger: a directory of segments, locked as long as it is written."""

import fcntl
import os
import time
from logging import getLogger
from pathlib import Path
from secrets import token_hex
from typing import IO, Final

from creative_services.telemetry.spool.segment import SUFFIX, Segment

# About 15,000 calls: small enough to be taken and given back often, large enough that taking it is rare.
SEGMENT_SIZE: Final = 4 * 1024 * 1024
WRITER_LOCK: Final = "writer.lock"

_log = getLogger("creative_services.ledger")


class Spool:
    """Written by one process. A line is safe as soon as ``append`` returns, which takes about a microsecond.

    When the disk has no room for another segment, lines wait in memory and ``waiting`` says so: whoever makes new
    ones should stop, and ``retry`` now and then.
    """

    __slots__ = ("_lock", "_segment", "_size", "_written", "directory", "waiting")

    def __init__(self, root: Path, *, size: int = SEGMENT_SIZE) -> None:
        self.directory = root / f"{time.time_ns():x}-{os.getpid()}-{token_hex(4)}"
        self.directory.mkdir(parents=True, mode=0o700)
        self._lock = locked(self.directory / WRITER_LOCK)
        self._size = size
        self._written = 0
        self.waiting: list[bytes] = []
        self._segment = self._made(first=1)

    def _made(self, *, first: int) -> Segment:
        return Segment(self.directory / f"{first:016d}{SUFFIX}", first=first, size=self._size)

    def append(self, line: bytes) -> None:
        """Add a line. Larger than half a segment it is no record of a call."""
        if self.waiting or not self._segment.fits(line):
            self._roll(line)
        else:
            self._segment.write(line)
            self._written += 1

    def _roll(self, line: bytes) -> None:
        if len(line) > self._size // 2:
            raise ValueError(f"a ledger line of {len(line)} bytes does not fit a segment of {self._size}")
        self.waiting.append(line)
        self.retry()

    def retry(self) -> None:
        """Write what is waiting, if there is room for it by now."""
        waiting, self.waiting = self.waiting, []
        for place, line in enumerate(waiting):
            if not self._segment.fits(line):
                try:
                    following = self._made(first=self._written + 1)
                except OSError as error:
                    _log.error("The ledger's disk has no room, and its lines wait in memory: %s", error)
                    self.waiting = waiting[place:]
                    return
                self._segment.seal()
                self._segment = following
            self._segment.write(line)
            self._written += 1

    @property
    def written(self) -> int:
        """The number of the last line."""
        return self._written

    def forget(self) -> None:
        """In a forked child: the spool stays the parent's, which must not seem alive through our copy of its lock."""
        self._lock.close()
        self._segment.forget()

    def close(self) -> None:
        """Nothing will follow: whoever hands spools over may remove this one when it is empty."""
        self._segment.seal()
        self._lock.close()


def locked(path: Path) -> IO[bytes]:
    """The file, locked until it is closed or this process ends, however it ends. Raises when another has the lock."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
