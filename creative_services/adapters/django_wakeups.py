"""What ends the wait between two polls early: a bell in this process, and PostgreSQL's NOTIFY."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging import getLogger
from selectors import EVENT_READ, DefaultSelector
from typing import Final

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

CHANNEL: Final = "creative_services_llms"

_log = getLogger("creative_services.registry")


class Bell:
    """Rung by any thread, heard by the one that waits, together with a database's socket."""

    def __init__(self) -> None:
        self._hear, self._rung = socket.socketpair()
        self._hear.setblocking(False)
        self._rung.setblocking(False)

    def ring(self) -> None:
        """End the wait. Ringing twice is as good as once."""
        with suppress(OSError):  # full: it rings already; closed: nobody waits any more
            self._rung.send(b"!")

    def wait(self, timeout: float, other: int | None = None) -> None:
        """Wait for the bell, for ``other`` to become readable, or for ``timeout`` seconds."""
        with DefaultSelector() as selector:
            selector.register(self._hear, EVENT_READ)
            if other is not None:
                selector.register(other, EVENT_READ)
            selector.select(timeout)
        with suppress(BlockingIOError):
            self._hear.recv(1024)

    def close(self) -> None:
        """Close both ends."""
        self._hear.close()
        self._rung.close()


@contextmanager
def private_connection(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """A connection of this thread alone, kept open while it works and closed after it.

    Not one of a pool: a feed would hold it for ever, and requests would go short of it.
    """
    written = connections.settings[alias]
    options = {name: value for name, value in written["OPTIONS"].items() if name != "pool"}
    settings = {**written, "OPTIONS": options, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}
    wrapper: BaseDatabaseWrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias)
    connections[alias] = wrapper
    try:
        yield wrapper
    finally:
        close_for_good(wrapper)
        del connections[alias]


def close_for_good(connection: BaseDatabaseWrapper) -> None:
    """Close a connection that nobody will use again."""
    with suppress(DatabaseError):  # it was broken already
        connection.close()
        if connection.connection is not None:
            # SQLite's own keeps databases in memory open: it takes every connection for their only one.
            BaseDatabaseWrapper.close(connection)


def listen(connection: BaseDatabaseWrapper, bell: Bell) -> int | None:
    """Let PostgreSQL ring; gives the socket to wait for, or None where there is nothing to hear."""
    if connection.vendor != "postgresql":
        return None
    connection.ensure_connection()
    raw = connection.connection
    if not hasattr(raw, "add_notify_handler"):
        return None  # psycopg 2: the poll alone follows
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
    except DatabaseError as error:  # a read-only standby takes no LISTEN
        _log.info("No NOTIFY from database '%s' (%s); its revision is polled.", connection.alias, error)
        return None
    # Rung for a notification that came together with a poll's answer; the look after it costs one small query.
    raw.add_notify_handler(lambda _: bell.ring())
    return int(raw.fileno())
