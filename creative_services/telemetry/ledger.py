"""What every try used and cost: the last ones row by row, all of them in sums."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
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
        told = {name: getattr(self, name) for name in _FIELDS}
        told["at"] = self.at.isoformat()
        told["usage"] = asdict(self.usage) if self.usage else None
        told["cost"] = None if self.cost is None else f"{self.cost:f}"
        return told


_FIELDS: Final = tuple(field.name for field in fields(UsageRow))


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum of rows. ``unpriced`` counts tries that used tokens at an unknown price: ``cost`` leaves them out."""

    attempts: int
    failed: int
    usage: Usage
    cost: Decimal
    unpriced: int


class _Sum:
    """A sum in the making. It changes in place: a frozen one per row would cost more than the rest of the ledger."""

    __slots__ = (
        "attempts",
        "cached",
        "cost",
        "estimated",
        "failed",
        "input",
        "output",
        "reasoning",
        "unpriced",
        "written",
    )

    def __init__(self) -> None:
        self.attempts = self.failed = self.unpriced = 0
        self.input = self.output = self.cached = self.written = self.reasoning = 0
        self.estimated = False
        self.cost = Decimal(0)

    def add(self, row: UsageRow) -> None:
        """One more row."""
        self.attempts += 1
        self.failed += row.outcome != OK
        if row.cost is not None:
            self.cost += row.cost
        if (usage := row.usage) is not None:
            self.unpriced += row.cost is None
            self.input += usage.input_tokens
            self.output += usage.output_tokens
            self.cached += usage.cached_tokens
            self.written += usage.cache_write_tokens
            self.reasoning += usage.reasoning_tokens
            self.estimated |= usage.estimated

    def total(self) -> Total:
        """The sum as it stands."""
        usage = Usage(
            input_tokens=self.input,
            output_tokens=self.output,
            cached_tokens=self.cached,
            cache_write_tokens=self.written,
            reasoning_tokens=self.reasoning,
            estimated=self.estimated,
        )
        return Total(attempts=self.attempts, failed=self.failed, usage=usage, cost=self.cost, unpriced=self.unpriced)


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
        self._sums: dict[str, dict[str, _Sum]] = {by: {} for by in _KEYS}
        self._total = _Sum()

    def add(self, row: UsageRow) -> None:
        """Enter one row."""
        with self._lock:
            self._rows.append(row)
            self._total.add(row)
            for by, key_of in _KEYS.items():
                self._sum_for(self._sums[by], key_of(row)).add(row)

    def _sum_for(self, sums: dict[str, _Sum], key: str) -> _Sum:
        known = sums.get(key)
        if known is None:
            known = sums.setdefault(key if len(sums) < self._names else OTHERS, _Sum())
        return known

    def rows(self) -> tuple[UsageRow, ...]:
        """The last rows, oldest first."""
        with self._lock:
            return tuple(self._rows)

    def totals(self, by: By) -> dict[str, Total]:
        """The sums per tier, entry, user or day."""
        if by not in _KEYS:
            raise ValueError(f"Totals are kept by {', '.join(_KEYS)}; got by={by!r}.")
        with self._lock:
            return {key: each.total() for key, each in self._sums[by].items()}

    @property
    def total(self) -> Total:
        """The sum of everything."""
        with self._lock:
            return self._total.total()
