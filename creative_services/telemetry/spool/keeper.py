"""A process's way into the spool, from any thread or event loop, and the thread that empties it."""

import atexit
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Condition, Lock
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

from creative_services.core.ledger import Sink
from creative_services.telemetry.spool.handing_over import HandingOver
from creative_services.telemetry.spool.shipper import Shipper
from creative_services.telemetry.spool.spool import Spool

R = TypeVar("R")

# Every process has a file of this size; a busy one follows it by another.
_SEGMENT: Final = 1024 * 1024


class Keeper(Generic[R]):
    """Takes lines, and sees to it that ``sink`` gets the record of each once, whoever dies when.

    ``around`` surrounds the thread's work; ``chores`` is called there four times a second or so.
    """

    def __init__(
        self,
        root: Path,
        *,
        decode: Callable[[bytes], R],
        sink: Sink[R],
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        chores: Callable[[], None] | None = None,
    ) -> None:
        self._root, self._decode, self._sink = root, decode, sink
        self._around, self._chores = around, chores
        self._start_afresh()
        _keepers.add(self)

    def _start_afresh(self) -> None:
        self._lock = Lock()
        self._round_over = Condition()
        self._spool: Spool | None = None
        self._shipper: Shipper[R] | None = None
        self._thread: HandingOver | None = None
        self._stored = 0

    def _after_fork(self) -> None:
        # A child has none of its parent's threads, and its records go into a spool of its own.
        if self._spool:
            self._spool.forget()
        if self._shipper:
            self._shipper.forget()
        self._start_afresh()

    def append(self, line: bytes) -> None:
        """Keep a line. When this returns, the death of the process no longer loses it."""
        with self._lock:
            (self._spool or self._started()).append(line)

    def start(self) -> None:
        """Begin to empty, also before the first line: others may have left some."""
        with self._lock:
            self._started()

    def _started(self) -> Spool:
        if self._spool is None:
            self._spool = Spool(self._root, size=_SEGMENT)
            self._thread = HandingOver(self._made_shipper, around=self._around, afterwards=self._after_round)
            self._thread.start()
        return self._spool

    def _made_shipper(self) -> Shipper[R]:
        self._shipper = Shipper(self._root, self._sink, self._decode)
        return self._shipper

    @property
    def waiting(self) -> int:
        """Lines not stored yet, as far as is known here."""
        return max(0, self._spool.written - self._stored + len(self._spool.waiting)) if self._spool else 0

    def _after_round(self) -> None:
        spool = self._spool
        # Whether we or another process empties the spools: the sink knows how far it has come.
        if spool and spool.written > self._stored:
            self._stored = self._sink.last(spool.directory.name)
        if spool and spool.waiting:
            with self._lock:
                spool.retry()
        with self._round_over:
            self._round_over.notify_all()
        if self._chores:
            self._chores()

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything taken so far is stored; False when that took too long."""
        if self._spool is None or self._thread is None:
            return True
        wanted = self._spool.written
        self._thread.hurry()
        with self._round_over:
            return self._round_over.wait_for(lambda: self._stored >= wanted, timeout)

    def close(self, timeout: float = 10.0) -> bool:
        """Store what is left and stop; what a sink that is away did not take waits on the disk for the next process."""
        with self._lock:
            spool, thread = self._spool, self._thread
            if spool is None or thread is None:
                return True
            wanted = spool.written
            # Closed first: the last round finds it finished, and clears it away.
            spool.close()
            self._spool = None
        thread.stop(timeout)
        done = self._shipper is not None and not spool.directory.exists()
        self._start_afresh()
        return done or wanted == 0


_keepers: "WeakSet[Keeper[Any]]" = WeakSet()


def _finish_all() -> None:
    for keeper in list(_keepers):
        keeper.close()


def _after_fork() -> None:
    for keeper in list(_keepers):
        keeper._after_fork()


atexit.register(_finish_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
