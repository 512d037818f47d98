"""Time that passes only when a test says so."""

import asyncio
from datetime import UTC, date, datetime, timedelta


class SteppingClock:
    """A ``Clock`` on which an hour's sleep takes no time: the next sleeper to wake moves it forward."""

    def __init__(self, at: datetime | date | None = None) -> None:
        self._start = _moment(at)
        self._passed = 0.0
        self._wakings: list[float] = []

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self._passed

    def today(self) -> date:
        """The date in UTC."""
        return self.utcnow().date()

    def utcnow(self) -> datetime:
        """The aware moment in UTC."""
        return self._start + timedelta(seconds=self._passed)

    def advance(self, seconds: float = 0.0, *, days: float = 0.0) -> None:
        """Let time pass at once."""
        if seconds < 0 or days < 0:
            raise ValueError("Time does not run backwards: advance() takes no negative numbers.")
        self._passed += seconds + days * 86_400

    async def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed, which happens as soon as no other sleeper wakes earlier."""
        waking = self._passed + max(0.0, seconds)
        self._wakings.append(waking)
        try:
            await asyncio.sleep(0)
            # Others due before us go first, also those that go to sleep again, as they would on a real clock.
            while waking > min(self._wakings):  # noqa: ASYNC110 - there is no event to wait for: everyone only yields
                await asyncio.sleep(0)
            self._passed = max(self._passed, waking)
        finally:
            self._wakings.remove(waking)


def _moment(at: datetime | date | None) -> datetime:
    if at is None:
        return datetime(2030, 1, 1, tzinfo=UTC)
    if isinstance(at, datetime):
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return datetime(at.year, at.month, at.day, tzinfo=UTC)
