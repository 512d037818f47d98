"""What a relayed stream used and whether it came to its end, read from its bytes in passing.

A piece is searched for the few words that matter; only the lines that have them are parsed.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import orjson

from creative_services.core.usage import Usage
from creative_services.wire import anthropic_messages, openai_chat, openai_responses
from creative_services.wire.faults import Fault, fault_in

# An unfinished line longer than this is not kept: a stream without line ends is no stream of events.
_LONGEST_LINE: Final = 8 * 1024 * 1024


class Meter:
    """Reads along. What differs between dialects is which words tell something, and how what they tell is read."""

    __slots__ = ("_tail", "complete", "fault", "finished", "said")

    # Where an answer's text is; escapes count as they are written, which an estimate can bear.
    text: ClassVar[re.Pattern[bytes]]
    telling: ClassVar[re.Pattern[bytes]]

    def __init__(self) -> None:
        self._tail = b""
        self.complete = False  # the vendor has said why it stopped: if the stream ends now, it was not cut
        self.finished = False  # nothing will follow
        self.fault: Fault | None = None
        self.said = 0  # characters of the answer so far, for an estimate when the stream is cut

    def feed(self, piece: bytes) -> None:
        """The next bytes, however they are split."""
        lines = self._whole_lines(piece)
        for text in self.text.findall(lines):
            self.said += len(text)
        if self.telling.search(lines):
            self._parse(lines)

    def _whole_lines(self, piece: bytes) -> bytes:
        if self._tail:
            piece, self._tail = self._tail + piece, b""
        if piece.endswith(b"\n"):  # as nearly every piece does: vendors write an event at a time
            return piece
        end = piece.rfind(b"\n") + 1
        self._tail = piece[end:] if len(piece) - end < _LONGEST_LINE else b""
        return piece[:end]

    def _parse(self, lines: bytes) -> None:
        for line in lines.splitlines():
            if not line.startswith(b"data:") or not self.telling.search(line):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                self.finished = self.complete = True
                continue
            try:
                self.read(orjson.loads(data))
            except (ValueError, LookupError, TypeError, AttributeError):
                continue  # bytes that the caller will stumble over too; to the count they tell nothing

    def read(self, document: Any) -> None:
        """A document that tells something."""
        raise AssertionError(f"{type(self).__name__} reads no dialect")

    def usage(self) -> Usage | None:
        """What the vendor has told so far."""
        raise AssertionError(f"{type(self).__name__} reads no dialect")


class ChatMeter(Meter):
    """OpenAI's chat chunks."""

    __slots__ = ("_tier", "_usage")

    text = re.compile(rb'"(?:content|arguments|reasoning_content|reasoning|refusal)"\s*:\s*"((?:[^"\\]|\\.)*)"')
    telling = re.compile(rb'"usage"\s*:\s*\{|"finish_reason"\s*:\s*"|"error"\s*:\s*["{]|\[DONE\]')

    def __init__(self) -> None:
        super().__init__()
        self._usage: Mapping[str, Any] | None = None
        self._tier: Any = None

    def read(self, document: Any) -> None:
        """A chunk."""
        told = document.get("usage") or (document.get("x_groq") or {}).get("usage")
        if told:
            self._usage, self._tier = told, document.get("service_tier")
        if document.get("error"):
            self.fault = fault_in(document)
        choices = document.get("choices")
        if choices and choices[0].get("finish_reason"):
            self.complete = True

    def usage(self) -> Usage | None:
        """What the vendor has told so far."""
        return openai_chat.usage(self._usage, self._tier)


class MessagesMeter(Meter):
    """Anthropic's events."""

    __slots__ = ("_usage",)

    text = re.compile(rb'"(?:text|partial_json|thinking)"\s*:\s*"((?:[^"\\]|\\.)*)"')
    telling = re.compile(rb'"type"\s*:\s*"(?:message_start|message_delta|message_stop|error)"')

    def __init__(self) -> None:
        super().__init__()
        self._usage: dict[str, Any] = {}

    def read(self, document: Any) -> None:
        """An event."""
        kind = document.get("type")
        if kind == "message_start":
            self._usage.update(document["message"].get("usage") or {})
        elif kind == "message_delta":
            # Cumulative counts: the later ones replace the first, nulls tell nothing.
            told = document.get("usage") or {}
            self._usage.update({name: value for name, value in told.items() if value is not None})
            self.complete = True
        elif kind == "message_stop":
            self.complete = self.finished = True
        elif kind == "error":
            self.fault = fault_in(document)

    def usage(self) -> Usage | None:
        """What the vendor has told so far. Its first event alone is no count of what came out."""
        return anthropic_messages.usage(self._usage) if self.complete else None


class ResponsesMeter(Meter):
    """The events of OpenAI's responses."""

    __slots__ = ("_usage",)

    text = re.compile(rb'"delta"\s*:\s*"((?:[^"\\]|\\.)*)"')
    telling = re.compile(rb'"type"\s*:\s*"(?:response\.(?:completed|incomplete|failed)|error)"')

    def __init__(self) -> None:
        super().__init__()
        self._usage: Usage | None = None

    def read(self, document: Any) -> None:
        """An event that ends the stream."""
        if document.get("type") == "error":
            self.fault = fault_in({"error": document.get("error") or document})
            return
        response = document["response"]
        self._usage = openai_responses.usage(response.get("usage"), response.get("service_tier"))
        self.complete = self.finished = True
        if response.get("error"):
            self.fault = fault_in(response)

    def usage(self) -> Usage | None:
        """What the vendor has told so far."""
        return self._usage
