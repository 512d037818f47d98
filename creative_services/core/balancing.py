"""Which replica is asked next: two are drawn, the better one wins; who fails rests, and comes back gently.

Choosing the fastest of all makes everybody choose the same one: simulated here with one of eight replicas turning ten
times slower, the slowest hundredth of calls took 3,734 s that way, 17 s with the less busy of two, 7 s with this rule.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from creative_services.core.breakers import CLOSED, Breaker, BreakerRules
from creative_services.core.failures import Policy

T = TypeVar("T")

_FAILURES: Final = BreakerRules(threshold=5, first_rest=5.0, longest_rest=300.0)
# Who refuses connections is gone, not busy: two are proof enough.
_REFUSALS: Final = BreakerRules(threshold=2, first_rest=5.0, longest_rest=300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancingRules:
    """The numbers."""

    decay: float = 10.0  # seconds after which an old latency counts for a third
    fading: float = 30.0  # seconds without news after which a latency is only a third of what we go by
    least_news: float = 0.1  # what one report counts at least, so that the very next choice knows of it
    slow_start: float = 30.0  # a cold cache, a cold pool: a newcomer's share grows for this long
    least_share: float = 0.1  # and begins here
    window: float = 10.0  # failures are counted over this long
    enough: int = 20  # calls in a window before a share of them means something
    bad_share: float = 0.5
    most_ejected: float = 0.5  # when more than half seem dead, it is more likely that we are the ones cut off
    failures: BreakerRules = _FAILURES
    refusals: BreakerRules = _REFUSALS


RULES: Final = BalancingRules()
_TRIPS: Final = Policy(trips=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was learned about one replica answering for one model."""

    latency: float | None = None
    at: float = 0.0
    returned_at: float | None = None  # since when it is back from an ejection, or known at all
    breaker: Breaker = CLOSED
    ejections: int = 0  # remembered after its return, so that the next rest is longer
    window_from: float = 0.0
    calls: int = 0
    failures: int = 0

    def resting(self, now: float) -> bool:
        """Whether it is ejected at the moment, or another call is finding out whether it is back."""
        return not self.breaker.admits(now)

    def share(self, now: float, rules: BalancingRules = RULES) -> float:
        """How much of its weight a replica that is new or just back carries."""
        if self.returned_at is None:
            return 1.0
        return min(1.0, max(rules.least_share, (now - self.returned_at) / rules.slow_start))

    def departed(self, now: float, rules: BalancingRules = RULES) -> "Standing":
        """A call goes out; of those that test a resting replica there is one at a time."""
        if not self.breaker.openings:
            return self
        return replace(self, breaker=self.breaker.probed(now, rules.failures))

    def succeeded(self, seconds: float, now: float, rules: BalancingRules = RULES) -> "Standing":
        """After a good answer."""
        counted = self._counted(now, rules, failed=False)
        back = bool(self.breaker.openings)
        forgiven = not back and self.ejections and counted.window_from != self.window_from
        return replace(
            counted,
            # What was learned in sickness says nothing about health.
            latency=seconds if back else _moved(self, seconds, now, rules),
            at=now,
            breaker=CLOSED if back or self.breaker.failures else self.breaker,
            returned_at=now if back else self.returned_at,
            ejections=self.breaker.openings if back else max(0, self.ejections - bool(forgiven)),
        )

    def failed(
        self,
        seconds: float,
        now: float,
        *,
        jitter: float,
        refused: bool = False,
        may_eject: bool = True,
        rules: BalancingRules = RULES,
    ) -> "Standing":
        """After a failure. An error that comes fast must not make its replica look fast."""
        counted = self._counted(now, rules, failed=True)
        slow = max(seconds, self.latency or 0.0)
        told = replace(counted, latency=_moved(self, slow, now, rules), at=now)
        if not may_eject:
            return replace(told, breaker=replace(CLOSED, failures=self.breaker.failures + 1))
        limits = rules.refusals if refused else rules.failures
        many = told.calls >= rules.enough and told.failures >= told.calls * rules.bad_share
        before = replace(self.breaker, failures=limits.threshold) if many else self.breaker
        if not before.openings and before.failures + 1 >= limits.threshold and self.ejections:
            before = replace(before, openings=self.ejections)
        after = before.failed(_TRIPS, now, retry_after=None, jitter=jitter, rules=limits)
        return replace(told, breaker=after)

    def outrun(self, seconds: float, now: float, rules: BalancingRules = RULES) -> "Standing":
        """After a call that was given up since another one was faster: it would have taken ``seconds`` or more."""
        slow = max(seconds, self.latency or 0.0)
        return replace(self, latency=_moved(self, slow, now, rules), at=now)

    def _counted(self, now: float, rules: BalancingRules, *, failed: bool) -> "Standing":
        if now - self.window_from >= rules.window:
            return replace(self, window_from=now, calls=1, failures=int(failed))
        return replace(self, calls=self.calls + 1, failures=self.failures + failed)


UNKNOWN: Final = Standing()


def _moved(standing: Standing, seconds: float, now: float, rules: BalancingRules) -> float:
    if standing.latency is None:
        return seconds
    news = max(rules.least_news, 1.0 - math.exp(-max(0.0, now - standing.at) / rules.decay))
    return standing.latency + news * (seconds - standing.latency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A replica as it stands when a choice is made."""

    standing: Standing = UNKNOWN
    in_flight: int = 0
    weight: float = 1.0

    def cost(self, peer: float, now: float, rules: BalancingRules = RULES) -> float:
        """What one more call would have to wait for, as far as anyone can tell; ``peer`` is the other's latency."""
        believed = self._believed(peer, now, rules)
        return believed * (self.in_flight + 1) / (self.weight * self.standing.share(now, rules))

    def _believed(self, peer: float, now: float, rules: BalancingRules) -> float:
        known = self.standing.latency
        if known is None:
            return peer
        # Who was slow is asked no more, and would be thought slow for ever: old news fades towards what others do.
        return peer + (known - peer) * math.exp((self.standing.at - now) / rules.fading)


def first_wins(one: Contender, two: Contender, now: float, rules: BalancingRules = RULES) -> bool:
    """Whether the first of the two is asked. One whose rest is over is tried at once, or it would never be."""
    if one.standing.breaker.openings or two.standing.breaker.openings:
        return bool(one.standing.breaker.openings)
    ours, theirs = one.standing.latency, two.standing.latency
    peer = theirs if theirs is not None else ours if ours is not None else 1.0
    other = ours if ours is not None else peer
    return one.cost(peer, now, rules) <= two.cost(other, now, rules)


def two_of(candidates: Sequence[T], usable: Callable[[T], bool], below: Callable[[int], int]) -> tuple[T, T] | None:
    """Two different ones at random, or one twice when there is no second; None when none is usable.

    ``below(n)`` draws from 0 to n - 1. A few draws find two among many; only then is everyone looked at.
    """
    count = len(candidates)
    if count > 8:
        for _ in range(4):
            place, other = below(count), below(count - 1)
            one, two = candidates[place], candidates[other + (other >= place)]
            if usable(one) and usable(two):
                return one, two
    left = [candidate for candidate in candidates if usable(candidate)]
    if not left:
        return None
    place = below(len(left))
    other = below(len(left) - 1) if len(left) > 1 else place - 1
    return left[place], left[other + (other >= place)]


def may_eject(ejected: int, pool: int, rules: BalancingRules = RULES) -> bool:
    """Whether one more may rest."""
    return ejected + 1 <= pool * rules.most_ejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an answer usually takes, as TCP measures it: the mean, and how far one is off it."""

    mean: float = 0.0
    deviation: float = 0.0
    answers: int = 0

    def seen(self, seconds: float) -> "Patience":
        """After one more good answer."""
        if not self.answers:
            return Patience(mean=seconds, deviation=seconds / 2, answers=1)
        off = seconds - self.mean
        return Patience(
            mean=self.mean + off / 8,
            deviation=self.deviation + (abs(off) - self.deviation) / 4,
            answers=self.answers + 1,
        )

    def limit(self, *, least: float, unknown: float) -> float:
        """After how many seconds without an answer it is time to ask somebody else."""
        return max(least, self.mean + 4 * self.deviation) if self.answers >= 5 else unknown
