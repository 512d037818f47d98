"""What metrics are made of: sums by few, closed labels, and a histogram of seconds."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from creative_services.core.usage import Usage

Labels = tuple[str, ...]

# From a cached embedding to a long reasoning answer.
SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
KINDS: Final = ("input", "output", "cached", "cache_write", "reasoning")
# More than this many combinations of labels come from a mistake, not from a registry.
_MOST: Final = 500
_OTHERS: Final = "other"


class Tally:
    """The sums of one combination of labels."""

    __slots__ = ("buckets", "calls", "cost", "seconds", "tokens")

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0
        self.cost = Decimal(0)
        self.tokens = [0] * len(KINDS)
        self.buckets = [0] * (len(SECONDS) + 1)

    def add(self, other: "Tally") -> None:
        """These and those."""
        self.calls += other.calls
        self.seconds += other.seconds
        self.cost += other.cost
        self.tokens = [a + b for a, b in zip(self.tokens, other.tokens, strict=True)]
        self.buckets = [a + b for a, b in zip(self.buckets, other.buckets, strict=True)]


class Tallies:
    """All of one process, or of several together."""

    __slots__ = ("calls", "refused")

    def __init__(self) -> None:
        self.calls: dict[Labels, Tally] = {}
        self.refused: dict[str, int] = {}

    def call(self, labels: Labels, seconds: float, usage: Usage | None, cost: Decimal | None) -> None:
        """A call is over. Labels: surface, tier, provider, status."""
        tally = self.calls.get(labels) or self._tally(labels)
        tally.calls += 1
        tally.seconds += seconds
        tally.buckets[bisect_left(SECONDS, seconds)] += 1
        if cost is not None:
            tally.cost += cost
        if usage is not None:
            tokens = tally.tokens
            tokens[0] += usage.input_tokens
            tokens[1] += usage.output_tokens
            tokens[2] += usage.cached_tokens
            tokens[3] += usage.cache_write_tokens
            tokens[4] += usage.reasoning_tokens

    def _tally(self, labels: Labels) -> Tally:
        if len(self.calls) >= _MOST:
            labels = (_OTHERS,) * len(labels)
        return self.calls.setdefault(labels, Tally())

    def refusal(self, reason: str) -> None:
        """A request was refused before any entry was asked."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def merge(self, others: Iterable["Tallies"]) -> "Tallies":
        """A new one with these and those."""
        whole = Tallies()
        for each in (self, *others):
            for labels, tally in each.calls.items():
                whole._tally(labels).add(tally)
            for reason, count in each.refused.items():
                whole.refused[reason] = whole.refused.get(reason, 0) + count
        return whole

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        rows = [
            [labels, tally.calls, tally.seconds, str(tally.cost), tally.tokens, tally.buckets]
            for labels, tally in self.calls.items()
        ]
        return {"calls": rows, "refused": self.refused}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Tallies":
        """From what ``plain`` gave."""
        tallies = cls()
        for labels, calls, seconds, cost, tokens, buckets in plain["calls"]:
            tally = tallies.calls[tuple(labels)] = Tally()
            tally.calls, tally.seconds, tally.cost = calls, seconds, Decimal(cost)
            tally.tokens, tally.buckets = tokens, buckets
        tallies.refused.update(plain["refused"])
        return tallies
