"""A file that grows by one JSON object per line, written by a thread of its own so that no call waits for a disk."""

import atexit
import json
import logging
import os
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Condition, Thread
from typing import Any, BinaryIO
from weakref import WeakSet

_log = logging.getLogger("creative_services.telemetry")

# Makes plain data of what was handed over; it runs on the writer's thread too.
Plain = Callable[[Any], Mapping[str, Any]]


class JsonLines:
    """Appends what it is given. It never raises and never blocks: what finds no room is counted in ``lost``."""

    def __init__(self, path: str | Path, *, plain: Plain = dict, room: int = 10_000) -> None:
        self.path = Path(path)
        self.lost = 0
        self._plain = plain
        self._room = room
        self._closed = False
        self._troubled = False
        self._start_afresh()
        _open_files.add(self)

    def _start_afresh(self) -> None:
        # A forked child has neither our thread nor a right to write its parent's lines a second time.
        self._changed = Condition()
        self._waiting: deque[Any] = deque()
        self._writing = False
        self._thread: Thread | None = None

    def write(self, record: Any) -> None:
        """Hand over one object."""
        with self._changed:
            if self._closed or len(self._waiting) >= self._room:
                self._lose(1, "it is closed" if self._closed else "the disk is too slow for the traffic")
                return
            self._waiting.append(record)
            self._wake()

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            # A daemon, so that a program may end while we wait for more; what is left is written at its exit.
            self._thread = Thread(target=self._work, name="creative-services-json-lines", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything handed over is in the file; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._writing, timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """Write what is left and stop; False when that took too long."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        return self.flush(timeout)

    def _work(self) -> None:
        while batch := self._next_batch():
            self._append(batch)
            with self._changed:
                self._writing = False
                self._changed.notify_all()

    def _next_batch(self) -> list[Any]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch = list(self._waiting)
            self._waiting.clear()
            self._writing = bool(batch)
            return batch

    def _append(self, batch: list[Any]) -> None:
        try:
            lines = b"".join(_line(self._plain(record)) for record in batch)
            # Opened anew each time: a rotated file is left alone, and a deleted one comes back.
            with self.path.open("a+b", buffering=0) as file:
                _write_whole(file.fileno(), b"\n" + lines if self._troubled and _ends_in_a_stump(file) else lines)
        except Exception as error:  # noqa: BLE001 - a full disk, a foreign value: the thread must live on, and says what it lost
            self._lose(len(batch), getattr(error, "strerror", None) or repr(error))
        else:
            self._recovered()

    def _lose(self, count: int, why: str) -> None:
        self.lost += count
        if not self._troubled:
            self._troubled = True
            _log.error("%s takes no more lines (%s). Calls go on; what it misses is counted.", self.path, why)

    def _recovered(self) -> None:
        if self._troubled:
            self._troubled = False
            _log.warning("%s takes lines again; %d were lost so far.", self.path, self.lost)


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, default=str, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def _ends_in_a_stump(file: BinaryIO) -> bool:
    """Whether a disk that filled up in the middle of a line left its beginning, which the next must not continue."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return False
    file.seek(size - 1)
    return file.read(1) != b"\n"


def _write_whole(descriptor: int, data: bytes) -> None:
    # One write for the whole batch, so that the lines of several processes do not mix; the rest only if it fell short.
    while data:
        data = data[os.write(descriptor, data) :]


_open_files: "WeakSet[JsonLines]" = WeakSet()


def _finish_all() -> None:
    for file in list(_open_files):
        file.close()


def _start_all_afresh() -> None:
    for file in list(_open_files):
        file._start_afresh()


atexit.register(_finish_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_afresh)
