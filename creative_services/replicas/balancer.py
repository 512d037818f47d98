"""What was learned about replicas, and the choice among them: the pure rules, fed with what really happened."""

from collections.abc import Callable, Collection, Sequence
from random import random
from typing import Final

from creative_services.core.balancing import (
    RULES,
    UNKNOWN,
    BalancingRules,
    Contender,
    Patience,
    Standing,
    first_wins,
    may_eject,
    two_of,
)
from creative_services.core.replicas import Replica
from creative_services.core.retries import RetryBudget

_NOBODY: Final[Collection[str]] = frozenset()


class Balancer:
    """The replicas of one model. Learning for one model never touches another's, also not on the same server."""

    __slots__ = ("_chance", "_in_flight", "_now", "_pool", "_rules", "_standings", "_weights", "patience", "retries")

    def __init__(
        self, *, now: Callable[[], float], chance: Callable[[], float] = random, rules: BalancingRules = RULES
    ) -> None:
        self._now, self._chance, self._rules = now, chance, rules
        self._pool: Sequence[str] = ()
        self._weights: dict[str, float] = {}
        self._standings: dict[str, Standing] = {}
        self._in_flight: dict[str, int] = {}
        self.patience = Patience()
        self.retries = RetryBudget()

    @property
    def pool(self) -> Sequence[str]:
        """The endpoints to choose from."""
        return self._pool

    def settle(self, replicas: Collection[Replica]) -> None:
        """These are there now. Newcomers to a pool that is at work begin gently."""
        weights = {replica.endpoint: replica.weight for replica in replicas if not replica.draining}
        if weights == self._weights:
            return
        if self._weights:
            now = self._now()
            for uri in weights.keys() - self._weights.keys():
                self._standings.setdefault(uri, Standing(returned_at=now))
        for uri in self._standings.keys() - weights.keys():
            if not self._in_flight.get(uri):
                del self._standings[uri]
        self._weights, self._pool = weights, tuple(weights)

    def choose(self, excluded: Collection[str] = _NOBODY) -> str | None:
        """The endpoint to ask next; None when all are excluded. Those that rest are asked when no other is left."""
        drawn = two_of(self._pool, lambda uri: uri not in excluded and self._fit(uri), self._below)
        drawn = drawn or two_of(self._pool, lambda uri: uri not in excluded, self._below)
        if drawn is None:
            return None
        one, two = drawn
        return one if one == two or first_wins(self._contender(one), self._contender(two), self._now()) else two

    def ranked(self, count: int) -> list[str]:
        """Up to ``count`` different endpoints, the first choice first."""
        chosen: list[str] = []
        while len(chosen) < count and (uri := self.choose(chosen)):
            chosen.append(uri)
        return chosen

    def departs(self, uri: str) -> None:
        """A call goes out."""
        self._in_flight[uri] = self._in_flight.get(uri, 0) + 1
        known = self._standings.get(uri)
        if known is not None and known.breaker.openings:
            self._standings[uri] = known.departed(self._now(), self._rules)

    def returns(self, uri: str) -> None:
        """The call is over, however it went."""
        left = self._in_flight.get(uri, 1) - 1
        if left:
            self._in_flight[uri] = left
        else:
            self._in_flight.pop(uri, None)

    def succeeded(self, uri: str, seconds: float) -> None:
        """A good answer came after ``seconds``."""
        self._standings[uri] = self.standing(uri).succeeded(seconds, self._now(), self._rules)
        self.patience = self.patience.seen(seconds)

    def failed(self, uri: str, seconds: float, *, refused: bool = False) -> None:
        """None came, or an error."""
        now = self._now()
        others = sum(known.resting(now) for other, known in self._standings.items() if other != uri)
        self._standings[uri] = self.standing(uri).failed(
            seconds,
            now,
            jitter=self._chance(),
            refused=refused,
            may_eject=may_eject(others, len(self._pool), self._rules),
            rules=self._rules,
        )

    def outrun(self, uri: str, seconds: float) -> None:
        """It was given up after ``seconds``, because another one answered first."""
        self._standings[uri] = self.standing(uri).outrun(seconds, self._now(), self._rules)

    def resting(self, uri: str) -> bool:
        """Whether it is ejected at the moment, or finding out whether it is back."""
        return not self._fit(uri) or bool(self.standing(uri).breaker.openings)

    def standing(self, uri: str) -> Standing:
        """What was learned about ``uri``."""
        return self._standings.get(uri, UNKNOWN)

    def in_flight(self, uri: str) -> int:
        """Calls of ours that ``uri`` has not answered yet."""
        return self._in_flight.get(uri, 0)

    def may_retry(self) -> bool:
        """Take one retry from the budget, if there is one."""
        left = self.retries.spent()
        self.retries = left or self.retries
        return left is not None

    def _fit(self, uri: str) -> bool:
        known = self._standings.get(uri)
        return known is None or not known.breaker.openings or not known.resting(self._now())

    def _below(self, count: int) -> int:
        return int(self._chance() * count)

    def _contender(self, uri: str) -> Contender:
        return Contender(
            standing=self._standings.get(uri, UNKNOWN),
            in_flight=self._in_flight.get(uri, 0),
            weight=self._weights[uri],
        )
