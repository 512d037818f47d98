"""One timer for all calls under way: it starts their watchers and ends what has waited too long.

A timer, a task and a cancellation per call would cost more than relaying a short answer does. A call that is over
before the next beat has paid for a set's insertion and removal.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from creative_services.server.visits.visit import Visit

# Watching begins with a call's second beat: a caller that leaves is noticed two beats after its call began at the
# latest, and a tenth of a second is promised.
BEAT: Final = 0.04
# Deadlines are in seconds: looking at each call under way ten times less often is often enough.
_BEATS_PER_SWEEP: Final = 10


class Pulse:
    """Knows every call under way. ``watch`` says whether it has begun to; until then it is asked at every beat."""

    __slots__ = ("_beats", "_handle", "_known", "_new", "_now", "_overdue", "_watch", "_young")

    def __init__(
        self, *, now: Callable[[], float], watch: Callable[[Visit], bool], overdue: Callable[[Visit], None]
    ) -> None:
        self._now = now
        self._watch = watch
        self._overdue = overdue
        self._new: set[Visit] = set()
        self._young: set[Visit] = set()
        self._known: set[Visit] = set()
        self._beats = 0
        self._handle: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._new) + len(self._young) + len(self._known)

    def enter(self, visit: Visit) -> None:
        """A call begins."""
        self._new.add(visit)
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(BEAT, self._beat)

    def leave(self, visit: Visit) -> None:
        """A call is over."""
        self._new.discard(visit)
        self._young.discard(visit)
        self._known.discard(visit)

    def _beat(self) -> None:
        watched = {visit for visit in self._young if self._watch(visit)}
        self._known |= watched
        # What has just begun is mostly over before the next beat, and has cost nothing then.
        self._young = (self._young - watched) | self._new
        self._new = set()
        self._beats += 1
        if self._beats % _BEATS_PER_SWEEP == 0:
            now = self._now()
            waiting = (*self._young, *self._known)
            for visit in [visit for visit in waiting if visit.due and visit.due < now]:
                self._overdue(visit)
        busy = self._young or self._known
        self._handle = asyncio.get_running_loop().call_later(BEAT, self._beat) if busy else None
