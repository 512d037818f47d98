"""Answers in OpenAI's chat dialect, whole or in chunks, from our nouns."""

from collections.abc import Iterable
from typing import Any, Final

from creative_services.core.completions import Completion, ToolCall
from creative_services.core.usage import Usage
from creative_services.wire.deltas import ArgumentsDelta, CallBegun, Delta, TextDelta
from creative_services.wire.outbound import Answering, call_at, event

DONE: Final = b"data: [DONE]\n\n"


def answer(about: Answering, completion: Completion) -> dict[str, Any]:
    """The whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": completion.content or None, "refusal": None}
    if not completion.content and not completion.tool_calls:
        message["content"] = ""
    if completion.tool_calls:
        message["tool_calls"] = [_call(call) for call in completion.tool_calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(completion)}
    told = {**_envelope(about, "chat.completion"), "choices": [choice]}
    if completion.usage is not None:
        told["usage"] = usage(completion.usage)
    return told


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments_text or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _envelope(about: Answering, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{about.id}", "object": kind, "created": about.created, "model": about.model}


def _finish(completion: Completion) -> str:
    return completion.finish_reason or ("tool_calls" if completion.tool_calls else "stop")


def usage(used: Usage) -> dict[str, Any]:
    """Token counts in this dialect."""
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.total_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }


def _counted(envelope: dict[str, Any], used: Usage) -> bytes:
    return event({**envelope, "choices": [], "usage": usage(used)})


def usage_chunk(about: Answering, used: Usage) -> bytes:
    """What was used, for a stream that does not say so itself."""
    return _counted(_envelope(about, "chat.completion.chunk"), used)


class ChatWriter:
    """Chunks."""

    __slots__ = ("_calls", "_envelope")

    def __init__(self, about: Answering) -> None:
        self._envelope = _envelope(about, "chat.completion.chunk")
        self._calls = 0  # told so far

    def open(self) -> bytes:
        """What a stream begins with."""
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """What was added."""
        told = b""
        for delta in deltas:
            if isinstance(delta, CallBegun):
                self._calls = max(self._calls, delta.place + 1)
            told += self._chunk(_told(delta))
        return told

    def close(self, completion: Completion) -> bytes:
        """Why it stopped, what it used, and that nothing follows."""
        # Not every source tells its calls bit by bit.
        late = [
            delta for place in range(self._calls, len(completion.tool_calls)) for delta in call_at(completion, place)
        ]
        last = self.write(late) + self._chunk({}, _finish(completion))
        if completion.usage is not None:
            last += _counted(self._envelope, completion.usage)
        return last + DONE

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**self._envelope, "choices": [choice], "usage": None})


def _told(delta: Delta) -> dict[str, Any]:
    if isinstance(delta, TextDelta):
        return {"content": delta.text}
    if isinstance(delta, CallBegun):
        function = {"name": delta.name, "arguments": ""}
        return {"tool_calls": [{"index": delta.place, "id": delta.id, "type": "function", "function": function}]}
    if isinstance(delta, ArgumentsDelta):
        return {"tool_calls": [{"index": delta.place, "function": {"arguments": delta.text}}]}
    return {"reasoning_content": delta.text}
