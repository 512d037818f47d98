"""An answer that is still coming, in the caller's dialect: an endpoint's own bytes, or translated on the way."""

from typing import Protocol

from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.server.callers.meters import Meter
from creative_services.server.upstream.leg import Answer
from creative_services.wire.faults import Fault


class Gauge(Protocol):
    """What is known of a stream so far."""

    complete: bool
    finished: bool
    fault: Fault | None
    said: int

    def usage(self) -> Usage | None:
        """What the vendor has counted so far."""
        ...


class Flow(Protocol):
    """Pieces of bytes for the caller. Whoever holds one closes it."""

    entry: LLMEntry
    first: bytes

    @property
    def gauge(self) -> Gauge:
        """What is known of it so far."""
        ...

    async def next(self) -> bytes:
        """The next bytes; empty at the end."""
        ...

    def interrupt(self, reason: Exception) -> None:
        """Make ``next`` raise: the vendor has been silent for too long."""
        ...

    def close(self) -> None:
        """Let go, which stops a vendor that is not done."""
        ...


class RelayedFlow:
    """The endpoint's own bytes."""

    __slots__ = ("_answer", "entry", "first", "gauge")

    def __init__(self, entry: LLMEntry, answer: Answer, meter: Meter, first: bytes) -> None:
        self.entry = entry
        self.gauge = meter
        self.first = first
        self._answer = answer

    async def next(self) -> bytes:
        """The next bytes; empty at the end."""
        piece = await self._answer.piece()
        self.gauge.feed(piece)
        return piece

    def interrupt(self, reason: Exception) -> None:
        """Make ``next`` raise: the vendor has been silent for too long."""
        self._answer.interrupt(reason)

    def close(self) -> None:
        """Let go, which stops a vendor that is not done."""
        self._answer.close()
