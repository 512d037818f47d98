"""The beginning and the end of a worker: what is opened before the first call and closed after the last."""

import asyncio
from collections.abc import Callable
from logging import getLogger
from typing import Final, Protocol, runtime_checkable

from creative_services.server.callers.incoming import Receive, Scope, Send

_EVERY: Final = 1.0  # second: what other workers see of this one is never older

_log = getLogger("creative_services.gateway")


@runtime_checkable
class Part(Protocol):
    """Something with a beginning and an end."""

    async def start(self) -> None:
        """Before the first call. What it raises keeps the worker from starting."""
        ...

    async def stop(self) -> None:
        """After the last call."""
        ...


class Seldom:
    """A chore that is offered often and done now and then."""

    __slots__ = ("_chore", "_due", "_every", "_now")

    def __init__(self, chore: Callable[[], None], *, every: float, now: Callable[[], float]) -> None:
        self._chore = chore
        self._every = every
        self._now = now
        self._due = 0.0

    def __call__(self) -> None:
        """Do it, if it is time."""
        if self._now() >= self._due:
            self._due = self._now() + self._every
            self._chore()


class Life:
    """ASGI's lifespan."""

    __slots__ = ("_idle", "_parts", "_pulse", "_tick")

    def __init__(self, parts: tuple[Part, ...], *, tick: Callable[[], None], idle: Callable[[], bool]) -> None:
        self._parts = parts
        self._tick = tick
        self._idle = idle
        self._pulse: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin when told to, end when told to."""
        await receive()
        try:
            await self.start()
        except Exception as error:
            _log.exception("This worker cannot start.")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        """Open everything, in order."""
        for part in self._parts:
            await part.start()
        self._pulse = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            try:
                self._tick()
            except OSError as error:  # a full disk, say: the next second may be better
                _log.warning("The state of this worker cannot be written: %s", error)
            await asyncio.sleep(_EVERY)

    async def stop(self) -> None:
        """Close everything, in the opposite order, once the last call is over."""
        while not self._idle():  # noqa: ASYNC110 - calls count themselves; an event would be set at every one's end
            await asyncio.sleep(0.02)
        if self._pulse is not None:
            self._pulse.cancel()
        self._tick()
        for part in reversed(self._parts):
            await part.stop()
