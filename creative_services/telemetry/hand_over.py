"""The thread of a process that carries records from the spool to their keeper, and what other processes left behind."""

import atexit
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Condition, Thread
from time import monotonic
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

from creative_services.telemetry.spool import Sink, SpoolFile, SpoolReader, adopt, orphans

R = TypeVar("R")

_log = logging.getLogger("creative_services.telemetry")

_RETRY_SECONDS: Final = 1.0
_IDLE_SECONDS: Final = 2.0
# How often to look for files of dead processes. A crashed worker's rows may be this late.
_ADOPT_SECONDS: Final = 15.0


class Spool(Generic[R]):
    """Takes records from any thread or event loop in a few microseconds, and sees to it that ``sink`` gets each once.

    ``around`` surrounds the thread's work, for what it needs open meanwhile; ``idle`` is called there every
    ``pause`` seconds or so.
    """

    def __init__(
        self,
        directory: Path,
        *,
        decode: Callable[[bytes], R],
        sink: Sink[R],
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        idle: Callable[[], None] | None = None,
        pause: float = 0.25,
    ) -> None:
        self.directory = directory
        self._decode, self._sink = decode, sink
        self._around, self._idle, self._pause = around, idle, pause
        self._start_afresh()
        _open_spools.add(self)

    def _start_afresh(self) -> None:
        self._changed = Condition()
        self._file: SpoolFile | None = None
        self._reader: SpoolReader[R] | None = None
        self._thread: Thread | None = None
        self._old: tuple[SpoolFile, SpoolReader[R]] | None = None
        self._before = 0  # records handed over from files of this process that are done with
        self._hurried = 0
        self._awake = self._closed = self._troubled = False
        self._adopted_at = float("-inf")

    def _after_fork(self) -> None:
        # A child has none of its parent's threads, and its records go into a file of its own.
        for file in (self._file, self._old and self._old[0]):
            if file:
                file.forget()
        self._start_afresh()

    def append(self, line: bytes) -> None:
        """Keep a record, one line of bytes. When this returns, the death of the process no longer loses it."""
        file = self._file or self._started()
        while not file.append(line) and file.is_closed:  # the file was just changed for a new one
            file = self._started()
        if not self._awake:
            self._wake()

    def start(self) -> None:
        """Begin to carry, also before the first record: others may have left some."""
        self._started()

    # Counted under the lock: between two files a record would be counted twice, or not at all.
    @property
    def _taken(self) -> int:
        with self._changed:
            late = self._old[0].written if self._old else 0
            return self._before + late + (self._file.written if self._file else 0)

    @property
    def _handed(self) -> int:
        with self._changed:
            late = self._old[1].handed if self._old else 0
            return self._before + late + (self._reader.handed if self._reader else 0)

    @property
    def waiting(self) -> int:
        """Records that are on disk only."""
        return self._taken - self._handed

    @property
    def lost(self) -> int:
        """Records that found no room on the disk."""
        return self._file.lost if self._file else 0

    def _started(self) -> SpoolFile:
        with self._changed:
            if self._file is None:
                self._file = SpoolFile(self.directory)
                self._reader = SpoolReader(self._file.path, self._decode, self._sink)
            if self._thread is None or not self._thread.is_alive():
                self._closed = False
                self._thread = Thread(target=self._work, name="creative-services-spool", daemon=True)
                self._thread.start()
            return self._file

    def _wake(self) -> None:
        self._started()
        with self._changed:
            self._awake = True
            self._changed.notify_all()

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything taken so far was handed over; False when that took too long."""
        if self._file is None:
            return True
        wanted = self._taken
        self._hurried += 1
        try:
            self._wake()
            with self._changed:
                return self._changed.wait_for(lambda: self._handed >= wanted, timeout)
        finally:
            self._hurried -= 1

    def close(self, timeout: float = 10.0) -> bool:
        """Hand over what is left and stop; what a keeper that is away did not take waits on the disk."""
        done = self.flush(timeout)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(timeout)
        if self._old:
            self._old[0].release(self._old[1].handed)
        if self._file and self._reader:
            self._file.release(self._reader.handed)
        self._start_afresh()
        return done

    def _work(self) -> None:
        with self._around():
            while not self._closed:
                self._round()

    def _round(self) -> None:
        try:
            self._carry()
            pause = self._pause
        except Exception as error:  # noqa: BLE001 - a database can fail in any way; the records wait, and the thread lives on
            self._failed(error)
            pause = _RETRY_SECONDS
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._awake or self._closed, max(pause, _IDLE_SECONDS))
            # A moment later there is more to carry in one go.
            self._changed.wait_for(lambda: self._closed or (self._hurried > 0 and not self._troubled), pause)

    def _carry(self) -> None:
        # Lowered first: a record that comes while we carry raises it again.
        self._awake = False
        self._finish_old()
        if self._reader:
            self._reader.hand_over()
        self._recovered()
        self._follow_on()
        self._adopt_orphans()
        if self._idle:
            self._idle()

    def _follow_on(self) -> None:
        if self._file is None or self._reader is None or not self._file.is_long:
            return
        with self._changed:
            self._old = (self._file, self._reader)
            self._file = SpoolFile(self.directory)
            self._reader = SpoolReader(self._file.path, self._decode, self._sink)
        # Until now somebody may have appended to the old one.
        self._old[0].seal()
        self._awake = True

    def _finish_old(self) -> None:
        if self._old:
            file, reader = self._old
            reader.hand_over()
            file.release(reader.handed)
            with self._changed:
                self._before += reader.handed
                self._old = None

    def _adopt_orphans(self) -> None:
        if self._file is None or monotonic() - self._adopted_at < _ADOPT_SECONDS:
            return
        self._adopted_at = monotonic()
        for path in orphans(self.directory, self._file.name):
            if count := adopt(path, self._decode, self._sink):
                _log.info("Handed over %d records that a process had left in %s.", count, path.name)

    def _failed(self, error: Exception) -> None:
        for reader in (self._reader, self._old and self._old[1]):
            if reader:
                reader.lost_track()
        self._awake = True
        if not self._troubled:
            self._troubled = True
            _log.warning("Usage cannot be stored (%s). It waits in %s; trying on.", error, self.directory)

    def _recovered(self) -> None:
        if self._troubled:
            self._troubled = False
            _log.warning("Usage is stored again.")


_open_spools: "WeakSet[Spool[Any]]" = WeakSet()


def _finish_all() -> None:
    for spool in list(_open_spools):
        spool.close()


def _after_fork() -> None:
    for spool in list(_open_spools):
        spool._after_fork()


atexit.register(_finish_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
