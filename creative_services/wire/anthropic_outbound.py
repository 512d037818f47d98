"""Answers in Anthropic's messages dialect, whole or in events, from our nouns."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from creative_services.core.completions import Completion
from creative_services.core.usage import Usage
from creative_services.wire.deltas import CallBegun, Delta, TextDelta, ThoughtDelta
from creative_services.wire.outbound import Answering, call_at, event

STOP_REASONS: Final[Mapping[str, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def answer(about: Answering, completion: Completion) -> dict[str, Any]:
    """The whole answer."""
    blocks: list[dict[str, Any]] = []
    if completion.content:
        blocks.append({"type": "text", "text": completion.content})
    blocks += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        for call in completion.tool_calls
    ]
    return {
        **_envelope(about),
        "content": blocks,
        "stop_reason": _stop_reason(completion),
        "usage": usage(completion.usage or Usage()),
    }


def _envelope(about: Answering) -> dict[str, Any]:
    return {
        "id": f"msg_{about.id}",
        "type": "message",
        "role": "assistant",
        "model": about.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _stop_reason(completion: Completion) -> str:
    reason = completion.finish_reason or ("tool_calls" if completion.tool_calls else "stop")
    return STOP_REASONS.get(reason, reason)


def usage(used: Usage) -> dict[str, Any]:
    """Token counts in this dialect, which counts cached and cache-written input beside the rest."""
    return {
        "input_tokens": used.input_tokens - used.cached_tokens - used.cache_write_tokens,
        "cache_creation_input_tokens": used.cache_write_tokens,
        "cache_read_input_tokens": used.cached_tokens,
        "output_tokens": used.output_tokens,
    }


class MessagesWriter:
    """Events. A block is open until something of another kind comes.

    Blocks follow each other, while another dialect may tell several calls at once: the first one is passed on as it
    comes, the others whole at the end.
    """

    __slots__ = ("_about", "_calls", "_index", "_open")

    def __init__(self, about: Answering) -> None:
        self._about = about
        self._calls = 0  # told so far
        self._index = -1
        self._open: object = None  # "text", "thinking" or the place of a call

    def open(self) -> bytes:
        """What a stream begins with. What the prompt used is not known yet; the last event tells it."""
        message = {**_envelope(self._about), "usage": usage(Usage())}
        return _event("message_start", message=message)

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """What was added."""
        return b"".join(self._told(delta) for delta in deltas)

    def _told(self, delta: Delta) -> bytes:
        if isinstance(delta, TextDelta):
            begun = self._switch("text", {"type": "text", "text": ""})
            return begun + self._delta({"type": "text_delta", "text": delta.text})
        if isinstance(delta, ThoughtDelta):
            begun = self._switch("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            return begun + self._delta({"type": "thinking_delta", "thinking": delta.text})
        if isinstance(delta, CallBegun):
            if delta.place != self._calls or isinstance(self._open, int):
                return b""
            self._calls += 1
            return self._switch(delta.place, {"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}})
        if delta.place != self._open:
            return b""
        return self._delta({"type": "input_json_delta", "partial_json": delta.text})

    def _switch(self, what: object, block: dict[str, Any]) -> bytes:
        if self._open == what:
            return b""
        ended = self._end_block()
        self._open = what
        self._index += 1
        return ended + _event("content_block_start", index=self._index, content_block=block)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", index=self._index, delta=delta)

    def _end_block(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _event("content_block_stop", index=self._index)

    def close(self, completion: Completion) -> bytes:
        """Why it stopped, what it used, and that nothing follows."""
        told = self._end_block()
        for place in range(self._calls, len(completion.tool_calls)):
            told += self.write(call_at(completion, place)) + self._end_block()
        delta = {"stop_reason": _stop_reason(completion), "stop_sequence": None}
        counts = usage(completion.usage or Usage())
        return told + _event("message_delta", delta=delta, usage=counts) + _event("message_stop")


def _event(kind: str, **members: Any) -> bytes:
    return event({"type": kind, **members}, kind)
