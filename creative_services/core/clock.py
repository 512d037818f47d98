"""Time as something handed in, so that tests can choose it."""

from datetime import date, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits; ``SteppingClock`` in ``creative_services.testing`` does both at once."""

    def now(self) -> float:
        """Monotonic seconds, for durations and deadlines."""
        ...

    def today(self) -> date:
        """The date in UTC, for retirement dates."""
        ...

    def utcnow(self) -> datetime:
        """The aware moment in UTC, for budgets and records."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        ...
