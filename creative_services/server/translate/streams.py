"""A stream translated piece by piece."""

from collections.abc import Iterable

import orjson

from creative_services.core.completions import Message
from creative_services.core.errors import MalformedAnswerError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.providers._translate import translated
from creative_services.server.translate.counting import counted
from creative_services.server.translate.ears import Reader
from creative_services.server.translate.voices import Writer
from creative_services.server.upstream.leg import Answer
from creative_services.wire.deltas import CallBegun
from creative_services.wire.faults import Fault
from creative_services.wire.sse import EventDecoder

_DONE = b"[DONE]"


class TranslatedFlow:
    """An endpoint's stream in the caller's dialect. It is its own gauge."""

    __slots__ = ("_answer", "_decoder", "_prompt", "_reader", "_usage", "_writer", "complete", "entry", "fault",
                 "finished", "first", "said")  # fmt: skip

    def __init__(
        self, entry: LLMEntry, answer: Answer, reader: Reader, writer: Writer, prompt: Iterable[Message]
    ) -> None:
        self.entry = entry
        self._prompt = prompt  # for an estimate, when the vendor counts nothing
        self._answer = answer
        self._reader = reader
        self._writer = writer
        self._decoder = EventDecoder()
        self._usage: Usage | None = None
        self.complete = False
        self.finished = False
        self.fault: Fault | None = None  # an endpoint's own error is raised, since its words are not the caller's
        self.said = 0
        self.first = b""

    @property
    def gauge(self) -> "TranslatedFlow":
        """What is known of it so far."""
        return self

    async def begin(self, piece: bytes) -> None:
        """Read on until there is something to say."""
        told = self._told(piece)
        self.first = self._writer.open() + (told or await self.next())

    async def next(self) -> bytes:
        """The next bytes; empty at the end."""
        while not self.finished:
            piece = await self._answer.piece()
            told = self._told(piece) if piece else self._ended()
            if told or not piece:
                return told
        return b""

    def _told(self, piece: bytes) -> bytes:
        told = b""
        try:
            for event in self._decoder.feed(piece):
                if event.data == _DONE:
                    return told + self._closed()
                deltas = self._reader.feed(orjson.loads(event.data))
                self.said += sum(len(delta.text) for delta in deltas if not isinstance(delta, CallBegun))
                told += self._writer.write(deltas)
                if self._reader.finished:
                    return told + self._closed()
        except Exception as error:  # noqa: BLE001 - whatever the bytes made our reading stumble on
            raise translated(error, self.entry) from None
        return told

    def _ended(self) -> bytes:
        # Some endpoints send no last word: the end of the stream is it, once they have said why they stopped.
        if self._reader.complete:
            return self._closed()
        raise MalformedAnswerError("the stream ended without its last event", llm=self.entry)

    def _closed(self) -> bytes:
        completion = counted(self._reader.completion(), self._prompt)
        self._usage = completion.usage
        self.complete = self.finished = True
        return self._writer.close(completion)

    def usage(self) -> Usage | None:
        """What the vendor has counted so far."""
        return self._usage

    def interrupt(self, reason: Exception) -> None:
        """Make ``next`` raise: the vendor has been silent for too long."""
        self._answer.interrupt(reason)

    def close(self) -> None:
        """Let go, which stops a vendor that is not done."""
        self._answer.close()
