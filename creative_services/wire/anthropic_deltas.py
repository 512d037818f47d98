"""A stream in Anthropic's messages dialect, read piece by piece."""

from collections.abc import Mapping
from typing import Any

from creative_services.core.completions import Completion
from creative_services.wire.anthropic_messages import Assembler
from creative_services.wire.anthropic_request import ANSWER_TOOL
from creative_services.wire.deltas import ArgumentsDelta, CallBegun, Delta, TextDelta, ThoughtDelta


class MessagesReader:
    """Tells what each event adds, and at the end the whole answer."""

    __slots__ = ("_assembler", "_places", "finished")

    def __init__(self) -> None:
        self._assembler = Assembler()
        self._places: dict[Any, int] = {}
        self.finished = False  # nothing will follow

    @property
    def complete(self) -> bool:
        """Whether the vendor has said why it stopped."""
        return self._assembler.finished

    def feed(self, event: Mapping[str, Any]) -> list[Delta]:
        """What this event adds."""
        text = self._assembler.feed(event)
        if text:
            return [TextDelta(text)]
        kind = event.get("type")
        if kind == "content_block_start":
            return self._begun(event["index"], event["content_block"])
        if kind == "content_block_delta":
            return self._added(event["index"], event["delta"])
        self.finished = self.finished or kind == "message_stop"
        return []

    def _begun(self, index: Any, block: Mapping[str, Any]) -> list[Delta]:
        # The tool that stands for a schema is no call: its arguments are the answer's text.
        if block.get("type") != "tool_use" or block.get("name") == ANSWER_TOOL:
            return []
        place = self._places[index] = len(self._places)
        return [CallBegun(place, block.get("id") or "", block["name"])]

    def _added(self, index: Any, delta: Mapping[str, Any]) -> list[Delta]:
        if delta.get("type") == "thinking_delta" and delta.get("thinking"):
            return [ThoughtDelta(delta["thinking"])]
        if delta.get("type") == "input_json_delta" and delta.get("partial_json") and index in self._places:
            return [ArgumentsDelta(self._places[index], delta["partial_json"])]
        return []

    def completion(self) -> Completion:
        """The whole answer so far."""
        return self._assembler.completion()
