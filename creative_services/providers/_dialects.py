"""The dialects of ``wire`` as the chat provider wants them: paths, words and pieces in one object."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from creative_services.core.completions import Completion, Embeddings, Request
from creative_services.core.llm_registry import LLMEntry
from creative_services.wire import anthropic_messages, embeddings, model_lists, ollama_chat, openai_chat
from creative_services.wire.sse import EventDecoder, NDJSONDecoder

_NOTHING: Final[frozenset[str]] = frozenset()


class Assembler(Protocol):
    """Puts a stream together."""

    @property
    def finished(self) -> bool:
        """Whether the vendor has said that it is complete."""
        ...

    def feed(self, document: Any, /) -> str:
        """The text it adds."""
        ...

    def completion(self) -> Completion:
        """The whole answer so far."""
        ...


class Decoder(Protocol):
    """Cuts a stream's bytes into JSON documents."""

    def feed(self, data: bytes, /) -> list[bytes]:
        """The documents that ``data`` completes."""
        ...


class Dialect(Protocol):
    """How a vendor speaks."""

    musts: ClassVar[frozenset[str]]
    path: str
    models_path: str

    def body(self, entry: LLMEntry, request: Request, *, stream: bool, without: frozenset[str]) -> Mapping[str, Any]:
        """What to post."""
        ...

    def completion(self, answer: Any) -> Completion:
        """The answer as our noun."""
        ...

    def assembler(self) -> Assembler:
        """For one stream."""
        ...

    def decoder(self) -> Decoder:
        """For one stream."""
        ...

    def models(self, answer: Any) -> tuple[str, ...]:
        """The names in a list of models."""
        ...


class EmbeddingDialect(Dialect, Protocol):
    """How a vendor speaks that makes vectors too."""

    embedding_path: str

    def embedding_body(self, entry: LLMEntry, texts: Sequence[str]) -> Mapping[str, Any]:
        """What to post."""
        ...

    def embeddings(self, answer: Any, wanted: int) -> Embeddings:
        """One vector per text, in order."""
        ...


class _Events:
    """Server-sent events as bare documents."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events = EventDecoder()

    def feed(self, data: bytes) -> list[bytes]:
        return [event.data for event in self._events.feed(data)]


class OpenAIShaped:
    """OpenAI's chat dialect at some prefix."""

    __slots__ = ("_words", "embedding_path", "models_path", "path")

    musts: ClassVar[frozenset[str]] = _NOTHING

    def __init__(self, words: openai_chat.Dialect, prefix: str = "") -> None:
        self._words = words
        self.path = f"{prefix}/chat/completions"
        self.models_path = f"{prefix}/models"
        self.embedding_path = f"{prefix}/embeddings"

    def words_for(self, entry: LLMEntry) -> openai_chat.Dialect:
        """The variant this entry's model speaks."""
        return self._words

    def body(self, entry: LLMEntry, request: Request, *, stream: bool, without: frozenset[str]) -> Mapping[str, Any]:
        """What to post."""
        return openai_chat.body(entry, request, self.words_for(entry), stream=stream, without=without)

    def completion(self, answer: Any) -> Completion:
        """The answer as our noun."""
        return openai_chat.completion(answer)

    def assembler(self) -> Assembler:
        """For one stream."""
        return openai_chat.Assembler()

    def decoder(self) -> Decoder:
        """For one stream."""
        return _Events()

    def models(self, answer: Any) -> tuple[str, ...]:
        """The names in a list of models."""
        return model_lists.openai(answer)

    def embedding_body(self, entry: LLMEntry, texts: Sequence[str]) -> Mapping[str, Any]:
        """What to post."""
        return embeddings.openai_body(entry, texts)

    def embeddings(self, answer: Any, wanted: int) -> Embeddings:
        """One vector per text, in order."""
        return embeddings.openai_vectors(answer, wanted)


class AnthropicShaped:
    """Anthropic's messages dialect."""

    __slots__ = ()

    musts: ClassVar[frozenset[str]] = frozenset({"max_tokens"})
    path = "/v1/messages"
    models_path = "/v1/models?limit=1000"

    def body(self, entry: LLMEntry, request: Request, *, stream: bool, without: frozenset[str]) -> Mapping[str, Any]:
        """What to post."""
        return anthropic_messages.body(entry, request, stream=stream, without=without)

    def completion(self, answer: Any) -> Completion:
        """The answer as our noun."""
        return anthropic_messages.completion(answer)

    def assembler(self) -> Assembler:
        """For one stream."""
        return anthropic_messages.Assembler()

    def decoder(self) -> Decoder:
        """For one stream."""
        return _Events()

    def models(self, answer: Any) -> tuple[str, ...]:
        """The names in a list of models."""
        return model_lists.openai(answer)


class OllamaShaped:
    """Ollama's own chat dialect."""

    __slots__ = ()

    musts: ClassVar[frozenset[str]] = _NOTHING
    path = "/api/chat"
    models_path = "/api/tags"
    embedding_path = "/api/embed"

    def body(self, entry: LLMEntry, request: Request, *, stream: bool, without: frozenset[str]) -> Mapping[str, Any]:
        """What to post."""
        return ollama_chat.body(entry, request, stream=stream, without=without)

    def completion(self, answer: Any) -> Completion:
        """The answer as our noun."""
        return ollama_chat.completion(answer)

    def assembler(self) -> Assembler:
        """For one stream."""
        return ollama_chat.Assembler()

    def decoder(self) -> Decoder:
        """For one stream."""
        return NDJSONDecoder()

    def models(self, answer: Any) -> tuple[str, ...]:
        """The names in a list of models."""
        return model_lists.ollama(answer)

    def embedding_body(self, entry: LLMEntry, texts: Sequence[str]) -> Mapping[str, Any]:
        """What to post."""
        return embeddings.ollama_body(entry, texts)

    def embeddings(self, answer: Any, wanted: int) -> Embeddings:
        """One vector per text, in order."""
        return embeddings.ollama_vectors(answer, wanted)
