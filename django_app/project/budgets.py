"""The budgets of the admin, kept by the gateway without its calls ever waiting for the database."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from logging import getLogger
from typing import Final

from django.db import DatabaseError

from creative_services.core.budgets import Budget, BudgetStore
from creative_services.core.errors import CreativeServicesError
from creative_services.server.life import Part
from django_app.llms.usage.budgets import DjangoBudgets

_LOOK_SECONDS: Final = 1.0

_log = getLogger("creative_services.site")


class SiteBudgets:
    """Spending is counted where keys' own budgets are, in memory or in Redis; the limits come from the admin.

    They are read once a second. While the database is away they stay as they were last seen. ``spent`` is what a store
    that forgets with its process begins with.
    """

    def __init__(self, store: BudgetStore, *, spent: Mapping[str, Decimal] | None = None) -> None:
        self._store = store
        self._spent = spent or {}
        self._admin = DjangoBudgets()
        self._limits: Sequence[Budget] = ()
        self._following: asyncio.Task[None] | None = None
        self._troubled = False

    async def in_force(self) -> Sequence[Budget]:
        """The active budgets of the admin."""
        return self._limits

    async def reserve(self, account: str, amount: Decimal, limit: Decimal) -> Decimal | None:
        """Set ``amount`` aside unless that would pass ``limit``: None when done, else what is left."""
        return await self._store.reserve(account, amount, limit)

    async def settle(self, account: str, reserved: Decimal, actual: Decimal) -> None:
        """Replace what was reserved by what was spent."""
        await self._store.settle(account, reserved, actual)

    async def start(self) -> None:
        """Read them once, then again and again."""
        if isinstance(self._store, Part):
            await self._store.start()
        for account, spent in self._spent.items():
            await self._store.settle(account, Decimal(0), spent)
        await self._look()
        self._following = asyncio.get_running_loop().create_task(self._follow())

    async def stop(self) -> None:
        """Read no more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if isinstance(self._store, Part):
            await self._store.stop()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        try:
            self._limits = await self._admin.in_force()
        except (CreativeServicesError, DatabaseError) as error:
            if not self._troubled:
                _log.warning("The budgets cannot be read, those known last stay in force: %s", error)
            self._troubled = True
        else:
            self._troubled = False
