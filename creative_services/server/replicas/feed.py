"""What changes, told to whoever listens: the whole roster first, then each change. For dashboards and caches."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any, Final

from creative_services.core.replicas import Replica
from creative_services.replicas.endings import finished
from creative_services.replicas.registrations import told
from creative_services.server.replicas.answers import (
    Receive,
    Refusal,
    Send,
    begin_events,
    event,
    more_events,
    until_left,
)
from creative_services.server.replicas.table import Table, listed

MOST_LISTENERS: Final = 100
_MOST_WAITING: Final = 1000  # changes a slow listener may have before it; past it the whole roster is told anew
_QUIET_SECONDS: Final = 15.0
_COMMENT: Final = b": alive\n\n"


class Feed:
    """The changes of one table."""

    __slots__ = ("_listeners", "_table")

    def __init__(self, table: Table) -> None:
        self._table = table
        self._listeners = 0

    async def serve(self, receive: Receive, send: Send) -> None:
        """Tell one listener until it leaves."""
        if self._listeners >= MOST_LISTENERS:
            raise Refusal(503, f"{MOST_LISTENERS} listen already, and that is as many as are served here")
        self._listeners += 1
        telling = asyncio.create_task(self._tell(send))
        leaving = asyncio.create_task(until_left(receive))
        try:
            await asyncio.wait((telling, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._listeners -= 1
            for task in (telling, leaving):
                await finished(task)

    async def _tell(self, send: Send) -> None:
        waiting: deque[Any] = deque()
        bell = asyncio.Event()

        def hear(what: str, replica: Replica, _: Replica | None) -> None:
            waiting.append({"event": what, "replica": told(replica)})
            bell.set()

        stop = self._table.listen(hear)
        try:
            await begin_events(send, event({"event": "roster", **listed(self._table)}))
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_QUIET_SECONDS):
                        await bell.wait()
                bell.clear()
                await more_events(send, self._taken(waiting))
        finally:
            stop()

    def _taken(self, waiting: "deque[Any]") -> bytes:
        news = [*waiting] if len(waiting) <= _MOST_WAITING else [{"event": "roster", **listed(self._table)}]
        waiting.clear()
        return b"".join(map(event, news)) or _COMMENT
