"""A caller's request in Anthropic's messages dialect, as our noun: conversations become OpenAI's chat shape."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from creative_services.core.completions import Message, Request
from creative_services.wire.inbound import InboundError, count_in, messages_in, number_in, objects_in, texts_in

_CHOICES: Final[Mapping[str, str]] = {"auto": "auto", "any": "required", "none": "none"}


def request(document: Mapping[str, Any]) -> Request:
    """The request, as far as our nouns go."""
    turns = [message for turn in messages_in(document) for message in _messages(turn)]
    return Request(
        messages=(*_system(document.get("system")), *turns),
        tools=objects_in(document, "tools"),
        tool_choice=_choice(document.get("tool_choice")),
        max_tokens=count_in(document, "max_tokens"),
        temperature=number_in(document, "temperature"),
        stop=texts_in(document, "stop_sequences"),
        schema=_schema(document),
        extra={"top_p": document["top_p"]} if document.get("top_p") is not None else {},
    )


def _system(given: Any) -> tuple[Message, ...]:
    if not given:
        return ()
    if isinstance(given, str):
        return ({"role": "system", "content": given},)
    if not isinstance(given, list):
        raise InboundError("'system' must be a text or a list of text blocks.", "system")
    return ({"role": "system", "content": [_plain(block) for block in given]},)


def _plain(block: Any) -> Any:
    # Marks for Anthropic's cache mean nothing elsewhere, and strict endpoints refuse what they do not know.
    if isinstance(block, dict) and block.get("type") == "text":
        return {"type": "text", "text": block.get("text") or ""}
    return block


def _messages(turn: Message) -> Iterator[Message]:
    """One turn as the one or more messages it is in OpenAI's shape: tool results are messages of their own there."""
    content = turn.get("content")
    if not isinstance(content, list):
        yield {"role": turn.get("role"), "content": content}
        return
    blocks = [block for block in content if isinstance(block, dict)]
    if not all(isinstance(block.get("type"), str) for block in blocks):
        raise InboundError("Each block of 'content' needs a 'type' that is a text.", "messages")
    for block in blocks:
        if block.get("type") == "tool_result":
            yield {"role": "tool", "tool_call_id": block.get("tool_use_id") or "", "content": _result(block)}
    calls = [_call(block) for block in blocks if block.get("type") == "tool_use"]
    said = [_plain(block) for block in blocks if block.get("type") not in _NO_CONTENT]
    if calls:
        yield {"role": "assistant", "content": _joined(said), "tool_calls": calls}
    elif said:
        yield {"role": turn.get("role"), "content": said if turn.get("role") == "user" else _joined(said)}


# Thinking is Anthropic's own, signed for its own models: another vendor can do nothing with it.
_NO_CONTENT: Final = frozenset({"tool_result", "tool_use", "thinking", "redacted_thinking"})


def _joined(blocks: list[Any]) -> str | None:
    texts = (block.get("text") for block in blocks if block.get("type") == "text")
    return "".join(text for text in texts if isinstance(text, str)) or None


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    function = {"name": str(block.get("name") or ""), "arguments": arguments}
    return {"id": str(block.get("id") or ""), "type": "function", "function": function}


def _result(block: Mapping[str, Any]) -> Any:
    content = block.get("content")
    if isinstance(content, list):
        return [_plain(part) for part in content]
    return content if isinstance(content, str) else ""


def _choice(given: Any) -> str | Mapping[str, Any] | None:
    if given is None:
        return None
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "tool" and given.get("name"):
        return {"type": "function", "function": {"name": given["name"]}}
    if not isinstance(kind, str) or kind not in _CHOICES:
        raise InboundError("'tool_choice' must be an object whose type is auto, any, none or tool.", "tool_choice")
    return _CHOICES[kind]


def _schema(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    config = document.get("output_config")
    form = config.get("format") if isinstance(config, dict) else document.get("output_format")
    schema = form.get("schema") if isinstance(form, dict) else None
    return schema if isinstance(schema, dict) else None
