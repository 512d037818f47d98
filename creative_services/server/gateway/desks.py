"""What calls share, key by key: the same registry, breakers and retries for all, and each key's own budgets."""

from dataclasses import replace
from decimal import Decimal

from creative_services.core.access import KeyRecord
from creative_services.core.budgets import Budget, BudgetStore
from creative_services.core.llm_registry import LLMEntry
from creative_services.llms.accounts import Accounts
from creative_services.llms.desk import Desk
from creative_services.llms.shelf import Shelf
from creative_services.server.upstream.doors import SPEECHES


class Desks:
    """Gives each key its desk."""

    __slots__ = ("_budgets", "_common", "_known", "_store")

    def __init__(self, common: Desk, *, budgets: tuple[Budget, ...], store: BudgetStore) -> None:
        self._common = common
        self._budgets = budgets
        self._store = store
        self._known: dict[str, tuple[KeyRecord, Desk]] = {}

    @property
    def common(self) -> Desk:
        """What keys without budgets of their own use."""
        return self._common

    def of(self, key: KeyRecord) -> Desk:
        """The desk of a key; a new one when the key was edited."""
        if key.budget_per_day is None and key.budget_per_month is None:
            return self._common
        known = self._known.get(key.account)
        if known is None or known[0] is not key:
            accounts = Accounts((*self._budgets, *budgets_of(key)), self._store)
            known = self._known[key.account] = (key, replace(self._common, accounts=accounts))
        return known[1]


def budgets_of(key: KeyRecord) -> tuple[Budget, ...]:
    """The key's budgets; its account is the user they are counted for."""
    budgets = []
    if key.budget_per_day is not None:
        budgets.append(Budget(limit=key.budget_per_day, per="day", scope="user"))
    if key.budget_per_month is not None:
        budgets.append(Budget(limit=key.budget_per_month, per="month", scope="user"))
    return tuple(budgets)


class ShareOfBudgets:
    """One worker's part of every budget, where nothing connects the workers: together they never pass the limit."""

    __slots__ = ("_store", "_workers")

    def __init__(self, store: BudgetStore, workers: int) -> None:
        self._store = store
        self._workers = workers

    async def reserve(self, account: str, amount: Decimal, limit: Decimal) -> Decimal | None:
        """Set ``amount`` aside unless that would pass this worker's part of ``limit``."""
        return await self._store.reserve(account, amount, limit / self._workers)

    async def settle(self, account: str, reserved: Decimal, actual: Decimal) -> None:
        """Replace what was reserved by what was spent."""
        await self._store.settle(account, reserved, actual)


class SparingShelf(Shelf):
    """Loads no vendor's SDK for entries that the gateway reaches itself."""

    __slots__ = ()

    def has(self, entry: LLMEntry) -> bool:
        """Whether nothing needs to be loaded before ``entry`` is asked."""
        return entry.provider in SPEECHES or super().has(entry)
