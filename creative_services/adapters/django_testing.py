"""Inside Django's tests: what a TestCase wrote is seen by look-ups at once, and forgotten with its rollback.

A TestCase never commits, so no other connection, and no thread, could see its rows.
"""

from threading import Lock
from typing import Any

from django.core import mail
from django.db import connections

from creative_services.adapters.django_reading import Held


def in_tests() -> bool:
    """Whether Django's test environment is set up (``outbox`` is its public mark)."""
    return hasattr(mail, "outbox")


def no_thread(alias: str) -> bool:
    """Whether only the asking thread can see the data: in tests, and for a database in memory."""
    settings = connections.settings[alias]
    name = str(settings["NAME"])
    in_memory = settings["ENGINE"].endswith("sqlite3") and (name == ":memory:" or "mode=memory" in name)
    return in_tests() or in_memory


class Uncommitted:
    """States read inside a test's transaction, each valid while that transaction is open."""

    __slots__ = ("_alias", "_lock", "_states")

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._lock = Lock()
        self._states: list[tuple[Any, Any, Held]] = []

    def held(self) -> Held | None:
        """The newest state whose transaction is still open. Reads attributes only, so any thread or loop may ask."""
        with self._lock:
            while self._states:
                connection, block, held = self._states[-1]
                if block in connection.atomic_blocks:
                    return held
                self._states.pop()
        return None

    def writing(self) -> bool:
        """Whether this thread's connection is inside the transaction of a test."""
        return in_tests() and self._block() is not None

    def keep(self, held: Held) -> bool:
        """Keep a state that was read inside a test's transaction; False when it was read outside of any."""
        block = self._block() if in_tests() else None
        if block is None:
            return False
        with self._lock:
            self._states.append((connections[self._alias], block, held))
        return True

    def forget(self) -> None:
        """Forget every state."""
        with self._lock:
            self._states.clear()

    def _block(self) -> Any:
        blocks = connections[self._alias].atomic_blocks
        return next((block for block in reversed(blocks) if getattr(block, "_from_testcase", False)), None)
