"""A stream in OpenAI's chat dialect, read piece by piece."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from creative_services.core.completions import Completion
from creative_services.wire.call_places import CallPlaces
from creative_services.wire.deltas import ArgumentsDelta, CallBegun, Delta, TextDelta, ThoughtDelta
from creative_services.wire.openai_chat import Assembler

# Whoever shows thoughts in this dialect calls them by one of these names.
_THOUGHTS = ("reasoning_content", "reasoning")


class ChatReader:
    """Tells what each chunk adds, and at the end the whole answer."""

    __slots__ = ("_assembler", "_places")

    def __init__(self) -> None:
        self._assembler = Assembler()
        self._places = CallPlaces()

    @property
    def complete(self) -> bool:
        """Whether the vendor has said why it stopped."""
        return self._assembler.finished

    @property
    def finished(self) -> bool:
        """Whether nothing will follow: in this dialect only the end of the stream says so."""
        return False

    def feed(self, chunk: Mapping[str, Any]) -> list[Delta]:
        """What this chunk adds."""
        text = self._assembler.feed(chunk)
        choices = chunk.get("choices")
        delta = (choices[0].get("delta") or {}) if choices else {}
        added: list[Delta] = []
        if thought := next((delta[name] for name in _THOUGHTS if delta.get(name)), None):
            added.append(ThoughtDelta(thought))
        if text:
            added.append(TextDelta(text))
        if refusal := delta.get("refusal"):
            added.append(TextDelta(refusal))
        added.extend(self._calls(delta.get("tool_calls") or ()))
        return added

    def _calls(self, told: Any) -> Iterator[Delta]:
        for place, call in enumerate(told):
            function = call.get("function") or {}
            found, begins = self._places.place(call, place)
            if begins:
                yield CallBegun(found, call.get("id") or "", function.get("name") or "")
            arguments = function.get("arguments")
            if arguments:
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                yield ArgumentsDelta(found, text)

    def completion(self) -> Completion:
        """The whole answer so far."""
        return self._assembler.completion()
