"""What every try used and cost: the last ones row by row, all of them in sums."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from threading import Lock
from typing import Any, Final, Literal

from creative_services.core.events import Attempted
from creative_services.core.usage import Usage
from creative_services.telemetry.outcomes import OK, outcome

By = Literal["tier", "entry", "user", "day"]
OTHERS: Final = "(others)"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One try: when, for whom, of which entry, how it ended, what it used and cost, and by whose prices."""

    at: datetime
    call_id: str
    attempt: int
    operation: str
    tier: str
    llm_id: int
    entry: str
    provider: str
    model: str
    user_id: str | None
    seconds: float
    outcome: str
    usage: Usage | None
    cost: Decimal | None
    price_source: str

    @classmethod
    def of(cls, event: Attempted) -> "UsageRow":
        """The row of an event."""
        call, attempt, llm = event.call, event.attempt, event.attempt.llm
        return cls(
            at=event.ended_at,
            call_id=call.id,
            attempt=event.number,
            operation=call.operation,
            tier=llm.tier.value,
            llm_id=llm.id,
            entry=llm.name,
            provider=llm.provider,
            model=llm.model,
            user_id=call.user_id,
            seconds=attempt.seconds,
            outcome=outcome(attempt.error),
            usage=attempt.usage,
            cost=attempt.cost,
            price_source=llm.pricing.source,
        )

    def record(self) -> dict[str, Any]:
        """The row as plain data; money and time are text, so that no digit is lost."""
        return {
            **asdict(self),
            "at": self.at.isoformat(),
            "cost": None if self.cost is None else f"{self.cost:f}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum of rows. ``unpriced`` counts tries that used tokens at an unknown price: ``cost`` leaves them out."""

    attempts: int = 0
    failed: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: Decimal = Decimal(0)
    unpriced: int = 0

    def plus(self, row: UsageRow) -> "Total":
        """With one more row."""
        return Total(
            attempts=self.attempts + 1,
            failed=self.failed + (row.outcome != OK),
            usage=self.usage + row.usage if row.usage else self.usage,
            cost=self.cost + (row.cost or 0),
            unpriced=self.unpriced + (row.usage is not None and row.cost is None),
        )


_KEYS: Final[dict[str, Callable[[UsageRow], str]]] = {
    "tier": lambda row: row.tier,
    "entry": lambda row: f"{row.llm_id} {row.entry}",
    "user": lambda row: row.user_id or "anonymous",
    "day": lambda row: row.at.date().isoformat(),
}


class UsageLedger:
    """Rows and sums in bounded memory: the oldest rows are forgotten, surplus names are summed up as "(others)"."""

    def __init__(self, *, keep: int = 10_000, names: int = 10_000) -> None:
        self._lock = Lock()
        self._rows: deque[UsageRow] = deque(maxlen=keep)
        self._names = names
        self._sums: dict[str, dict[str, Total]] = {by: {} for by in _KEYS}
        self._total = Total()

    def add(self, row: UsageRow) -> None:
        """Enter one row."""
        with self._lock:
            self._rows.append(row)
            self._total = self._total.plus(row)
            for by, key_of in _KEYS.items():
                self._sum_up(self._sums[by], key_of(row), row)

    def _sum_up(self, sums: dict[str, Total], key: str, row: UsageRow) -> None:
        if key not in sums and len(sums) >= self._names:
            key = OTHERS
        sums[key] = sums.get(key, Total()).plus(row)

    def rows(self) -> tuple[UsageRow, ...]:
        """The last rows, oldest first."""
        with self._lock:
            return tuple(self._rows)

    def totals(self, by: By) -> dict[str, Total]:
        """The sums per tier, entry, user or day."""
        if by not in _KEYS:
            raise ValueError(f"Totals are kept by {', '.join(_KEYS)}; got by={by!r}.")
        with self._lock:
            return dict(self._sums[by])

    @property
    def total(self) -> Total:
        """The sum of everything."""
        return self._total
