"""Budgets at work: money is set aside before a call and settled after it, so that callers at once cannot overspend."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from threading import Lock

from creative_services.core.budgets import Budget, BudgetStore, Reservation, SetsBudgets, worst_case
from creative_services.core.completions import Request
from creative_services.core.errors import BudgetExceededError, ConfigurationError
from creative_services.core.estimates import input_tokens
from creative_services.core.llm_registry import LLMEntry


class MemoryBudgets:
    """Spending by account, exact for every thread of this process and forgotten with it."""

    __slots__ = ("_lock", "_spent")

    def __init__(self) -> None:
        self._lock = Lock()
        self._spent: dict[str, Decimal] = {}

    async def reserve(self, account: str, amount: Decimal, limit: Decimal) -> Decimal | None:
        """Set ``amount`` aside unless that would pass ``limit``: None when done, else what is left."""
        with self._lock:
            left = limit - self._spent.get(account, Decimal(0))
            if amount > left:
                return left
            self._forget_past(account)
            self._spent[account] = limit - left + amount
            return None

    async def settle(self, account: str, reserved: Decimal, actual: Decimal) -> None:
        """Replace what was reserved by what was spent."""
        with self._lock:
            self._spent[account] = self._spent.get(account, Decimal(0)) + actual - reserved

    def spent(self, account: str) -> Decimal:
        """What the account has spent or set aside."""
        return self._spent.get(account, Decimal(0))

    def _forget_past(self, account: str) -> None:
        # A new window starts with a new name; without this, years of users and days would pile up.
        if account in self._spent or len(self._spent) < 10_000:
            return
        window = account.rpartition(":")[2]
        past = [name for name in self._spent if _is_past(name.rpartition(":")[2], window)]
        for name in past:
            del self._spent[name]


def _is_past(window: str, current: str) -> bool:
    # Windows of one kind have names of one length (2026-11, 2026-11-21, ...) that sort by time.
    return len(window) == len(current) and window < current


def _checked(budgets: Sequence[Budget]) -> tuple[Budget, ...]:
    given = tuple(budgets) if isinstance(budgets, Iterable) else None
    if given is None or not all(isinstance(budget, Budget) for budget in given):
        raise ConfigurationError(f"budgets= is a list such as [Budget(limit='5.00', per='day')]; got {budgets!r}.")
    return given


class Accounts:
    """The client's budgets over one store."""

    __slots__ = ("_budgets", "_setter", "_store")

    def __init__(self, budgets: Sequence[Budget], store: BudgetStore | None = None) -> None:
        self._budgets = _checked(budgets)
        self._store: BudgetStore = store or MemoryBudgets()
        self._setter = store if isinstance(store, SetsBudgets) else None

    def __bool__(self) -> bool:
        return bool(self._budgets or self._setter)

    async def reserve(
        self, entry: LLMEntry, request: Request, *, user: str | None, at: datetime
    ) -> tuple[Reservation, ...]:
        """Set the call's worst case aside in every budget, or refuse it and free what was set aside."""
        tier = entry.tier.value
        budgets = [budget for budget in await self._in_force() if budget.concerns(tier=tier, user=user)]
        if not budgets:
            return ()
        amount = self._worst_case(entry, request)
        held: list[Reservation] = []
        try:
            for budget in budgets:
                account = budget.account(tier=tier, user=user, at=at)
                left = await self._store.reserve(account, amount, budget.limit)
                if left is not None:
                    raise BudgetExceededError(
                        f"The budget of {budget} has {max(left, Decimal(0)):f} USD left, and {entry} could cost up to "
                        f"{amount:f} USD. Lower max_tokens, ask for a cheaper tier, or raise the limit."
                    )
                held.append(Reservation(account=account, amount=amount))
        except BaseException:
            # Also when the store fails, or the caller gives up, between one budget and the next.
            await self.settle(held, Decimal(0))
            raise
        return tuple(held)

    async def _in_force(self) -> Sequence[Budget]:
        return (*self._budgets, *await self._setter.in_force()) if self._setter else self._budgets

    async def settle(self, held: Iterable[Reservation], actual: Decimal | None) -> None:
        """Replace the reservations by what the call really cost; an unknown cost keeps the worst case."""
        for reservation in held:
            spent = reservation.amount if actual is None else actual
            await self._store.settle(reservation.account, reservation.amount, spent)

    @staticmethod
    def _worst_case(entry: LLMEntry, request: Request) -> Decimal:
        amount = worst_case(
            entry,
            input_tokens=input_tokens(request.messages),
            max_tokens=request.max_tokens if request.max_tokens is not None else entry.max_tokens,
        )
        if amount is None:
            raise BudgetExceededError(
                f"{entry} has no known price, so no budget can be kept with it. "
                f"Give it cost_per_1k_input and cost_per_1k_output (0 for a free model)."
            )
        return amount
