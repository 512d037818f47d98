"""The listener that gives every call to the database, without letting the call wait for it."""

import os
from collections.abc import Sequence
from threading import Lock
from typing import Final, Protocol

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation

from creative_services.adapters.django_feed import default_database
from creative_services.adapters.django_testing import no_thread
from creative_services.adapters.django_wakeups import private_connection
from creative_services.core.errors import ConfigurationError
from creative_services.core.events import Answered, Event
from creative_services.core.ledger import Batch
from creative_services.telemetry.spool.keeper import Keeper
from django_app.llms.models import Usage
from django_app.llms.usage.chores import Chores
from django_app.llms.usage.place import directory
from django_app.llms.usage.rows import decode, encode, rows_of
from django_app.llms.usage.sink import UsageTable


class Keeps(Protocol):
    """Takes lines and sees to it that they are stored."""

    def append(self, line: bytes, /) -> None:
        """Keep a line."""
        ...

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until all are stored."""
        ...

    @property
    def waiting(self) -> int:
        """Lines not stored yet."""
        ...


class DjangoUsage:
    """A listener for ``DynamicLLMClient(listeners=[DjangoUsage()])``: a few microseconds per call, and no row lost.

    Before a call is over its rows are in a file, which even ``kill -9`` leaves; one thread of the process carries
    them to the database in batches. In Django's tests rows are stored by ``flush()``, within the test's transaction.
    """

    def __init__(self, using: str | None = None) -> None:
        self._using = using
        self._keeper: Keeps | None = None

    def __call__(self, event: Event) -> None:
        """Keep the rows of a finished call; its tries come with it."""
        if isinstance(event, Answered):
            (self._keeper or self.keeper()).append(encode(rows_of(event)))

    def keeper(self) -> Keeps:
        """Who stores the rows for this process; also sends the signs of life that the admin shows."""
        self._keeper = keeper_of(self._using or default_database())
        return self._keeper

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until every row so far is in the database; False when that took too long."""
        return self.keeper().flush(timeout)

    async def aflush(self, timeout: float = 10.0) -> bool:
        """``flush`` that leaves the event loop free."""
        # In tests on the test's own thread, whose connection alone sees its rows.
        own_thread = no_thread(self._using or default_database())
        return await sync_to_async(self.flush, thread_sensitive=own_thread)(timeout)


class InTests:
    """Rows wait in memory until somebody flushes them with a connection that may see the test's transaction."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._lines: list[bytes] = []

    @property
    def waiting(self) -> int:
        """Lines not stored yet."""
        return len(self._lines)

    def append(self, line: bytes, /) -> None:
        """Keep a line."""
        self._lines.append(line)

    def flush(self, timeout: float = 10.0) -> bool:
        """Store and sum up now; ``timeout`` is for those who wait for somebody else."""
        waiting = len(self._lines)
        try:
            self._store(self._lines[:waiting])
        except SynchronousOnlyOperation:
            raise ConfigurationError(
                "In tests, usage is stored with the test's own connection, which no coroutine may use. "
                "Write `await usage.aflush()`."
            ) from None
        del self._lines[:waiting]
        return True

    def _store(self, lines: Sequence[bytes]) -> None:
        from django_app.llms.usage.totals import roll_up

        if lines:
            table, name = UsageTable(self._using), f"tests-{os.getpid()}"
            # Asked each time: the last test's transaction was rolled back, and its spool with it.
            last = table.last(name)
            calls = [decode(line) for line in lines]
            table.store(Batch(spool=name, first=last + 1, last=last + len(calls), records=calls))
        roll_up(self._using)


_keepers: Final[dict[str, Keeps]] = {}
_making = Lock()


def keeper_of(using: str) -> Keeps:
    """The one keeper of a database in this process."""
    with _making:
        if using not in _keepers:
            _keepers[using] = InTests(using) if no_thread(using) else _keeper(using)
        return _keepers[using]


def _keeper(using: str) -> Keeper[list[Usage]]:
    chores = Chores(using)
    keeper: Keeper[list[Usage]] = Keeper(
        directory(using),
        decode=decode,
        sink=UsageTable(using),
        around=lambda: private_connection(using),
        chores=chores.do,
    )
    chores.keeper = keeper
    return keeper
