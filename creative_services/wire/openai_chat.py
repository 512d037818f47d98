"""OpenAI's chat dialect, spoken by OpenAI, Groq and nearly every other endpoint."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from creative_services.core.completions import Completion, Message, Request, ToolCall
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.wire import messages as m
from creative_services.wire import schemas
from creative_services.wire.call_places import CallPlaces
from creative_services.wire.counts import count, details
from creative_services.wire.extras import extended
from creative_services.wire.faults import FaultError, WrongShapeError, fault_in

FINISH: Final[Mapping[str, str]] = {
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "end_turn": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "refusal": "content_filter",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Where endpoints of this family differ."""

    max_tokens: str = "max_tokens"
    schema: str = "json_schema"  # or "json_object": JSON without a schema, which is then told in words
    asks_usage: bool = True


PLAIN: Final = Dialect()

# In ``without``: the model wants the limit by its other name.
OTHER_WORD: Final = "max_tokens by this name"
_OTHER_WORD: Final[Mapping[str, str]] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}


def body(
    entry: LLMEntry,
    request: Request,
    dialect: Dialect = PLAIN,
    *,
    stream: bool = False,
    without: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """What to post. ``without`` names what this model is known to refuse."""
    told: dict[str, Any] = {"model": entry.model, "messages": [message(each) for each in request.messages]}
    if request.max_tokens is not None or "max_tokens" not in without:
        told[limit_word(dialect, without)] = entry.max_tokens if request.max_tokens is None else request.max_tokens
    temperature = entry.temperature if request.temperature is None else request.temperature
    if temperature is not None and (request.temperature is not None or "temperature" not in without):
        told["temperature"] = temperature
    if request.stop:
        told["stop"] = list(request.stop)
    if request.seed is not None:
        told["seed"] = request.seed
    if request.tools:
        told["tools"] = [tool(each) for each in request.tools]
    if request.tool_choice is not None:
        told["tool_choice"] = tool_choice(request.tool_choice)
    if request.schema is not None:
        in_words = dialect.schema == "json_object" or "response_format" in without
        _ask_for(told, request.schema, in_words=in_words)
    if stream:
        told["stream"] = True
        if dialect.asks_usage and "stream_options" not in without:
            told["stream_options"] = {"include_usage": True}
    return extended(told, entry, request)


def limit_word(dialect: Dialect, without: frozenset[str]) -> str:
    """What the limit to an answer's length is called."""
    return _OTHER_WORD[dialect.max_tokens] if OTHER_WORD in without else dialect.max_tokens


def message(given: Message) -> dict[str, Any]:
    """One message with our shorter spellings written out; what is OpenAI's already passes untouched."""
    content, calls = given.get("content"), given.get("tool_calls")
    if not calls and (content is None or isinstance(content, str)):
        return given if isinstance(given, dict) else dict(given)
    told = dict(given)
    if content is not None and not isinstance(content, str):
        told["content"] = [_part(part) for part in m.parts_of(content)]
    if calls:
        told["tool_calls"] = [_call(call) for call in calls]
    return told


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    image = m.image_in(part)
    if image is None:
        return part
    link = {"url": image.link}
    if image.detail:
        link["detail"] = image.detail
    return {"type": "image_url", "image_url": link}


def _call(given: Any) -> Any:
    if not isinstance(given, ToolCall):
        return given
    text = given.arguments_text or json.dumps(dict(given.arguments), ensure_ascii=False)
    return {"id": given.id, "type": "function", "function": {"name": given.name, "arguments": text}}


def tool(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A tool in this dialect; what is in it already, or built into the vendor, passes untouched."""
    if "function" in given:
        return given
    found = m.tool_in(given)
    if found is None:
        return given
    function: dict[str, Any] = {"name": found.name, "description": found.description, "parameters": found.parameters}
    if found.strict is not None:
        function["strict"] = found.strict
    return {"type": "function", "function": function}


def tool_choice(choice: str | Mapping[str, Any]) -> Any:
    """auto, none, required or one tool by name."""
    if isinstance(choice, str):
        return "required" if choice == "any" else choice
    name = m.wanted_tool(choice)
    return {"type": "function", "function": {"name": name}} if name else choice


def _ask_for(told: dict[str, Any], schema: Mapping[str, Any], *, in_words: bool) -> None:
    if in_words:
        told["response_format"] = {"type": "json_object"}
        words = f"Answer with one JSON object that fits this JSON schema, and nothing else: {json.dumps(schema)}"
        told["messages"] = [{"role": "system", "content": words}, *told["messages"]]
        return
    closed = schemas.strict(schema)
    form = {"name": schemas.name_of(schema), "schema": closed or schema, "strict": closed is not None}
    told["response_format"] = {"type": "json_schema", "json_schema": form}


def completion(answer: Any) -> Completion:
    """The answer as our noun."""
    try:
        choice = answer["choices"][0]
        said = choice["message"]
        content, refusal = said.get("content"), said.get("refusal")
        calls = tuple(_called(call) for call in said.get("tool_calls") or ())
        return Completion(
            content=content if isinstance(content, str) else m.text_in(content) or refusal or "",
            tool_calls=calls,
            finish_reason=finish(choice.get("finish_reason"), refused=bool(refusal), calls=bool(calls)),
            usage=usage(answer.get("usage"), answer.get("service_tier")),
            model=answer.get("model") or "",
            raw=answer,
        )
    except (KeyError, IndexError, TypeError, AttributeError) as wrong:
        fault = fault_in(answer)
        if fault:
            raise FaultError(fault) from None
        raise WrongShapeError("the answer has no choices[0].message") from wrong


def finish(reason: Any, *, refused: bool = False, calls: bool = False) -> str | None:
    """stop, length, tool_calls or content_filter; another word of the vendor as it is."""
    if refused:
        return "content_filter"
    if not isinstance(reason, str) or not reason:
        return None
    plain = FINISH.get(reason, reason)
    # A forced tool ends with "stop" at OpenAI, with "tool_calls" elsewhere.
    return "tool_calls" if calls and plain == "stop" else plain


def _called(call: Mapping[str, Any]) -> ToolCall:
    function = call["function"]
    arguments, text = m.arguments_in(function.get("arguments"))
    return ToolCall(
        id=str(call.get("id") or ""), name=str(function.get("name") or ""), arguments=arguments, arguments_text=text
    )


def usage(told: Any, service_tier: Any = None) -> Usage | None:
    """Token counts, whichever of the family's spellings they came in."""
    if not isinstance(told, Mapping) or not told:
        return None
    into, out = count(told, "prompt_tokens"), count(told, "completion_tokens")
    before, after = details(told, "prompt_tokens_details"), details(told, "completion_tokens_details")
    thought = count(after, "reasoning_tokens") if after else 0
    # xAI counts reasoning beside the completion, everybody else inside it; the total gives it away.
    if thought and count(told, "total_tokens") == into + out + thought:
        out += thought
    return Usage(
        input_tokens=into,
        output_tokens=out,
        cached_tokens=(count(before, "cached_tokens") if before else 0) or count(told, "prompt_cache_hit_tokens"),
        cache_write_tokens=count(before, "cache_write_tokens") if before else 0,
        reasoning_tokens=thought,
        service_tier=service_tier if isinstance(service_tier, str) else "",
    )


class Assembler:
    """Puts a stream together: fed with chunks, gives the text of each and, at the end, the whole answer."""

    __slots__ = ("_calls", "_model", "_places", "_reason", "_refusal", "_text", "_tier", "_usage")

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._places = CallPlaces()
        self._reason: Any = None
        self._usage: Any = None
        self._model = ""
        self._tier: Any = None

    @property
    def finished(self) -> bool:
        """Whether the vendor has said why it stopped; a stream that ends before that was cut."""
        return self._reason is not None

    def feed(self, chunk: Mapping[str, Any]) -> str:
        """The text this chunk adds."""
        try:
            choices = chunk.get("choices")
            text = self._choice(choices[0]) if choices else ""
            # Usage, errors and the service tier come without choices or with the reason to stop, never in between.
            if self._reason is not None or not choices or not self._model:
                self._about(chunk)
        except (KeyError, IndexError, TypeError, AttributeError) as wrong:
            raise WrongShapeError("a piece of the stream is no chat chunk") from wrong
        return text

    def _choice(self, choice: Mapping[str, Any]) -> str:
        delta = choice.get("delta") or {}
        if choice.get("finish_reason"):
            self._reason = choice["finish_reason"]
        if delta.get("tool_calls"):
            self._deltas(delta["tool_calls"])
        if delta.get("refusal"):
            self._refusal.append(delta["refusal"])
        text = delta.get("content")
        if not text:
            return ""
        if not isinstance(text, str):
            text = m.text_in(text)
        self._text.append(text)
        return str(text)

    def _deltas(self, deltas: Iterable[Mapping[str, Any]]) -> None:
        for place, delta in enumerate(deltas):
            key, _ = self._places.place(delta, place)
            call = self._calls.setdefault(key, {"id": "", "name": "", "arguments": ""})
            function = delta.get("function") or {}
            call["id"] = call["id"] or delta.get("id") or ""
            call["name"] = function.get("name") or call["name"]
            arguments = function.get("arguments")
            if arguments:
                call["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def _about(self, chunk: Mapping[str, Any]) -> None:
        fault = fault_in(chunk)
        if fault:
            raise FaultError(fault)
        told = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        self._usage = told or self._usage
        self._model = chunk.get("model") or self._model
        self._tier = chunk.get("service_tier") or self._tier

    def completion(self) -> Completion:
        """The whole answer so far."""
        calls = tuple(
            ToolCall(id=call["id"], name=call["name"], arguments=arguments, arguments_text=text)
            for call in self._calls.values()
            for arguments, text in (m.arguments_in(call["arguments"]),)
        )
        return Completion(
            content="".join(self._text) or "".join(self._refusal),
            tool_calls=calls,
            finish_reason=finish(self._reason, refused=bool(self._refusal), calls=bool(calls)),
            usage=usage(self._usage, self._tier),
            model=self._model,
        )
