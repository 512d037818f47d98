"""The thread that empties spools: beside the calls, never among them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from logging import getLogger
from threading import Event, Thread
from typing import Any, Final

from creative_services.telemetry.spool.shipper import Shipper

# Charts and budgets elsewhere lag by this much at most while the sink is well.
PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0

_log = getLogger("creative_services.ledger")


class HandingOver:
    """Ships again and again until stopped. A failing sink is tried less and less often; nothing is lost meanwhile.

    ``around`` surrounds the thread's whole work, for what it needs open; ``afterwards`` is called after each round.
    """

    __slots__ = ("_afterwards", "_around", "_make", "_stopping", "_thread", "_troubled", "_waking")

    def __init__(
        self,
        make: Callable[[], Shipper[Any]],
        *,
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        afterwards: Callable[[], None] | None = None,
    ) -> None:
        # Made in the thread itself: SQLite and Django want a connection to stay where it was made.
        self._make = make
        self._around = around
        self._afterwards = afterwards
        self._stopping = Event()
        self._waking = Event()
        self._troubled = False
        self._thread = Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def hurry(self) -> None:
        """Begin the next round now."""
        self._waking.set()

    def stop(self, timeout: float = 30.0) -> None:
        """Hand over what there is, and end."""
        self._stopping.set()
        self._waking.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        with self._around():
            shipper = self._rounds()
            if shipper is not None:
                shipper.close()

    def _rounds(self) -> Shipper[Any] | None:
        pause = PAUSE
        shipper: Shipper[Any] | None = None
        while True:
            last_round = self._stopping.is_set()
            self._waking.clear()
            try:
                shipper = shipper or self._make()
                # The last round goes on until nothing is left; nobody writes any more, or only at a crawl.
                while shipper.ship() and last_round:
                    continue
                if self._afterwards:
                    self._afterwards()
                self._mended()
                pause = PAUSE
            except Exception as error:  # noqa: BLE001 - whatever a sink raises, the lines stay where they are
                self._complain(error)
                pause = min(_LONGEST_PAUSE, pause * 2)
            if last_round:
                return shipper
            self._waking.wait(pause)

    def _complain(self, error: Exception) -> None:
        if not self._troubled:
            _log.error("The ledger cannot be written; calls go on, their records wait: %s", error)
        self._troubled = True

    def _mended(self) -> None:
        if self._troubled:
            _log.info("The ledger can be written again.")
        self._troubled = False
