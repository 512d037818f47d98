"""What happened, told once and frozen, to whoever listens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from creative_services.core.completions import Attempt, EmbeddingResponse, LLMResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a user of ours: what was wished for, for whom."""

    id: str
    operation: str  # "chat" or "embeddings"
    tier: str | None = None
    llm_id: int | None = None
    user_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    streamed: bool = False
    max_tokens: int | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One entry was asked; ``attempt.error`` says whether it failed."""

    call: Call
    number: int
    attempt: Attempt
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The call is over: with a response, or with the error the caller saw."""

    call: Call
    ended_at: datetime
    seconds: float
    attempts: tuple[Attempt, ...] = ()
    response: LLMResponse | EmbeddingResponse | None = None
    error: BaseException | None = None


Event = Attempted | Answered


class Listener(Protocol):
    """Hears every event. It must not block; what it raises is logged and never reaches the caller."""

    def __call__(self, event: Event, /) -> None: ...
