"""Ollama's own chat dialect: it takes options (context size, keep-alive) that its OpenAI-shaped door drops."""

from collections.abc import Mapping
from typing import Any, Final

from creative_services.core.completions import Completion, Message, Request, ToolCall
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.wire import messages as m
from creative_services.wire.counts import count
from creative_services.wire.extras import CONNECTION
from creative_services.wire.faults import FaultError, WrongShapeError, fault_in
from creative_services.wire.openai_chat import finish, tool

_MODEL_OPTIONS: Final = "options"


def body(
    entry: LLMEntry, request: Request, *, stream: bool = False, without: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """What to post. ``without`` names parameters this model is known to refuse."""
    told: dict[str, Any] = {
        "model": entry.model,
        "messages": [message(each) for each in request.messages],
        "stream": stream,
    }
    if request.tools and request.tool_choice != "none":  # Ollama knows no tool_choice
        told["tools"] = [tool(each) for each in request.tools]
    if request.schema is not None:
        told["format"] = request.schema
    told[_MODEL_OPTIONS] = options(entry, request, without)
    for extra in (entry.options, request.extra):
        told.update({key: value for key, value in extra.items() if key not in CONNECTION and key != _MODEL_OPTIONS})
    return told


def options(entry: LLMEntry, request: Request, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The model's options, ours in Ollama's words; ``options`` of the entry and of the caller's extras are added."""
    told: dict[str, Any] = {"num_predict": entry.max_tokens if request.max_tokens is None else request.max_tokens}
    temperature = entry.temperature if request.temperature is None else request.temperature
    if temperature is not None and ("temperature" not in without or request.temperature is not None):
        told["temperature"] = temperature
    if request.stop:
        told["stop"] = list(request.stop)
    if request.seed is not None:
        told["seed"] = request.seed
    for extra in (entry.options, request.extra):
        told.update(extra.get(_MODEL_OPTIONS) or {})
    return told


def message(given: Message) -> dict[str, Any]:
    """One message: text and images apart, tool arguments as objects."""
    content = given.get("content")
    told: dict[str, Any] = {"role": given.get("role", "user"), "content": m.text_in(content)}
    if told["role"] == "developer":
        told["role"] = "system"
    found = () if isinstance(content, str) else tuple(filter(None, map(m.image_in, m.parts_of(content))))
    images = given.get("images") or [_bytes(image) for image in found]
    if images:
        told["images"] = images
    calls = [call for call in map(m.call_in, given.get("tool_calls") or ()) if call]
    if calls:
        told["tool_calls"] = [{"function": {"name": call.name, "arguments": call.arguments}} for call in calls]
    if told["role"] == "tool" and given.get("name"):
        told["tool_name"] = given["name"]
    return told


def _bytes(image: m.Image) -> str:
    if image.data is None:
        raise ValueError("Ollama takes an image's bytes, not a link to it. Pass the bytes, or a data: URL.")
    return image.data


def completion(answer: Any) -> Completion:
    """The answer as our noun."""
    try:
        said = answer["message"]
        calls = _calls(said.get("tool_calls"), 0)
        return Completion(
            content=said.get("content") or "",
            tool_calls=calls,
            finish_reason=finish(answer.get("done_reason") or "stop", calls=bool(calls)),
            usage=usage(answer),
            model=answer.get("model") or "",
            raw=answer,
        )
    except (KeyError, TypeError, AttributeError) as wrong:
        fault = fault_in(answer)
        if fault:
            raise FaultError(fault) from None
        raise WrongShapeError("the answer has no message") from wrong


def _calls(told: Any, already: int) -> tuple[ToolCall, ...]:
    calls = []
    for place, call in enumerate(told or (), already):
        function = call["function"]
        arguments, text = m.arguments_in(function.get("arguments"))
        # Ollama gives calls no id; results are matched by order, so the place is one.
        name = str(function["name"])
        calls.append(
            ToolCall(id=str(call.get("id") or f"call_{place}"), name=name, arguments=arguments, arguments_text=text)
        )
    return tuple(calls)


def usage(answer: Mapping[str, Any]) -> Usage | None:
    """Token counts; a prompt that was in the cache is not counted again, and then missing."""
    if "eval_count" not in answer and "prompt_eval_count" not in answer:
        return None
    return Usage(input_tokens=count(answer, "prompt_eval_count"), output_tokens=count(answer, "eval_count"))


class Assembler:
    """Puts a stream of lines together: gives the text of each and, at the end, the whole answer."""

    __slots__ = ("_calls", "_last", "_text")

    def __init__(self) -> None:
        self._text: list[str] = []
        self._calls: tuple[ToolCall, ...] = ()
        self._last: Mapping[str, Any] | None = None

    @property
    def finished(self) -> bool:
        """Whether the last line has come; a stream that ends before that was cut."""
        return self._last is not None

    def feed(self, line: Mapping[str, Any]) -> str:
        """The text this line adds."""
        try:
            said = line["message"]
            text: str = said.get("content") or ""
            if said.get("tool_calls"):
                self._calls += _calls(said["tool_calls"], len(self._calls))
            if line.get("done"):
                self._last = line
        except (KeyError, TypeError, AttributeError) as wrong:
            fault = fault_in(line)
            if fault:
                raise FaultError(fault) from None
            raise WrongShapeError("a line of the stream has no message") from wrong
        if text:
            self._text.append(text)
        return text

    def completion(self) -> Completion:
        """The whole answer so far."""
        last = self._last or {}
        return Completion(
            content="".join(self._text),
            tool_calls=self._calls,
            finish_reason=finish(last.get("done_reason") or ("stop" if last else None), calls=bool(self._calls)),
            usage=usage(last),
            model=last.get("model") or "",
        )
