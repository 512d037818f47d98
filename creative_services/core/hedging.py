"""When an answer is late, a second one is asked of somebody else: how late is late, and how often that may happen.

Waiting for the slowest twentieth of answers, and only then asking twice, costs a twentieth more calls at most and takes
the worst of the tail away. Only for calls that may run twice: whoever turns this on says so.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from creative_services.core.retries import RetryBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgingRules:
    """The numbers."""

    quantile: float = 0.95  # an answer that takes longer than this share of the last ones is late
    remembered: int = 200  # answers; what was normal an hour ago is forgotten
    enough: int = 20  # before so many nobody knows what is late
    least: float = 0.005  # seconds; below this a second call costs more than it can win
    share: float = 0.05  # of the calls may be hedged
    saved: float = 5.0  # hedges that a quiet time saves up for a bad moment


RULES: Final = HedgingRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """One call that was asked twice: who was late, who was asked as well, whose answer came first, what was in vain."""

    late: str
    second: str
    winner: str | None  # None when both failed
    waited: float  # seconds until the second one was asked
    wasted: float  # seconds that the loser had worked when it was cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """What was learned of one kind of call, and what is left to spend."""

    rules: HedgingRules = RULES
    answers: tuple[float, ...] = ()
    budget: RetryBudget = field(default_factory=RetryBudget)

    @classmethod
    def by(cls, rules: HedgingRules) -> "Hedging":
        """Nothing learned and nothing earned yet: the share holds from the first call on."""
        return cls(rules=rules, budget=RetryBudget(tokens=0.0, most=rules.saved, per_call=rules.share))

    def called(self) -> "Hedging":
        """After a first try."""
        return replace(self, budget=self.budget.earned())

    def answered(self, seconds: float) -> "Hedging":
        """After a good answer."""
        return replace(self, answers=(*self.answers[1 - self.rules.remembered :], seconds))

    def late_after(self) -> float | None:
        """Seconds without an answer after which a call is late; None while nobody knows."""
        count = len(self.answers)
        if count < self.rules.enough:
            return None
        return max(self.rules.least, sorted(self.answers)[min(count - 1, int(count * self.rules.quantile))])

    def spent(self, retries: RetryBudget) -> "Hedging | None":
        """After a hedge; None when none may be sent. While many calls are being repeated, nobody hurries others."""
        if retries.tokens < retries.most / 2:
            return None
        left = self.budget.spent()
        return None if left is None else replace(self, budget=left)
