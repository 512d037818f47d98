"""Money per day and month, leased. Without Redis nothing more is spent than was leased before."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import ROUND_CEILING, Decimal
from typing import Final

from creative_services.core.errors import StoreUnreachableError
from creative_services.server.shared.line import AwayError, Line
from creative_services.server.shared.scripts import MONEY

UNIT: Final = Decimal("1e-10")  # a cached token of a small model costs a hundred of these
_CALLS: Final = 50
_IDLE_SECONDS: Final = 1.0
# By the length of an account's window: an hour, a day, a month. Remembered a little longer than they last.
_REMEMBERED: Final = {13: 2 * 3600, 10: 2 * 86_400, 7: 35 * 86_400}


def units(amount: Decimal, *, up: bool = False) -> int:
    """An amount in units; what is set aside is rounded up."""
    scaled = amount / UNIT
    return int(scaled.to_integral_value(rounding=ROUND_CEILING) if up else scaled.to_integral_value())


class Purse:
    """What this worker may still spend of one account; below 0, what it spent beyond."""

    __slots__ = ("left", "limit", "lock", "used_at")

    def __init__(self) -> None:
        self.left = 0
        self.limit = 0
        self.used_at = 0.0
        self.lock = asyncio.Lock()


class SharedBudgets:
    """A ``BudgetStore`` for all workers together."""

    __slots__ = ("_line", "_now", "_purses", "_sweeper")

    def __init__(self, line: Line, *, now: Callable[[], float]) -> None:
        self._line = line
        self._now = now
        self._purses: dict[str, Purse] = {}
        self._sweeper: asyncio.Task[None] | None = None

    async def reserve(self, account: str, amount: Decimal, limit: Decimal) -> Decimal | None:
        """Set ``amount`` aside unless that would pass ``limit``: None when done, else what is left."""
        purse, wanted = self._purse(account, limit), units(amount, up=True)
        purse.used_at = self._now()
        if purse.left >= wanted:
            purse.left -= wanted
            return None
        async with purse.lock:
            if purse.left < wanted:
                left = await self._lease(account, purse, wanted)
                if purse.left < wanted:
                    return (left + purse.left) * UNIT
            purse.left -= wanted
            return None

    async def _lease(self, account: str, purse: Purse, wanted: int) -> int:
        """Take a part of what is left of the account; what is left after that."""
        least = wanted - purse.left
        try:
            granted, left = await self._line.run(
                MONEY, _name(account), purse.limit, least, wanted * _CALLS, 0, _remembered(account)
            )
        except AwayError:
            raise StoreUnreachableError(
                "Budgets are kept in Redis, which cannot be reached, so nothing more is spent. Try again soon."
            ) from None
        purse.left += int(granted)
        return int(left)

    async def settle(self, account: str, reserved: Decimal, actual: Decimal) -> None:
        """Replace what was reserved by what was spent."""
        purse = self._purses.setdefault(account, Purse())
        purse.left += units(reserved, up=True) - units(actual)
        purse.used_at = self._now()

    def _purse(self, account: str, limit: Decimal) -> Purse:
        purse = self._purses.get(account)
        if purse is None:
            purse = self._purses[account] = Purse()
        purse.limit = units(limit)
        return purse

    async def start(self) -> None:
        """Begin to give back what is not spent."""
        await self._line.start()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_IDLE_SECONDS / 2)
            await self._give_back(self._now() - _IDLE_SECONDS)

    async def _give_back(self, idle_since: float) -> None:
        for account, purse in list(self._purses.items()):
            if purse.used_at > idle_since:
                continue
            back, purse.left = purse.left, 0
            try:
                if back:
                    await self._line.run(MONEY, _name(account), purse.limit, 0, 0, back, _remembered(account))
            except AwayError:
                purse.left += back
                continue
            # A window that is over is never asked for again.
            if not purse.left and purse.used_at <= idle_since:
                self._purses.pop(account, None)

    async def stop(self) -> None:
        """Give everything back."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        await self._give_back(self._now())
        await self._line.stop()


def _name(account: str) -> str:
    return f"creative_services:spent:{account}"


def _remembered(account: str) -> int:
    return _REMEMBERED.get(len(account.rpartition(":")[2]), 0)
