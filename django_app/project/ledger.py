"""From the gateway's spools into the usage table."""

from collections.abc import Iterator
from contextlib import contextmanager
from logging import getLogger
from pathlib import Path
from time import monotonic
from typing import Final

from django.db import DatabaseError, connection, connections

from creative_services.core.ledger import Batch, LedgerRecord
from django_app.llms.usage.gateway import GatewayUsage
from django_app.llms.usage.totals import roll_up

_SUM_SECONDS: Final = 10.0

_log = getLogger("creative_services.site")


class SiteLedger:
    """The usage table, over a connection that is made anew once it broke."""

    def __init__(self, _: Path) -> None:
        self._table = GatewayUsage()

    def last(self, spool: str) -> int:
        """The highest number stored from this spool."""
        try:
            return self._table.last(spool)
        except DatabaseError:
            connection.close()
            raise

    def store(self, batch: Batch[LedgerRecord]) -> None:
        """All records, or none."""
        try:
            self._table.store(batch)
        except DatabaseError:
            connection.close()
            raise


class Sums:
    """Hours and days for the charts, now and then."""

    def __init__(self) -> None:
        self._due = 0.0

    def __call__(self) -> None:
        """Sum up what has come since, if it is time."""
        if monotonic() >= self._due:
            self._due = monotonic() + _SUM_SECONDS
            try:
                roll_up("default")
            except DatabaseError as error:  # the rows themselves are stored; the next time sums them up
                _log.info("Usage is stored, but not summed up this time: %s", error)


@contextmanager
def own_connection() -> Iterator[None]:
    """Around the thread that hands over: what it opened is closed with it."""
    try:
        yield
    finally:
        connections.close_all()
