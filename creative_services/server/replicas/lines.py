"""The open connections of replicas: told every few seconds that we are there, and noticed at once when they end."""

import asyncio
from contextlib import suppress
from typing import Final

from creative_services.core.replicas import Replica
from creative_services.server.replicas.answers import (
    Receive,
    Send,
    begin_events,
    end_events,
    event,
    more_events,
    until_left,
)

_ALIVE: Final = event({"status": "alive"})
# Ten thousand that registered together are told one after the other, in so many steps.
_STEPS: Final = 20

Key = tuple[str, int]  # a replica's id and the token of its registration


class _Line:
    """One connection."""

    __slots__ = ("replica_id", "send", "task", "telling")

    def __init__(self, replica_id: str, send: Send) -> None:
        self.replica_id, self.send = replica_id, send
        self.task = asyncio.current_task()
        self.telling: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """Send a sign of life; cut the connection when the one before is still on its way."""
        if self.telling is None:
            self.telling = asyncio.create_task(self._tell())
        elif self.task is not None:
            self.task.cancel()

    async def _tell(self) -> None:
        # A connection that breaks is noticed by the task that holds it.
        with suppress(OSError):
            await more_events(self.send, _ALIVE)
        self.telling = None

    async def end(self, why: str) -> None:
        """Say why, and close."""
        with suppress(OSError):
            await end_events(self.send, event({"status": why, "replica_id": self.replica_id}))


class Lines:
    """All of them, with one timer."""

    __slots__ = ("_endings", "_lines", "_step", "_steps", "_timer")

    def __init__(self, seconds: float) -> None:
        self._step = seconds / _STEPS
        self._lines: dict[Key, _Line] = {}
        self._steps: list[dict[Key, _Line]] = [{} for _ in range(_STEPS)]
        self._timer: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._lines)

    async def hold(self, replica: Replica, receive: Receive, send: Send) -> None:
        """Say that the replica is registered, and stay until it is gone."""
        key, line = (replica.id, replica.token), _Line(replica.id, send)
        step = min(self._steps, key=len)
        self._lines[key] = step[key] = line
        try:
            await begin_events(send, event({"status": "registered", "replica_id": replica.id}) + _ALIVE)
            self._wind()
            await until_left(receive)
        except asyncio.CancelledError:
            # Cut by ourselves, since it does not read: that is an end like any other.
            if line.telling is None:
                raise
        finally:
            del self._lines[key], step[key]
            if line.telling is not None:
                line.telling.cancel()

    def end(self, key: Key, why: str) -> None:
        """Close one, if it is here."""
        line = self._lines.get(key)
        if line is not None:
            task = asyncio.create_task(line.end(why))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)

    def end_all(self, why: str) -> None:
        """Close all."""
        for key in list(self._lines):
            self.end(key, why)

    def _wind(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._step, self._beat)

    def _beat(self) -> None:
        step = self._steps.pop(0)
        self._steps.append(step)
        for line in list(step.values()):
            line.tell()
        self._timer = None
        if self._lines:
            self._wind()
