"""How a worker stands: what it keeps for others to see, whether it is ready, and its figures of the moment."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from creative_services.server.operations.exposition import Gauges
from creative_services.server.operations.shared_tallies import SharedTallies
from creative_services.server.operations.tallies import Tallies
from creative_services.telemetry.spool.segment import SUFFIX
from creative_services.telemetry.spool.shipper import SHIPPER_LOCK
from creative_services.telemetry.spool.spool import WRITER_LOCK, Spool

# A reason for doubt, and the sentence that explains it while it lasts.
Check = tuple[str, Callable[[], str | None]]
# A figure of the moment: its name, what it says, and how it is read.
Figure = tuple[str, str, Callable[[], float]]


class Standing:
    """The spool and the tallies of one worker, and what health and metrics say about it."""

    __slots__ = ("_checks", "_chores", "_figures", "_shared", "_spool", "_under_way", "append", "counts", "draining")

    def __init__(self, *, spool: Spool | None, tallies: Path) -> None:
        self._spool = spool
        self._shared = SharedTallies(tallies)
        self.append: Callable[[bytes], None] = spool.append if spool else _forgotten
        self.counts = Tallies()
        self.draining = False
        self._under_way: Callable[[], int] = lambda: 0
        self._chores: tuple[Callable[[], None], ...] = ()
        self._figures: tuple[Figure, ...] = ()
        self._checks: tuple[Check, ...] = (("draining", self._drains), ("ledger", self._stuck))

    def watch(
        self,
        under_way: Callable[[], int],
        checks: tuple[Check, ...],
        chores: tuple[Callable[[], None], ...] = (),
        figures: tuple[Figure, ...] = (),
    ) -> None:
        """Who knows how much is under way, what else readiness depends on, is done once a second, and is measured."""
        self._under_way = under_way
        self._checks += checks
        self._chores += chores
        self._figures += figures

    def drain(self) -> None:
        """This worker is about to end."""
        self.draining = True

    @property
    def may_write(self) -> bool:
        """Whether another call's record will be safe."""
        return self._spool is None or not self._spool.waiting

    def _drains(self) -> str | None:
        return "This worker finishes what it has begun, and ends." if self.draining else None

    def _stuck(self) -> str | None:
        return None if self.may_write else "The ledger's disk has no room for another record."

    # What operations ask

    def doubts(self) -> Mapping[str, str]:
        """Why no calls should be sent here."""
        return {name: why for name, check in self._checks if (why := check())}

    def tallies(self) -> Tallies:
        """Those of all workers."""
        return self.counts.merge(self._shared.others()[0])

    def gauges(self) -> Gauges:
        """The figures of the moment."""
        return {
            "calls_under_way": ("Calls being served now.", self._under_way() + self._shared.others()[1]),
            "ready": ("Whether the worker that answered this scrape is ready.", not self.doubts()),
            **(_of_spool(self._spool) if self._spool is not None else {}),
            **{name: (words, read()) for name, words, read in self._figures},
        }

    # Its life

    def tick(self) -> None:
        """Once a second: let others see the counts, and try again what found no room."""
        self._shared.leave(self.counts, self._under_way())
        if self._spool is not None and self._spool.waiting:
            self._spool.retry()
        for task in self._chores:
            task()

    async def start(self) -> None:
        """Everything is open already: no worker may live without a spool."""

    async def stop(self) -> None:
        """Leave the last counts, and the spool to whoever hands it over."""
        self._shared.leave(self.counts, 0)
        if self._spool is not None:
            self._spool.close()


def _of_spool(spool: Spool) -> Gauges:
    root = spool.directory.parent
    # Since this worker began, when nobody has taken any: a mark of last time says nothing about today.
    marks = [path.stat().st_mtime for path in (root / SHIPPER_LOCK, spool.directory / WRITER_LOCK) if path.exists()]
    behind = max(0.0, time.time() - max(marks)) if marks else 0.0
    segments = sum(1 for _ in root.glob(f"*/*{SUFFIX}"))
    return {
        "ledger_segments": ("Files of records; more than a few per worker wait to be handed over.", segments),
        "ledger_handed_over_seconds": ("Since records were last handed over; they wait safely meanwhile.", behind),
    }


def _forgotten(_: bytes) -> None:
    """Usage is not kept here."""


NO_ENTRY: Final = "No entry is active: set a key such as OPENAI_API_KEY, or add an entry."
