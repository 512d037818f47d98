"""Budgets in the database: one account for all processes, and limits that people set in the admin."""

from collections.abc import Sequence
from decimal import Decimal
from time import monotonic
from typing import Final

from django.db.models import F
from django.utils import timezone

from creative_services.adapters.django_errands import Lender, errands_of
from creative_services.adapters.django_feed import default_database
from creative_services.adapters.django_testing import no_thread
from creative_services.core.budgets import Budget
from django_app.llms.models import BudgetAccount, BudgetLimit
from django_app.llms.models.budgets import units, usd

# A changed limit is kept this much later; asking each time would double what a call waits for its budget.
_LIMITS_SECONDS: Final = 1.0
_PURPOSE: Final = "budgets"


class DjangoBudgets:
    """A ``BudgetStore`` for ``DynamicLLMClient(budget_store=DjangoBudgets())``.

    Setting money aside is one conditional UPDATE, so any number of threads and processes together never pass a limit.
    The active budgets of the admin are kept too, without being named in code.
    """

    def __init__(self, using: str | None = None) -> None:
        self._using = using
        self._lender = Lender()
        self._limits: tuple[Budget, ...] = ()
        self._limits_until = float("-inf")

    @property
    def using(self) -> str:
        """The database of the accounts."""
        return self._using or default_database()

    async def in_force(self) -> Sequence[Budget]:
        """The active budgets of the admin, at most a second old; in tests those of this moment."""
        if monotonic() >= self._limits_until or no_thread(self.using):
            self._limits = await errands_of(self.using, _PURPOSE).run(self._read_limits, self._lender)
            self._limits_until = monotonic() + _LIMITS_SECONDS
        return self._limits

    async def reserve(self, account: str, amount: Decimal, limit: Decimal) -> Decimal | None:
        """Set ``amount`` aside unless that would pass ``limit``: None when done, else what is left."""
        return await errands_of(self.using, _PURPOSE).run(
            lambda: self.reserve_now(account, amount, limit), self._lender
        )

    async def settle(self, account: str, reserved: Decimal, actual: Decimal) -> None:
        """Replace what was reserved by what was spent."""
        await errands_of(self.using, _PURPOSE).run(lambda: self.settle_now(account, reserved, actual), self._lender)

    def reserve_now(self, account: str, amount: Decimal, limit: Decimal) -> Decimal | None:
        """``reserve`` for code without an event loop."""
        accounts, wanted, most = BudgetAccount.objects.using(self.using), units(amount), units(limit)
        open_ones = accounts.filter(pk=account, spent_units__lte=most - wanted)
        more = {"spent_units": F("spent_units") + wanted, "changed_at": timezone.now()}
        if open_ones.update(**more):
            return None
        # No such account yet, or not enough left in it: the second try tells.
        accounts.bulk_create([BudgetAccount(account=account)], ignore_conflicts=True)
        return None if open_ones.update(**more) else limit - self.spent(account)

    def settle_now(self, account: str, reserved: Decimal, actual: Decimal) -> None:
        """``settle`` for code without an event loop."""
        change = units(actual) - units(reserved)
        rows = BudgetAccount.objects.using(self.using).filter(pk=account)
        rows.update(spent_units=F("spent_units") + change, changed_at=timezone.now())

    def spent(self, account: str) -> Decimal:
        """What the account has spent or set aside."""
        found = BudgetAccount.objects.using(self.using).filter(pk=account).values_list("spent_units", flat=True)
        return usd(found[0]) if found else Decimal(0)

    def _read_limits(self) -> tuple[Budget, ...]:
        return tuple(limit.as_budget() for limit in BudgetLimit.objects.using(self.using).filter(is_active=True))
