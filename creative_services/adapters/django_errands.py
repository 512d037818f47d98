"""A thread with a database connection of its own, for coroutines that need a short answer from the database."""

import asyncio
import atexit
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Final, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from creative_services.adapters.django_follower import on_event_loop
from creative_services.adapters.django_testing import no_thread
from creative_services.adapters.django_wakeups import close_for_good, private_connection

T = TypeVar("T")

# SQLite says that it is locked, and a restarted PostgreSQL that the connection is gone: both pass.
_TRIES: Final = 3

Work = tuple[Callable[[], Any], "Future[Any]"]


class Lender:
    """Lends the connections of the thread that made it: in tests no other connection sees the rows of the test.

    The test's thread waits meanwhile, so the connection is used by one thread at a time all the same.
    """

    def __init__(self) -> None:
        # A coroutine's connections are not its thread's: no other code has them, and so none has the test's rows.
        self._own = None if on_event_loop() else {alias: connections[alias] for alias in connections}

    async def run(self, using: str, work: Callable[[], T]) -> T:
        """The result of ``work``: with what is lent, or where the ORM's own async methods work."""
        if self._own is None:
            return await sync_to_async(_closing)(using, work)
        return await asyncio.to_thread(self._with_lent, using, self._own[using], work)

    def _with_lent(self, using: str, lent: BaseDatabaseWrapper, work: Callable[[], T]) -> T:
        there = connections[using]
        lent.inc_thread_sharing()
        connections[using] = lent
        try:
            return _closing(using, work)
        finally:
            connections[using] = there
            lent.dec_thread_sharing()


def _closing(using: str, work: Callable[[], T]) -> T:
    # A thread of an executor ends without a word, and what it opened would stay open.
    connection = connections[using]
    was_open = connection.connection is not None
    try:
        return work()
    finally:
        if not was_open:
            close_for_good(connection)


class Errands:
    """Runs one piece of work after the other for one database; a connection per request would cost more than it."""

    def __init__(self, using: str, purpose: str) -> None:
        self._using = using
        self._purpose = purpose
        self.start_afresh()

    def start_afresh(self) -> None:
        """A forked child has no thread of its parent."""
        self._lock = Lock()
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def run(self, work: Callable[[], T], lender: "Lender") -> T:
        """The result of ``work``, which runs on the errands' thread."""
        if no_thread(self._using):
            return await lender.run(self._using, work)
        done: Future[T] = Future()
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._work, name=f"creative-services-{self._purpose}", daemon=True)
                self._thread.start()
            self._waiting.put((work, done))
        return await asyncio.wrap_future(done)

    def stop(self) -> None:
        """Finish what waits, and close the connection."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread:
            self._waiting.put(None)
            thread.join(5)

    def _work(self) -> None:
        with private_connection(self._using):
            while item := self._waiting.get():
                work, done = item
                if done.set_running_or_notify_cancel():
                    self._answer(work, done)

    def _answer(self, work: Callable[[], Any], done: "Future[Any]") -> None:
        for left in reversed(range(_TRIES)):
            try:
                done.set_result(work())
            except (OperationalError, InterfaceError) as error:
                with suppress(DatabaseError):
                    connections[self._using].close()
                if not left:
                    done.set_exception(error)
            except Exception as error:  # noqa: BLE001 - it is the caller's, who waits for it
                done.set_exception(error)
            if done.done():
                return


_errands: Final[dict[tuple[str, str], Errands]] = {}


def errands_of(using: str, purpose: str) -> Errands:
    """The errands of a database in this process; each purpose has a thread, so that none waits for another's."""
    return _errands.setdefault((using, purpose), Errands(using, purpose))


def _stop_all() -> None:
    for each in list(_errands.values()):
        each.stop()


def _after_fork() -> None:
    for each in _errands.values():
        each.start_afresh()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
