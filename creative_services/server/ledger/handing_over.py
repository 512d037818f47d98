"""The thread that empties spools: beside the calls, never among them."""

from collections.abc import Callable
from logging import getLogger
from threading import Event, Thread
from typing import Final

from creative_services.server.ledger.shipper import Shipper

# Charts and budgets elsewhere lag by this much at most while the sink is well.
PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0

_log = getLogger("creative_services.ledger")


class HandingOver:
    """Ships again and again until stopped. A failing sink is tried less and less often; nothing is lost meanwhile."""

    __slots__ = ("_make", "_stopping", "_thread", "_troubled")

    def __init__(self, make: Callable[[], Shipper]) -> None:
        # Made in the thread itself: SQLite and Django want a connection to stay where it was made.
        self._make = make
        self._stopping = Event()
        self._troubled = False
        self._thread = Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 30.0) -> None:
        """Hand over what there is, and end."""
        self._stopping.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        pause = PAUSE
        shipper: Shipper | None = None
        while True:
            last_round = self._stopping.is_set()
            try:
                shipper = shipper or self._make()
                shipper.ship()
                self._mended()
                pause = PAUSE
            except Exception as error:  # noqa: BLE001 - whatever a sink raises, the lines stay where they are
                self._complain(error)
                pause = min(_LONGEST_PAUSE, pause * 2)
            if last_round:
                break
            self._stopping.wait(pause)
        if shipper is not None:
            shipper.close()

    def _complain(self, error: Exception) -> None:
        if not self._troubled:
            _log.error("The ledger cannot be written; calls go on, their records wait: %s", error)
        self._troubled = True

    def _mended(self) -> None:
        if self._troubled:
            _log.info("The ledger can be written again.")
        self._troubled = False
