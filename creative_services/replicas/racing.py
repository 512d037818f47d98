"""Two servers asked for one answer: the first good one counts, the other is cancelled, and all of it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from creative_services.core.hedging import Hedge, Hedging
from creative_services.replicas.answers import RotatingError
from creative_services.replicas.balancer import Balancer
from creative_services.replicas.endings import finished

Ask = Callable[[str], Awaitable[Any]]
Told = Callable[[Hedge], None]
Asked = dict["asyncio.Future[Any]", str]


class Racer:
    """Hedges the calls of one client. ``hedging`` is what it learned so far."""

    __slots__ = ("_now", "_told", "hedging")

    def __init__(self, hedging: Hedging, now: Callable[[], float], told: Told | None = None) -> None:
        self.hedging, self._now, self._told = hedging, now, told

    async def run(self, balancer: Balancer, uri: str, ask: Ask, tried: set[str]) -> tuple[Any, str]:
        """(answer, who gave it). ``tried`` are those that are not asked as well; a second one that fails joins them."""
        self.hedging, started = self.hedging.called(), self._now()
        asked: Asked = {asyncio.ensure_future(ask(uri)): uri}
        try:
            await asyncio.wait(asked, timeout=self.hedging.late_after())
            winner = await self._won(balancer, asked, ask, started, tried)
            answer = await winner
            # Of a hedged call its whole time: were it the winner's alone, late would come earlier and earlier.
            self.hedging = self.hedging.answered(self._now() - started)
            return answer, asked[winner]
        finally:
            for task in asked:
                await finished(task)

    async def _won(
        self, balancer: Balancer, asked: "Asked", ask: Ask, started: float, tried: set[str]
    ) -> "asyncio.Future[Any]":
        """Whose answer, or failure, is the call's."""
        ((first, uri),) = asked.items()
        other = None if first.done() else self._second(balancer, tried | {uri})
        if other is None:
            await asyncio.wait((first,))
            return first
        waited = self._now() - started
        asked[asyncio.ensure_future(ask(other))] = other
        winner = await _first_good(asked)
        await self._end(balancer, asked, winner, started, waited)
        if winner is None:
            tried.add(other)
        return winner or first

    def _second(self, balancer: Balancer, tried: set[str]) -> str | None:
        other = balancer.choose(tried)
        # A server that rests would only be asked because nobody else is left: that is no way to be faster.
        if other is None or balancer.resting(other):
            return None
        left = self.hedging.spent(balancer.retries)
        self.hedging = left or self.hedging
        return other if left else None

    async def _end(
        self,
        balancer: Balancer,
        asked: "Asked",
        winner: "asyncio.Future[Any] | None",
        started: float,
        waited: float,
    ) -> None:
        (first, late), (second, other) = asked.items()
        wasted = 0.0
        for task in (first, second):
            if task is not winner and not task.done():
                # Cancelled, its connection is cut: the server sees that nobody listens any more.
                await finished(task)
                wasted = self._now() - started - (waited if task is second else 0.0)
                balancer.outrun(asked[task], wasted)
        if self._told:
            name = asked[winner] if winner else None
            self._told(Hedge(late=late, second=other, winner=name, waited=waited, wasted=wasted))


async def _first_good(asked: "Asked") -> "asyncio.Future[Any] | None":
    """The first that answered, or was told that nobody will; None when all failed."""
    pending = set(asked)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not isinstance(task.exception(), RotatingError):
                return task
    return None
