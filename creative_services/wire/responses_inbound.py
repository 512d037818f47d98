"""A caller's request in OpenAI's responses dialect, as our noun: its items become OpenAI's chat shape."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from creative_services.core.completions import Message, Request
from creative_services.wire.inbound import InboundError, count_in, number_in, objects_in

# What lives on OpenAI's servers, and so can be answered there only.
ONLY_NATIVE: Final = frozenset({"previous_response_id", "conversation", "background", "prompt"})
# Thoughts of an earlier turn ("reasoning") are left out elsewhere: only their own vendor can read them.
_KNOWN: Final = frozenset({"message", "function_call", "function_call_output", "reasoning"})


def request(document: Mapping[str, Any]) -> Request:
    """The request, as far as our nouns go."""
    choice = document.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function":
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    return Request(
        messages=_messages(document),
        tools=objects_in(document, "tools"),
        tool_choice=choice if isinstance(choice, str | dict) else None,
        max_tokens=count_in(document, "max_output_tokens"),
        temperature=number_in(document, "temperature"),
        schema=_schema(document.get("text")),
        extra={"top_p": document["top_p"]} if document.get("top_p") is not None else {},
    )


def native_only(document: Mapping[str, Any]) -> str | None:
    """The first field that no other dialect has a word for; None when every entry can answer."""
    if any(tool.get("type") != "function" for tool in objects_in(document, "tools")):
        return "tools"
    given = document.get("input")
    if isinstance(given, list) and any(item.get("type", "message") not in _KNOWN for item in given):
        return "input"
    return next((name for name in document if name in ONLY_NATIVE and document[name]), None)


def _messages(document: Mapping[str, Any]) -> tuple[Message, ...]:
    given = document.get("input")
    if isinstance(given, str):
        turns: list[Message] = [{"role": "user", "content": given}]
    elif isinstance(given, list) and given and all(map(_is_item, given)):
        turns = list(_grouped(given))
    elif given is None and not ONLY_NATIVE.isdisjoint(document):
        turns = []
    else:
        raise InboundError("'input' must be a text or a list of items.", "input")
    instructions = document.get("instructions")
    return ({"role": "system", "content": instructions}, *turns) if instructions else tuple(turns)


def _is_item(given: Any) -> bool:
    return isinstance(given, dict) and isinstance(given.get("type", "message"), str)


def _grouped(items: list[dict[str, Any]]) -> Iterator[Message]:
    """Items one by one; calls that follow each other are one message of the assistant, as chat wants them."""
    calls: list[dict[str, Any]] = []
    for item in items:
        if item.get("type") == "function_call":
            function = {"name": str(item.get("name") or ""), "arguments": item.get("arguments") or "{}"}
            calls.append({"id": str(item.get("call_id") or ""), "type": "function", "function": function})
            continue
        if calls:
            yield {"role": "assistant", "content": None, "tool_calls": calls}
            calls = []
        yield from _message(item)
    if calls:
        yield {"role": "assistant", "content": None, "tool_calls": calls}


def _message(item: dict[str, Any]) -> Iterator[Message]:
    kind = item.get("type", "message")
    if kind == "function_call_output":
        yield {"role": "tool", "tool_call_id": str(item.get("call_id") or ""), "content": _content(item.get("output"))}
    elif kind == "message":
        yield {"role": item.get("role") or "user", "content": _content(item.get("content"))}


def _content(given: Any) -> Any:
    if not isinstance(given, list):
        return given if isinstance(given, str) else ""
    return [_part(part) for part in given]


def _part(part: Any) -> Any:
    if isinstance(part, dict) and part.get("type") in ("input_text", "output_text", "refusal"):
        return {"type": "text", "text": part.get("text") or part.get("refusal") or ""}
    return part


def _schema(text: Any) -> Mapping[str, Any] | None:
    form = text.get("format") if isinstance(text, dict) else None
    if not isinstance(form, dict):
        return None
    if form.get("type") == "json_object":
        return {"type": "object"}
    schema = form.get("schema") if form.get("type") == "json_schema" else None
    return schema if isinstance(schema, dict) else None
