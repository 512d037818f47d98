"""A fixed number of threads, and a queue that is refused when it gets long."""

from collections.abc import Callable
from itertools import count
from queue import SimpleQueue
from threading import Lock, Thread

Task = Callable[[], None]


class Crew:
    """Daemons: a thread that a stuck database holds must not keep the process from ending."""

    __slots__ = ("_lock", "_most", "_names", "_size", "_started", "_tasks", "_under_way")

    def __init__(self, size: int, *, waiting: int) -> None:
        self._size = size
        self._most = size + waiting
        self._tasks: SimpleQueue[Task] = SimpleQueue()
        self._lock = Lock()
        self._names = count(1)
        self._started = self._under_way = 0

    @property
    def under_way(self) -> int:
        """Tasks being done or waiting."""
        return self._under_way

    def take(self, task: Task) -> bool:
        """Whether it will be done; False when too much is waiting already. ``task`` raises nothing."""
        with self._lock:
            if self._under_way >= self._most:
                return False
            self._under_way += 1
            if self._started < min(self._size, self._under_way):
                self._started += 1
                Thread(target=self._work, name=f"control-{next(self._names)}", daemon=True).start()
        self._tasks.put(task)
        return True

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                task()
            finally:
                with self._lock:
                    self._under_way -= 1
