"""Anthropic's messages dialect: what comes back, whole or in events. What goes out: ``anthropic_request.py``."""

from collections.abc import Mapping
from typing import Any, Final

from creative_services.core.completions import Completion, ToolCall
from creative_services.core.usage import Usage
from creative_services.wire.anthropic_request import ANSWER_TOOL, body
from creative_services.wire.counts import count, details
from creative_services.wire.faults import FaultError, WrongShapeError, fault_in
from creative_services.wire.messages import arguments_in

__all__ = ["Assembler", "body", "completion", "finish", "usage"]

FINISH: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def completion(answer: Any) -> Completion:
    """The answer as our noun: text blocks joined, thinking left to ``raw``."""
    try:
        blocks = answer["content"]
        calls = tuple(_called(block) for block in blocks if block["type"] == "tool_use")
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        return _answered(
            text,
            calls,
            reason=answer.get("stop_reason"),
            told=answer.get("usage"),
            model=answer.get("model") or "",
            raw=answer,
        )
    except (KeyError, TypeError, AttributeError) as wrong:
        fault = fault_in(answer)
        if fault:
            raise FaultError(fault) from None
        raise WrongShapeError("the answer has no content blocks") from wrong


def _called(block: Mapping[str, Any]) -> ToolCall:
    arguments, text = arguments_in(block.get("input"))
    return ToolCall(id=str(block.get("id") or ""), name=str(block["name"]), arguments=arguments, arguments_text=text)


def _answered(
    text: str, calls: tuple[ToolCall, ...], *, reason: Any, told: Any, model: str, raw: Any = None
) -> Completion:
    # A schema asked for through a forced tool comes back as that tool's arguments: to the caller it is the answer.
    answer = next((call for call in calls if call.name == ANSWER_TOOL), None)
    if answer:
        text, calls, reason = answer.arguments_text, (), "end_turn" if reason == "tool_use" else reason
    return Completion(
        content=text, tool_calls=calls, finish_reason=finish(reason), usage=usage(told), model=model, raw=raw
    )


def finish(reason: Any) -> str | None:
    """stop, length, tool_calls or content_filter; another word of the vendor as it is."""
    return FINISH.get(reason, reason) if isinstance(reason, str) and reason else None


def usage(told: Any) -> Usage | None:
    """Token counts. Anthropic counts cached and cache-written input beside the rest; we count them inside it."""
    if not isinstance(told, Mapping) or not told:
        return None
    read, written = count(told, "cache_read_input_tokens"), count(told, "cache_creation_input_tokens")
    split = details(told, "cache_creation")
    long = count(split, "ephemeral_1h_input_tokens")
    written = max(written, long + count(split, "ephemeral_5m_input_tokens"))
    tier = told.get("service_tier")
    return Usage(
        input_tokens=count(told, "input_tokens") + read + written,
        output_tokens=count(told, "output_tokens"),
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=long,
        reasoning_tokens=count(details(told, "output_tokens_details"), "thinking_tokens"),
        service_tier=tier if isinstance(tier, str) else "",
    )


class Assembler:
    """Puts a stream of events together: gives the text of each and, at the end, the whole answer."""

    __slots__ = ("_blocks", "_model", "_reason", "_stopped", "_text", "_usage")

    def __init__(self) -> None:
        self._text: list[str] = []
        self._blocks: dict[Any, dict[str, Any]] = {}
        self._usage: dict[str, Any] = {}
        self._reason: Any = None
        self._model = ""
        self._stopped = False

    @property
    def finished(self) -> bool:
        """Whether the vendor has said that and why it stopped; a stream that ends before that was cut."""
        return self._stopped or self._reason is not None

    def feed(self, event: Mapping[str, Any]) -> str:
        """The text this event adds."""
        try:
            kind = event["type"]
            if kind == "content_block_delta":
                return self._delta(event)
            self._about(kind, event)
        except (KeyError, TypeError, AttributeError) as wrong:
            fault = fault_in(event)
            if fault:
                raise FaultError(fault) from None
            raise WrongShapeError("a piece of the stream is no messages event") from wrong
        return ""

    def _delta(self, event: Mapping[str, Any]) -> str:
        delta = event["delta"]
        if delta["type"] == "text_delta":
            text: str = delta["text"]
            self._text.append(text)
            return text
        if delta["type"] == "input_json_delta":
            block = self._blocks[event["index"]]
            block["written"] += delta["partial_json"]
            if block["name"] == ANSWER_TOOL:
                return str(delta["partial_json"])
        return ""

    def _about(self, kind: str, event: Mapping[str, Any]) -> None:
        if kind == "message_start":
            self._model = event["message"].get("model") or ""
            self._usage.update(event["message"].get("usage") or {})
        elif kind == "content_block_start" and event["content_block"]["type"] == "tool_use":
            self._blocks[event["index"]] = {**event["content_block"], "written": ""}
        elif kind == "message_delta":
            self._reason = event["delta"].get("stop_reason") or self._reason
            # Cumulative counts: the later ones replace the first, nulls tell nothing.
            told = event.get("usage") or {}
            self._usage.update({key: value for key, value in told.items() if value is not None})
        elif kind == "message_stop":
            self._stopped = True
        elif kind == "error":
            raise KeyError(kind)

    def completion(self) -> Completion:
        """The whole answer so far."""
        calls = tuple(
            ToolCall(id=block.get("id") or "", name=block["name"], arguments=arguments, arguments_text=text)
            for block in self._blocks.values()
            for arguments, text in (arguments_in(block["written"] or block.get("input")),)
        )
        return _answered("".join(self._text), calls, reason=self._reason, told=self._usage, model=self._model)
