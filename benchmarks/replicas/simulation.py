"""A replayed queueing simulation: the same arrivals and the same work for every way of choosing a server.

120 requests a second meet ten servers with four slots each: eight of mixed speeds, one four times slower, one that is
good for ten seconds and ten times slower for the next ten. Time is simulated, so a minute takes a second.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from creative_services.core.balancing import UNKNOWN, Contender, Standing, first_wins, two_of

RATE: Final = 120.0
SLOTS: Final = 4
SPEEDS: Final = (0.8, 0.9, 1.0, 1.0, 1.1, 1.2, 1.3, 1.5)  # relative to a server that takes WORK seconds
WORK: Final = 0.2
SLOW, FLAPPING = 8, 9


@dataclass(slots=True)
class Server:
    """One server: how long its work takes at a moment, who is served, who waits."""

    pace: Callable[[float], float]
    busy: int = 0
    queue: "deque[tuple[float, float]]" = field(default_factory=deque)  # (arrived, work)

    @property
    def in_flight(self) -> int:
        """Requests served and waiting."""
        return self.busy + len(self.queue)


def servers() -> list[Server]:
    """The ten."""
    steady = [Server(lambda _, speed=speed: 1 / speed) for speed in SPEEDS]  # type: ignore[misc]  # a bound default
    slow = Server(lambda _: 4.0)
    flapping = Server(lambda now: 10.0 if int(now / 10) % 2 else 1.0)
    return [*steady, slow, flapping]


class Chooser:
    """A way of choosing; ``done`` tells it how a request went."""

    def choose(self, now: float, pool: Sequence[Server]) -> int:
        """The number of the server that is asked."""
        raise NotImplementedError

    def done(self, server: int, seconds: float, now: float) -> None:
        """A request was answered."""


class Random(Chooser):
    """Any."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def choose(self, now: float, pool: Sequence[Server]) -> int:
        return self._rng.randrange(len(pool))


class RoundRobin(Chooser):
    """Each in turn."""

    def __init__(self, seed: int) -> None:
        self._next = seed

    def choose(self, now: float, pool: Sequence[Server]) -> int:
        self._next += 1
        return self._next % len(pool)


class LeastInFlight(Chooser):
    """Perfect knowledge of every server's queue, and the shortest."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def choose(self, now: float, pool: Sequence[Server]) -> int:
        return min(range(len(pool)), key=lambda place: (pool[place].in_flight, self._rng.random()))


class Fastest(Chooser):
    """The lowest latency learned, for everyone: what the original registry's ``get()`` is about."""

    def __init__(self, seed: int) -> None:
        self._learned: dict[int, float] = {}

    def choose(self, now: float, pool: Sequence[Server]) -> int:
        return min(range(len(pool)), key=lambda place: self._learned.get(place, 0.1))

    def done(self, server: int, seconds: float, now: float) -> None:
        before = self._learned.get(server, seconds)
        self._learned[server] = before + 0.1 * (seconds - before)


class Ours(Chooser):
    """Two at random, the lower cost wins."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._standings: dict[int, Standing] = {}

    def choose(self, now: float, pool: Sequence[Server]) -> int:
        drawn = two_of(range(len(pool)), lambda _: True, self._rng.randrange)
        assert drawn
        one, two = (
            Contender(standing=self._standings.get(place, UNKNOWN), in_flight=pool[place].in_flight) for place in drawn
        )
        return drawn[0] if first_wins(one, two, now) else drawn[1]

    def done(self, server: int, seconds: float, now: float) -> None:
        self._standings[server] = self._standings.get(server, UNKNOWN).succeeded(seconds, now)


CHOOSERS: Final[dict[str, Callable[[int], Chooser]]] = {
    "random": Random,
    "round robin": RoundRobin,
    "fastest first": Fastest,
    "two random, latency x in flight": Ours,
    "least in flight, all known": LeastInFlight,
}


def latencies(chooser: Chooser, *, seed: int, seconds: float = 60.0) -> list[float]:
    """How long each request took, in the order of their arrival times' answers."""
    rng, pool, took = random.Random(seed), servers(), []
    events: list[tuple[float, int, int, float, float]] = []  # (when, tie, server or -1 for an arrival, arrived, work)
    when, ties = 0.0, 0
    while (when := when + rng.expovariate(RATE)) < seconds:
        events.append((when, ties := ties + 1, -1, when, rng.lognormvariate(0, 0.5) * WORK))
    heapq.heapify(events)

    def serve(place: int, now: float) -> None:
        nonlocal ties
        server = pool[place]
        while server.busy < SLOTS and server.queue:
            arrived, work = server.queue.popleft()
            server.busy += 1
            ties += 1
            heapq.heappush(events, (now + work * server.pace(now), ties, place, arrived, work))

    while events:
        now, _, place, arrived, work = heapq.heappop(events)
        if place < 0:
            place = chooser.choose(now, pool)
            pool[place].queue.append((arrived, work))
        else:
            pool[place].busy -= 1
            took.append(now - arrived)
            chooser.done(place, now - arrived, now)
        serve(place, now)
    return took


def mean_of(name: str, seeds: Sequence[int] = (1, 2, 3), seconds: float = 60.0) -> float:
    """The mean latency over several runs."""
    runs = [latencies(CHOOSERS[name](seed), seed=seed, seconds=seconds) for seed in seeds]
    return sum(sum(run) for run in runs) / sum(len(run) for run in runs)


if __name__ == "__main__":
    for name in CHOOSERS:
        print(f"{mean_of(name):8.3f} s  {name}")
