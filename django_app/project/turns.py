"""Several sites that start on one PostgreSQL at the same moment take turns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

# Any number that nobody else takes.
_LOCK: Final = 0x6372_6561_7469_7665


@contextmanager
def alone() -> Iterator[None]:
    """Nobody else prepares this database meanwhile."""
    if connection.vendor != "postgresql":  # a SQLite file belongs to one data directory, whose lock is held
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
