"""Answers in OpenAI's responses dialect, whole or in events, from our nouns."""

from collections.abc import Iterable
from typing import Any, Final

from creative_services.core.completions import Completion, ToolCall
from creative_services.core.usage import Usage
from creative_services.wire.deltas import ArgumentsDelta, CallBegun, Delta, TextDelta
from creative_services.wire.outbound import Answering, call_at, event

_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def answer(about: Answering, completion: Completion) -> dict[str, Any]:
    """The whole answer."""
    output = [_message(about, completion.content)] if completion.content else []
    output += [_call(about, place, call) for place, call in enumerate(completion.tool_calls)]
    return {**envelope(about, _status(completion)), **_why(completion), "output": output, "usage": _usage(completion)}


def envelope(about: Answering, status: str) -> dict[str, Any]:
    """What every response has, with the members its readers insist on."""
    return {
        "id": f"resp_{about.id}",
        "object": "response",
        "created_at": about.created,
        "status": status,
        "model": about.model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def _status(completion: Completion) -> str:
    return "incomplete" if completion.finish_reason in _INCOMPLETE else "completed"


def _why(completion: Completion) -> dict[str, Any]:
    reason = _INCOMPLETE.get(completion.finish_reason or "")
    return {"incomplete_details": {"reason": reason} if reason else None}


def _usage(completion: Completion) -> dict[str, Any] | None:
    return None if completion.usage is None else usage(completion.usage)


def usage(used: Usage) -> dict[str, Any]:
    """Token counts in this dialect."""
    return {
        "input_tokens": used.input_tokens,
        "input_tokens_details": {"cached_tokens": used.cached_tokens},
        "output_tokens": used.output_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.total_tokens,
    }


def _message(about: Answering, text: str, status: str = "completed") -> dict[str, Any]:
    content = [_text(text)] if status == "completed" else []
    return {"id": f"msg_{about.id}", "type": "message", "role": "assistant", "status": status, "content": content}


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _call(about: Answering, place: int, call: ToolCall, status: str = "completed") -> dict[str, Any]:
    return {
        "id": f"fc_{about.id}_{place}",
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments_text,
        "status": status,
    }


class ResponsesWriter:
    """Events: each item of the output is added, filled and done, and the whole comes once more at the end."""

    __slots__ = ("_about", "_begun", "_number", "_places", "_text", "_text_place")

    def __init__(self, about: Answering) -> None:
        self._about = about
        self._number = 0
        self._begun = 0  # items so far
        self._text: list[str] = []
        self._text_place: int | None = None
        self._places: dict[int, int] = {}  # the item of each call

    def _event(self, kind: str, **members: Any) -> bytes:
        told = event({"type": kind, "sequence_number": self._number, **members}, kind)
        self._number += 1
        return told

    def open(self) -> bytes:
        """What a stream begins with."""
        response = envelope(self._about, "in_progress")
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """What was added. Thoughts have no place here: this dialect shows only summaries of them."""
        return b"".join(self._told(delta) for delta in deltas)

    def _told(self, delta: Delta) -> bytes:
        if isinstance(delta, TextDelta):
            begun = self._begin_text() if self._text_place is None else b""
            self._text.append(delta.text)
            return begun + self._event(
                "response.output_text.delta", **self._text_address(), delta=delta.text, logprobs=[]
            )
        if isinstance(delta, CallBegun):
            return self._begin_call(delta)
        if isinstance(delta, ArgumentsDelta) and delta.place in self._places:
            address = self._call_address(delta.place)
            return self._event("response.function_call_arguments.delta", **address, delta=delta.text)
        return b""

    def _begin_text(self) -> bytes:
        self._text_place = self._begun
        self._begun += 1
        item = _message(self._about, "", "in_progress")
        added = self._event("response.output_item.added", output_index=self._text_place, item=item)
        return added + self._event("response.content_part.added", **self._text_address(), part=_text(""))

    def _begin_call(self, delta: CallBegun) -> bytes:
        place = self._places[delta.place] = self._begun
        self._begun += 1
        call = ToolCall(id=delta.id, name=delta.name, arguments={})
        item = _call(self._about, delta.place, call, "in_progress")
        return self._event("response.output_item.added", output_index=place, item=item)

    def _text_address(self) -> dict[str, Any]:
        return {"item_id": f"msg_{self._about.id}", "output_index": self._text_place, "content_index": 0}

    def _call_address(self, place: int) -> dict[str, Any]:
        return {"item_id": f"fc_{self._about.id}_{place}", "output_index": self._places[place]}

    def close(self, completion: Completion) -> bytes:
        """Every item done, and the whole response."""
        late = range(len(self._places), len(completion.tool_calls))
        told = self.write(delta for place in late for delta in call_at(completion, place))
        items: dict[int, dict[str, Any]] = {}
        if self._text_place is not None:
            items[self._text_place] = _message(self._about, "".join(self._text))
            told += self._end_text()
        for place, index in self._places.items():
            items[index] = _call(self._about, place, completion.tool_calls[place])
            told += self._end_call(place, items[index])
        response = {
            **envelope(self._about, _status(completion)),
            **_why(completion),
            "output": [items[index] for index in sorted(items)],
            "usage": _usage(completion),
        }
        return told + self._event(f"response.{response['status']}", response=response)

    def _end_text(self) -> bytes:
        text, address = "".join(self._text), self._text_address()
        done = self._event("response.output_text.done", **address, text=text, logprobs=[])
        done += self._event("response.content_part.done", **address, part=_text(text))
        item = _message(self._about, text)
        return done + self._event("response.output_item.done", output_index=self._text_place, item=item)

    def _end_call(self, place: int, item: dict[str, Any]) -> bytes:
        address = self._call_address(place)
        done = self._event(
            "response.function_call_arguments.done", **address, name=item["name"], arguments=item["arguments"]
        )
        return done + self._event("response.output_item.done", output_index=self._places[place], item=item)
