"""What one call through the gateway used and cost, and who keeps such records for good."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from creative_services.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRecord:
    """One finished call. ``status`` is what the caller saw; 499 means the caller left before the end."""

    request_id: str
    at: datetime
    surface: str
    status: int
    key_id: str = ""
    owner: str = ""
    asked: str = ""
    tier: str = ""
    llm_id: int | None = None
    provider: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    cost: Decimal | None = None
    seconds: float = 0.0
    attempts: int = 0
    streamed: bool = False
    error: str = ""


R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[R]):
    """Records handed over together: the numbers ``first`` to ``last`` of a spool, without those nobody can read."""

    spool: str
    first: int
    last: int
    records: Sequence[R]


class Sink(Protocol[R]):
    """Keeps records for good. Between them the two methods make a hand-over exactly once, whatever dies when."""

    def last(self, spool: str) -> int:
        """The highest number stored from this spool; 0 when none is."""
        ...

    def store(self, batch: Batch[R]) -> None:
        """Store all records and, in the same transaction, ``batch.last`` as the spool's highest number; or nothing."""
        ...
