"""How long to pause before asking the same entry again, and how often that may happen at all."""

from dataclasses import dataclass, replace


def full_jitter(attempt: int, chance: float, *, base: float = 0.5, longest: float = 8.0) -> float:
    """A pause drawn from 0 to an exponentially growing bound, so that callers who failed together return apart."""
    return min(longest, base * 2.0 ** min(attempt, 16)) * chance


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudget:
    """Retries earned by calls: a fifth of the traffic and a small reserve, so that an outage is not doubled by us."""

    tokens: float = 10.0
    most: float = 10.0
    per_call: float = 0.2

    def earned(self) -> "RetryBudget":
        """After a first try."""
        return self if self.tokens >= self.most else replace(self, tokens=min(self.most, self.tokens + self.per_call))

    def spent(self) -> "RetryBudget | None":
        """After a retry; None when there is none left to spend."""
        return replace(self, tokens=self.tokens - 1.0) if self.tokens >= 1.0 else None
