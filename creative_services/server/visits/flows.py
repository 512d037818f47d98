"""An answer that is still coming, in the caller's dialect: an endpoint's own bytes, or translated on the way."""

from typing import Final, Protocol

from creative_services.core.errors import MalformedAnswerError
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


# An event ends with an empty line; lines end in one of three ways.
_EVENT_ENDS: Final = (b"\n\n", b"\n\r\n", b"\r\r")
# A picture in one event is a few megabytes; what never ends is no event.
_LONGEST_EVENT: Final = 16 * 1024 * 1024


class RelayedFlow:
    """The endpoint's own bytes, an event or more at a time.

    Half an event is held back: were the vendor to break off there, no word of ours could follow it.
    """

    __slots__ = ("_answer", "_begun", "entry", "first", "gauge")

    def __init__(self, entry: LLMEntry, answer: Answer, meter: Meter, first: bytes) -> None:
        self.entry = entry
        self.gauge = meter
        self._answer = answer
        self._begun = b""
        self.first = self._whole(first)

    async def next(self) -> bytes:
        """The next bytes; empty at the end."""
        while piece := await self._answer.piece():
            self.gauge.feed(piece)
            if whole := self._whole(piece):
                return whole
        # Who has said why it stopped may leave out the last empty line.
        last, self._begun = self._begun if self.gauge.complete else b"", b""
        return last

    def _whole(self, piece: bytes) -> bytes:
        if self._begun:
            piece, self._begun = self._begun + piece, b""
        if piece.endswith(_EVENT_ENDS):  # as nearly every piece does
            return piece
        end = max((place + len(mark) for mark in _EVENT_ENDS if (place := piece.rfind(mark)) >= 0), default=0)
        self._begun = piece[end:]
        if len(self._begun) > _LONGEST_EVENT:
            raise MalformedAnswerError(f"an event is longer than {_LONGEST_EVENT // 1024 // 1024} MiB", llm=self.entry)
        return piece[:end]

    def interrupt(self, reason: Exception) -> None:
        """Make ``next`` raise: the vendor has been silent for too long."""
        self._answer.interrupt(reason)

    def close(self) -> None:
        """Let go, which stops a vendor that is not done."""
        self._answer.close()
