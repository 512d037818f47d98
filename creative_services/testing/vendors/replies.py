"""What a scripted vendor says: text, tool calls, tokens, and how it is cut and timed."""

import json as json_module
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Token counts in one meaning for every vendor; each shape translates them to its own.

    `input` is the whole prompt, cached tokens included; `output` includes reasoning.
    """

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    def __post_init__(self) -> None:
        if self.cache_read + self.cache_write > self.input:
            raise ValueError("Tokens: `input` counts the whole prompt, so it cannot be less than what was cached.")
        if self.reasoning > self.output:
            raise ValueError("Tokens: `output` includes reasoning, so it cannot be less than `reasoning`.")

    @property
    def uncached(self) -> int:
        """Prompt tokens neither read from a cache nor written to one."""
        return self.input - self.cache_read - self.cache_write

    @property
    def total(self) -> int:
        """All tokens of the call."""
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model asks for; without an `id` each vendor's own kind of id is made."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None

    @property
    def arguments_json(self) -> str:
        """The arguments as a model writes them."""
        return json_module.dumps(dict(self.arguments))


# eq=False: a reply may hold dicts, so it is told apart by identity and stays hashable.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reply:
    """One good answer. Whatever is left out is filled in plausibly for the request at hand.

    `finish_reason` is given in OpenAI's words (stop, length, tool_calls, content_filter) and translated.
    `chunks` cuts the text of a stream: a number of pieces, or the pieces themselves; words by default.
    """

    text: str | None = None
    json: Any = None
    tool_calls: Sequence[ToolCall] = ()
    finish_reason: str | None = None
    usage: Tokens | None = None
    chunks: int | Sequence[str] | None = None
    delay: float = 0.0
    gap: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.text is not None and self.json is not None:
            raise ValueError("Reply: give `text` or `json`, not both.")
        if isinstance(self.chunks, int) and self.chunks < 1:
            raise ValueError("Reply: `chunks` must be at least 1.")
        given = self.text if self.json is None else json_module.dumps(self.json)
        if given is not None and not isinstance(self.chunks, int | None) and "".join(self.chunks) != given:
            raise ValueError("Reply: the `chunks` do not add up to the text.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A reply made complete for one request: what a shape puts into its vendor's words."""

    text: str
    cut_into: int | Sequence[str] | None
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    tokens: Tokens

    @property
    def chunks(self) -> tuple[str, ...]:
        """The pieces of the text, for a stream."""
        return cut(self.text, self.cut_into)


def speak(reply: Reply, *, model: str, prompt_tokens: int) -> Spoken:
    """Fill in what the reply leaves open."""
    text = _text(reply, model)
    calls = tuple(reply.tool_calls)
    written = text + "".join(call.arguments_json for call in calls)
    return Spoken(
        text=text,
        cut_into=reply.chunks,
        tool_calls=calls,
        finish_reason=reply.finish_reason or ("tool_calls" if calls else "stop"),
        tokens=reply.usage or Tokens(input=prompt_tokens, output=count_tokens(len(written))),
    )


def _text(reply: Reply, model: str) -> str:
    if reply.text is not None:
        return reply.text
    if reply.json is not None:
        return json_module.dumps(reply.json)
    if reply.chunks is not None and not isinstance(reply.chunks, int):
        return "".join(reply.chunks)
    return "" if reply.tool_calls else f"Hello from {model}."


def cut(text: str, chunks: int | Sequence[str] | None) -> tuple[str, ...]:
    """The pieces a stream sends; together they are the text, and none of them is empty."""
    if not text:
        return ()
    if chunks is None:
        return tuple(re.findall(r"\s*\S+|\s+$", text))
    if isinstance(chunks, int):
        marks = [len(text) * place // chunks for place in range(chunks + 1)]
        return tuple(text[start:end] for start, end in pairwise(marks) if end > start)
    return tuple(chunk for chunk in chunks if chunk)


def count_tokens(characters: int) -> int:
    """A plausible token count: English runs at about four characters to the token."""
    return max(1, characters // 4)
