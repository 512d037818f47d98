"""Limits on money: what counts together, for how long, and what a call could cost at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, Protocol, runtime_checkable

from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.pricing import money
from creative_services.core.usage import Usage

Per = Literal["hour", "day", "month", "ever"]
Scope = Literal["client", "tier", "user"]

_WINDOWS: Final[dict[str, str]] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m", "ever": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """At most ``limit`` USD per window, counted for the whole client, per tier or per user.

    ``whom`` narrows it to one tier or one user; empty, it holds for each of them.
    """

    limit: Decimal
    per: Per = "day"
    scope: Scope = "client"
    whom: str = ""

    def __post_init__(self) -> None:
        limit = money(self.limit)
        if limit is None or self.per not in _WINDOWS or self.scope not in ("client", "tier", "user"):
            raise ConfigurationError(
                f"A budget needs limit >= 0, per one of {', '.join(_WINDOWS)} and scope one of client, tier, user; "
                f"got limit={self.limit!r}, per={self.per!r}, scope={self.scope!r}."
            )
        object.__setattr__(self, "limit", limit)

    def account(self, *, tier: str, user: str | None, at: datetime) -> str:
        """The name under which spending is added up: scope, whom it concerns, window."""
        return f"{self.scope}:{self._counted(tier, user)}:{at.strftime(_WINDOWS[self.per])}"

    def concerns(self, *, tier: str, user: str | None) -> bool:
        """Whether a call to this tier by this user counts."""
        return not self.whom or self.whom == self._counted(tier, user)

    def _counted(self, tier: str, user: str | None) -> str:
        return {"client": "", "tier": tier, "user": user or "anonymous"}[self.scope]

    def __str__(self) -> str:
        whom = f" {self.whom}" if self.whom else ""
        return f"{self.limit} USD per {self.per} and {self.scope}{whom}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for a call that is under way."""

    account: str
    amount: Decimal


class BudgetStore(Protocol):
    """Remembers spending. In memory by default; a database's makes the limit hold for all its workers."""

    async def reserve(self, account: str, amount: Decimal, limit: Decimal) -> Decimal | None:
        """Set ``amount`` aside unless that would pass ``limit``: None when done, else what is left."""
        ...

    async def settle(self, account: str, reserved: Decimal, actual: Decimal) -> None:
        """Replace what was reserved by what was spent."""
        ...


@runtime_checkable
class SetsBudgets(Protocol):
    """An optional power of a store: budgets of its own, which people may change while calls go on."""

    async def in_force(self) -> Sequence[Budget]:
        """The budgets to keep now, beside those of the client."""
        ...


def worst_case(entry: LLMEntry, *, input_tokens: int, max_tokens: int) -> Decimal | None:
    """What the call costs if the answer is as long as allowed; None when the entry has no price."""
    return entry.cost(Usage(input_tokens=input_tokens, output_tokens=max_tokens))
