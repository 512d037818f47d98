"""What goes to a model and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage

if TYPE_CHECKING:
    from creative_services.core.errors import CreativeServicesError

# OpenAI's chat shape is the lingua franca: {"role": ..., "content": text or parts}. Providers translate from it.
Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a model, in no vendor's dialect. None means: not said by the caller."""

    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    schema: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to call a tool; ``arguments`` is parsed, ``arguments_text`` is what the model wrote."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    arguments_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A provider's whole answer, before the client adds who, how much and how long."""

    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str = ""
    request_id: str | None = None
    raw: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """A provider's vectors, one per text and in its order."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None = None
    model: str = ""
    request_id: str | None = None
    raw: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of one entry: who, how long, what it used, and why it failed if it did."""

    llm: LLMEntry
    seconds: float
    started: float = 0.0  # seconds after the call began
    error: "CreativeServicesError | None" = None
    usage: Usage | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMResponse:
    """The answer with its account: which entry gave it, what it used, what it cost, who else was tried."""

    content: str
    llm: LLMEntry
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    latency: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    parsed: Any = None
    model: str = ""
    request_id: str | None = None
    raw: Any = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingResponse:
    """Vectors with their account."""

    vectors: tuple[tuple[float, ...], ...] = field(repr=False)
    llm: LLMEntry
    usage: Usage | None = None
    cost: Decimal | None = None
    latency: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    raw: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Piece:
    """A bit of a streamed answer. The last one has no text but the whole ``response``, with usage and cost."""

    text: str = ""
    response: LLMResponse | None = None

    @property
    def usage(self) -> Usage | None:
        """Tokens of the whole answer, on the last piece."""
        return self.response.usage if self.response else None

    @property
    def cost(self) -> Decimal | None:
        """Cost of the whole answer, on the last piece."""
        return self.response.cost if self.response else None

    def __str__(self) -> str:
        return self.text
