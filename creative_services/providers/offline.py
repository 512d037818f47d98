"""A provider without a network: for demos, first steps and tests. It says plainly that it is one."""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from creative_services.core.completions import Completion, Embeddings, Message, Piece, Request
from creative_services.core.errors import BadRequestError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage
from creative_services.wire.instances import smallest_instance
from creative_services.wire.messages import text_in

NOTICE: Final = "[offline demo]"
_CHARACTERS_PER_TOKEN: Final = 4  # English, roughly; the usage says that it is estimated
_DIMENSIONS: Final = 16


class OfflineProvider:
    """Echoes the last message; with a schema it gives the smallest instance that fits."""

    __slots__ = ()

    async def generate(self, entry: LLMEntry, request: Request) -> Completion:
        """The whole answer."""
        return _answer(entry, request)

    async def stream(self, entry: LLMEntry, request: Request) -> AsyncIterator[Piece | Completion]:
        """Word by word, and the whole ``Completion`` as the last item."""
        answer = _answer(entry, request)
        for word in re.findall(r"\s*\S+|\s+$", answer.content):
            yield Piece(word)
        yield answer

    async def embed(self, entry: LLMEntry, texts: Sequence[str]) -> Embeddings:
        """Vectors that are the same for the same text, and mean nothing."""
        usage = Usage(input_tokens=sum(map(_tokens, texts)), estimated=True)
        return Embeddings(vectors=tuple(map(_vector, texts)), usage=usage, model=entry.model)

    async def models(self, entry: LLMEntry) -> tuple[str, ...]:
        """Any name is served."""
        return (entry.model,)

    async def aclose(self) -> None:
        """Nothing is open."""


def _answer(entry: LLMEntry, request: Request) -> Completion:
    try:
        content, reason = _content(request), "stop"
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise BadRequestError(f"the request cannot be read: {error}", llm=entry) from error
    limit = entry.max_tokens if request.max_tokens is None else request.max_tokens
    if request.schema is None and _tokens(content) > limit:
        content, reason = content[: limit * _CHARACTERS_PER_TOKEN], "length"
    asked = "".join(text_in(message.get("content")) for message in request.messages)
    usage = Usage(input_tokens=_tokens(asked), output_tokens=_tokens(content), estimated=True)
    return Completion(content=content, finish_reason=reason, usage=usage, model=entry.model)


def _content(request: Request) -> str:
    if request.schema is not None:
        return json.dumps(smallest_instance(request.schema))
    last: Message | Mapping[str, Any] = request.messages[-1] if request.messages else {}
    return f"{NOTICE} You said: {text_in(last.get('content'))}"


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def _vector(text: str) -> tuple[float, ...]:
    digest = hashlib.sha256(text.encode()).digest()
    raw = [byte / 127.5 - 1.0 for byte in digest[:_DIMENSIONS]]
    length = sum(each * each for each in raw) ** 0.5
    return tuple(each / length for each in raw)
