"""What goes out in Anthropic's messages dialect."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from creative_services.core.completions import Message, Request
from creative_services.core.llm_registry import LLMEntry
from creative_services.wire import messages as m
from creative_services.wire import schemas
from creative_services.wire.extras import extended

ANSWER_TOOL: Final = "structured_answer"
_CHOICES: Final[Mapping[str, str]] = {"auto": "auto", "none": "none", "required": "any", "any": "any"}


def body(
    entry: LLMEntry, request: Request, *, stream: bool = False, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """What to post. ``without`` names parameters this model is known to refuse."""
    system, turns = conversation(request.messages)
    told: dict[str, Any] = {
        "model": entry.model,
        "max_tokens": entry.max_tokens if request.max_tokens is None else request.max_tokens,
        "messages": turns,
    }
    if system:
        told["system"] = system
    temperature = entry.temperature if request.temperature is None else request.temperature
    if temperature is not None and ("temperature" not in without or request.temperature is not None):
        told["temperature"] = temperature
    if request.stop:
        told["stop_sequences"] = list(request.stop)
    if request.tools:
        told["tools"] = [tool(each) for each in request.tools]
    if request.tool_choice is not None:
        told["tool_choice"] = tool_choice(request.tool_choice)
    if request.schema is not None:
        _ask_for(told, request.schema, by_tool="output_config" in without)
    if stream:
        told["stream"] = True
    return extended(told, entry, request)


def _ask_for(told: dict[str, Any], schema: Mapping[str, Any], *, by_tool: bool) -> None:
    closed = schemas.strict(schema)
    if closed is not None and not by_tool:
        told["output_config"] = {"format": {"type": "json_schema", "schema": closed}}
        return
    # The way that every model and every schema allows: a tool that is the answer.
    answer = {"name": ANSWER_TOOL, "description": "Gives the answer.", "input_schema": schema}
    told["tools"] = [*told.get("tools", ()), answer]
    told["tool_choice"] = {"type": "tool", "name": ANSWER_TOOL}


def conversation(messages: Iterable[Message]) -> tuple[Any, list[dict[str, Any]]]:
    """The system prompt, lifted out, and the turns; neighbours of one role become one turn, as tool results must."""
    system: list[Any] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            system.extend(m.parts_of(message.get("content")))
            continue
        speaker = "assistant" if role == "assistant" else "user"
        content = _content(message)
        if turns and turns[-1]["role"] == speaker:
            turns[-1]["content"] = [*_blocks(turns[-1]["content"]), *_blocks(content)]
        else:
            turns.append({"role": speaker, "content": content})
    return _system(system), turns


def _system(parts: list[Any]) -> Any:
    if all(isinstance(part, str) for part in parts):
        return "\n\n".join(parts)
    return [_block(part) for part in parts]


def _blocks(content: Any) -> Iterable[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _content(message: Message) -> Any:
    content = message.get("content")
    if message.get("role") == "tool":
        return [_result(message)]
    calls = message.get("tool_calls")
    if isinstance(content, str) and not calls:
        return content
    blocks = [_block(part) for part in m.parts_of(content)]
    for given in calls or ():
        call = m.call_in(given)
        if call:
            blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments})
    return blocks


def _result(message: Message) -> dict[str, Any]:
    content = message.get("content")
    told = content if isinstance(content, str) else [_block(part) for part in m.parts_of(content)]
    return {"type": "tool_result", "tool_use_id": message.get("tool_call_id") or "", "content": told}


def _block(part: Any) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    image = m.image_in(part)
    if image is None or (isinstance(part, Mapping) and isinstance(part.get("source"), Mapping)):
        return part
    source: dict[str, Any] = {"type": "url", "url": image.url}
    if image.url is None:
        source = {"type": "base64", "media_type": image.media_type, "data": image.data}
    return {"type": "image", "source": source}


def tool(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A tool in this dialect; what is in it already, or built into the vendor, passes untouched."""
    found = None if "input_schema" in given else m.tool_in(given)
    if found is None:
        return given
    told: dict[str, Any] = {"name": found.name, "description": found.description, "input_schema": found.parameters}
    if found.strict is not None:
        told["strict"] = found.strict
    return told


def tool_choice(choice: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """auto, none, any or one tool by name."""
    if isinstance(choice, str):
        return {"type": _CHOICES.get(choice, choice)}
    name = m.wanted_tool(choice)
    return {"type": "tool", "name": name} if name and choice.get("type") != "tool" else choice
