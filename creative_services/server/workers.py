"""Several workers on one socket, kept alive, and stopped without cutting a request."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from logging import getLogger
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Event, Thread
from types import FrameType
from typing import Final

_LOOK_SECONDS: Final = 0.2
# A worker that dies so soon after its start will die again: it is started anew less and less often.
_YOUNG_SECONDS: Final = 5.0
_LONGEST_PAUSE: Final = 10.0
# What a worker ends with when it could not start, as uvicorn's do: starting another would change nothing.
STARTUP_FAILURE: Final = 3
# Processes beside the workers have nothing left to do once these have ended; one that hangs keeps nobody waiting.
_BESIDE_SECONDS: Final = 10.0

_log = getLogger("creative_services.workers")


class Worker:
    """A place for one process, and its history."""

    __slots__ = ("_deaths", "_main", "_ready_at", "_started", "process")

    def __init__(self, main: Callable[[], None]) -> None:
        self._main = main
        self._deaths = 0
        self._ready_at = 0.0
        self.process = self._begin()

    def _begin(self) -> BaseProcess:
        # Not forked: a child of a process with threads would inherit locks that nobody will open.
        process = get_context("spawn").Process(target=self._main, name="creative-services-worker")
        process.start()
        self._started = time.monotonic()
        return process

    def revive(self) -> None:
        """Put a new process in the place of a dead one, at once or after a pause."""
        now = time.monotonic()
        if self._ready_at == 0.0:
            self._deaths = self._deaths + 1 if now - self._started < _YOUNG_SECONDS else 0
            pause = min(_LONGEST_PAUSE, 0.25 * 2.0**self._deaths) if self._deaths else 0.0
            _log.error("Worker %s died (exit code %s).", self.process.pid, self.process.exitcode)
            self._ready_at = now + pause
        if now >= self._ready_at:
            self._ready_at = 0.0
            self.process = self._begin()


def end_with_parent() -> None:
    """Called in a child: it ends as if it had been told to when its parent dies without a word."""
    if (parent := parent_process()) is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


class Workers:
    """The parent's work: look after its children until told to stop."""

    __slots__ = ("_beside", "_stopping", "_workers", "failed")

    def __init__(self) -> None:
        self._stopping = Event()
        self._workers: list[Worker] = []
        self._beside: list[Worker] = []
        self.failed = False

    def run(
        self,
        mains: Sequence[Callable[[], None]],
        *,
        beside: Sequence[Callable[[], None]] = (),
        on_stop: Callable[[], None],
    ) -> None:
        """Keep a process running each of ``mains``; returns after SIGTERM or SIGINT, when the last has ended.

        ``on_stop`` is called when that word has come, before the workers hear it. Those ``beside`` hear it last.
        """
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._beside = [Worker(main) for main in beside]
            self._workers = [Worker(main) for main in mains]
            while not self._stopping.wait(_LOOK_SECONDS):
                self._look()
            on_stop()
            self._end()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _look(self) -> None:
        for worker in (*self._workers, *self._beside):
            if worker.process.is_alive():
                continue
            if worker.process.exitcode == STARTUP_FAILURE:
                _log.error("A worker cannot start; its log says why. The others are stopped.")
                self.failed = True
                self._stopping.set()
                return
            worker.revive()

    def _end(self) -> None:
        alive = [worker.process for worker in self._workers if worker.process.is_alive()]
        for process in alive:
            process.terminate()  # SIGTERM: each finishes what it has begun
        for process in alive:
            process.join()
        for worker in self._beside:
            worker.process.terminate()
            worker.process.join(_BESIDE_SECONDS)
            worker.process.kill()
