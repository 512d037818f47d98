"""Which entries are fit to be asked: the client's breakers and its retry budget."""

from collections.abc import Callable, Hashable

from creative_services.core.breakers import CLOSED, DEFAULT_RULES, Breaker, BreakerRules
from creative_services.core.errors import CreativeServicesError
from creative_services.core.failures import policy_for
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.retries import RetryBudget


def _identity(entry: LLMEntry) -> Hashable:
    # An edited key or endpoint is another way to the vendor: it starts with a clean slate.
    return (entry.id, entry.provider, entry.model, entry.api_endpoint, entry.api_key)


class Health:
    """Breakers by entry. Only troubled entries take room, so a healthy client looks nothing up."""

    __slots__ = ("_breakers", "_chance", "_now", "_rules", "retries")

    def __init__(
        self, *, now: Callable[[], float], chance: Callable[[], float], rules: BreakerRules = DEFAULT_RULES
    ) -> None:
        self._now = now
        self._chance = chance
        self._rules = rules
        self._breakers: dict[Hashable, Breaker] = {}
        self.retries = RetryBudget()

    def breaker(self, entry: LLMEntry) -> Breaker:
        """The entry's breaker."""
        return self._breakers.get(_identity(entry), CLOSED) if self._breakers else CLOSED

    def admits(self, entry: LLMEntry) -> bool:
        """Whether the entry may be asked now."""
        return not self._breakers or self.breaker(entry).admits(self._now())

    def rest_of(self, entry: LLMEntry) -> float:
        """Seconds until the entry may be asked again."""
        return max(0.0, self.breaker(entry).rests_until - self._now())

    def departs(self, entry: LLMEntry) -> None:
        """A call goes out."""
        # One look, since another thread may close the breaker between two.
        if self._breakers and (troubled := self._breakers.get(key := _identity(entry))):
            self._breakers[key] = troubled.probed(self._now(), self._rules)

    def succeeded(self, entry: LLMEntry) -> None:
        """The call came back well."""
        if self._breakers:
            self._breakers.pop(_identity(entry), None)

    def failed(self, entry: LLMEntry, error: CreativeServicesError) -> None:
        """The call failed; what that means for the next ones is the failure table's word."""
        policy = policy_for(error)
        if not policy.moves_on:
            return
        after = self.breaker(entry).failed(
            policy,
            self._now(),
            retry_after=getattr(error, "retry_after", None),
            jitter=self._chance(),
            rules=self._rules,
        )
        self._breakers[_identity(entry)] = after

    def reset(self) -> None:
        """Forget every failure, for the person who has just mended something."""
        self._breakers.clear()

    def may_retry(self) -> bool:
        """Take one retry from the budget, if there is one."""
        left = self.retries.spent()
        if left is None:
            return False
        self.retries = left
        return True
