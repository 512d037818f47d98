"""One request while it is being served: everything that is known about it, in one place."""

import asyncio
from typing import Any, Final

from creative_services.core.access import KeyRecord
from creative_services.core.completions import Request
from creative_services.core.errors import TimedOutError
from creative_services.core.wishes import Wish
from creative_services.llms.run import Run
from creative_services.server.callers.heads import request_id_in
from creative_services.server.callers.incoming import Receive, Scope, Send
from creative_services.server.callers.surfaces import Surface
from creative_services.server.visits.flows import Flow

# For the body, from its first byte to its last: 32 MB at half a megabyte per second.
BODY_SECONDS: Final = 60.0

_ENTRY: Final = "an entry"
_LATE: Final = "an entry that took too long"


class Visit:
    """A request under way. Mutable on purpose, and seen by nobody but the task that serves it and its watcher."""

    __slots__ = ("_waits_for", "answered", "body", "bounded", "document", "due", "ended_by_us", "headers", "key",
                 "receive", "request", "request_id", "run", "send", "started", "status", "streamed", "surface",
                 "task", "timeout", "tokens_held", "watcher", "wish")  # fmt: skip

    def __init__(
        self,
        surface: Surface,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        started: float,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.surface = surface
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.receive = receive
        self.send = send
        self.started = started
        self.request_id = request_id_in(self.headers)
        self.task = asyncio.current_task(loop)  # who does not know the loop asks the system for it
        self.watcher: asyncio.Task[None] | None = None
        self.ended_by_us = False  # its task was cancelled by ``leave``, and by nobody else
        self.answered = False  # to the end, and well
        self.status = 0  # what the caller was told, once that is in the books
        # When what is being waited for, at first the body, has taken too long; 0: somebody else looks after that.
        self.due = started + BODY_SECONDS
        self._waits_for: Flow | str | None = None  # a flow's next piece, an entry's answer, or the caller
        self.key: KeyRecord | None = None
        self.body = b""
        self.document: dict[str, Any] = {}
        self.request: Request | None = None
        self.wish: Wish | None = None
        self.timeout: float | None = None
        self.streamed = False
        self.tokens_held = 0
        self.bounded = False  # money is set aside for it
        self.run: Run | None = None

    def close(self) -> None:
        """It is over: let go of what leads back here, so that no garbage collector is needed to free it."""
        if self.watcher is not None:
            self.watcher.cancel()
        self.run = self.task = self.watcher = self._waits_for = None

    def tried_until(self, due: float) -> None:
        """An entry is asked, and should have answered before ``due``."""
        self.due, self._waits_for = due, _ENTRY

    def took_too_long(self, error: BaseException | None) -> bool:
        """Whether ``error`` is the cancellation with which ``overdue`` ended the try."""
        if self._waits_for is not _LATE or not isinstance(error, asyncio.CancelledError) or self.ended_by_us:
            return False
        assert self.task is not None
        self._waits_for = _ENTRY
        return self.task.uncancel() == 0

    def waits_for_caller(self, due: float) -> None:
        """Bytes are on their way to the caller, who should take them before ``due``."""
        self.due, self._waits_for = due, None

    def waits_for_vendor(self, due: float, flow: Flow) -> None:
        """The next piece should come before ``due``."""
        self.due, self._waits_for = due, flow

    def overdue(self) -> None:
        """It took too long: a silent vendor is interrupted, and so is a call whose caller is asleep."""
        self.due = 0.0
        if self._waits_for is None:
            self.leave()
        elif isinstance(self._waits_for, str):
            self._waits_for = _LATE
            if self.task is not None:
                self.task.cancel()
        else:
            self._waits_for.interrupt(TimedOutError("the stream fell silent", llm=self._waits_for.entry))

    def leave(self) -> None:
        """The caller has left, or counts as having left: the call ends here, and the vendor's work with it."""
        self.ended_by_us = True
        if self.task is not None:
            self.task.cancel()
