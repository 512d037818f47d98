"""What the server saw: every request, and whose client went away before the answer was out."""

import threading
from collections import deque
from dataclasses import dataclass, field
from time import monotonic
from typing import Any


# Not frozen: whether the client went away is known only after the request was recorded.
@dataclass(slots=True, kw_only=True)
class Seen:
    """One request as it arrived. Times are `time.monotonic()`; headers hold keys, so a repr leaves them out."""

    vendor: str
    path: str
    model: str
    request_id: str
    headers: dict[str, str] = field(repr=False)
    body: Any = None
    at: float = 0.0
    cancelled_at: float | None = None


class RequestLog:
    """The last so many requests, safe to read from any thread while the server writes."""

    def __init__(self, remember: int) -> None:
        self._seen: deque[Seen] = deque(maxlen=remember)
        self._cancelled: deque[Seen] = deque(maxlen=remember)
        self._total = 0
        self._changed = threading.Condition()

    def add(self, seen: Seen) -> None:
        """Record a request."""
        with self._changed:
            self._seen.append(seen)
            self._total += 1
            self._changed.notify_all()

    def all(self) -> list[Seen]:
        """The requests so far, oldest first."""
        with self._changed:
            return list(self._seen)

    def cancel(self, seen: Seen) -> None:
        """Record that the client of a request in flight went away."""
        with self._changed:
            seen.cancelled_at = monotonic()
            self._cancelled.append(seen)
            self._changed.notify_all()

    def wait_requests(self, count: int, timeout: float) -> list[Seen]:
        """The requests so far, once there were this many."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._total >= count, timeout):
                raise TimeoutError(f"{self._total} of {count} requests came within {timeout:g} s.")
            return list(self._seen)

    def wait_cancelled(self, timeout: float) -> Seen:
        """The oldest cancelled request not handed out yet; waits for one."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._cancelled, timeout):
                raise TimeoutError(f"No client went away within {timeout:g} s; {self._total} requests were seen.")
            return self._cancelled.popleft()

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._seen.clear()
            self._total = 0
            self._cancelled.clear()
