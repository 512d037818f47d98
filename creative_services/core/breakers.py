"""A circuit breaker per entry: pure state, so that clients, gateways and replicas share one rule."""

from dataclasses import dataclass, replace
from typing import Final

from creative_services.core.failures import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When a breaker opens and for how long."""

    threshold: int = 3  # failures in a row; one or two are a vendor's ordinary hiccup
    first_rest: float = 1.0
    longest_rest: float = 60.0
    probe_lease: float = 30.0  # a probe that never reports back frees the place after this long


DEFAULT_RULES: Final = BreakerRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """An entry's recent luck. Closed: asked. Open: skipped until ``rests_until``. Half-open: one probe at a time."""

    failures: int = 0
    openings: int = 0
    rests_until: float = 0.0
    probing_until: float = 0.0

    def state(self, now: float) -> str:
        """closed, open or half-open."""
        if now < self.rests_until:
            return "open"
        return "half-open" if self.openings else "closed"

    def admits(self, now: float) -> bool:
        """Whether a call may go to the entry now."""
        return now >= self.rests_until and (not self.openings or now >= self.probing_until)

    def probed(self, now: float, rules: BreakerRules = DEFAULT_RULES) -> "Breaker":
        """A call goes out: half-open breakers let no second one through until it reports."""
        return replace(self, probing_until=now + rules.probe_lease) if self.openings else self

    def failed(
        self,
        policy: Policy,
        now: float,
        *,
        retry_after: float | None,
        jitter: float,
        rules: BreakerRules = DEFAULT_RULES,
    ) -> "Breaker":
        """After a failure. ``jitter`` is drawn from 0..1 by the caller, so that many clients do not return as one."""
        rest = max(policy.rests, retry_after or 0.0)
        failures = self.failures + policy.trips
        openings = self.openings
        if policy.trips and (openings or failures >= rules.threshold):
            # The exponent stays small: after a day's outage 2.0 to the power of all openings is no float any more.
            longer = rules.first_rest * 2.0 ** min(openings, 32)
            rest = max(rest, min(rules.longest_rest, longer) * (0.5 + jitter / 2))
            openings += 1
        # A later, shorter rest never shortens an earlier, longer one.
        return Breaker(
            failures=failures,
            openings=openings,
            rests_until=max(self.rests_until, now + rest if rest else 0.0),
        )


CLOSED: Final = Breaker()
