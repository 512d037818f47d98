"""The computer's own time."""

import time
from datetime import UTC, date, datetime


class SystemClock:
    """The ``Clock`` of every day; tests pass ``SteppingClock`` instead."""

    # Monotonic: a change of the computer's clock does not disturb a deadline. The function itself, since every call
    # of a model asks it many times.
    now = staticmethod(time.monotonic)

    def today(self) -> date:
        """The date in UTC."""
        return self.utcnow().date()

    def utcnow(self) -> datetime:
        """The aware moment in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass; other tasks go on."""
        import asyncio  # most of what our import would cost, and only a coroutine needs it

        await asyncio.sleep(seconds)
