"""Who looks at the database for a process: a thread of its own, or (in tests) whoever asks."""

import asyncio
import atexit
from contextlib import suppress
from logging import getLogger
from threading import Condition, current_thread, main_thread
from threading import Thread as SystemThread
from typing import Final, Protocol
from weakref import WeakSet

from django.db import connections

from creative_services.adapters.django_reading import Pace
from creative_services.adapters.django_redis import RedisEar
from creative_services.adapters.django_wakeups import Bell, listen, private_connection

_log = getLogger("creative_services.registry")

_STOP_SECONDS: Final = 1.0
# After a failure the settings may be what is broken, so the pause is not read from them.
_RETRY_SECONDS: Final = 0.5


class Looks(Protocol):
    """What a follower needs of its feed."""

    alias: str

    @property
    def pace(self) -> Pace:
        """How closely to follow."""
        ...

    def look(self) -> None:
        """Look once."""
        ...

    def lost(self, error: BaseException) -> None:
        """The look failed."""
        ...


class Follower(Protocol):
    """Looks when asked, and maybe by itself."""

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        ...

    def look(self, timeout: float) -> None:
        """Return when a look that began after this call is over, or after ``timeout`` seconds."""
        ...

    def stop(self) -> None:
        """Look no more."""
        ...


class Inline:
    """Looks with the connection of whoever asks: in tests, where another connection sees nothing of the test's data."""

    alive = True

    def __init__(self, feed: Looks) -> None:
        self._feed = feed

    def look(self, timeout: float) -> None:
        """Look now; from a coroutine in a helper thread, since Django's ORM refuses to work on an event loop."""
        if not on_event_loop():
            self._look_here()
        else:
            helper = SystemThread(target=self._look_and_close, name="creative-services-look")
            helper.start()
            helper.join(timeout)

    def _look_here(self) -> None:
        # In a worker thread that has no connection, nobody would ever close the one we open.
        if current_thread() is main_thread() or connections[self._feed.alias].connection is not None:
            self._look()
        else:
            self._look_and_close()

    def _look(self) -> None:
        try:
            self._feed.look()
        except Exception as error:  # noqa: BLE001 - a database, a resolver, a setting: each is the feed's to report
            self._feed.lost(error)

    def _look_and_close(self) -> None:
        with private_connection(self._feed.alias):
            self._look()

    def stop(self) -> None:
        """Nothing runs by itself."""


def on_event_loop() -> bool:
    """Whether a loop runs in this thread: Django's ORM refuses to work there."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Thread:
    """A daemon thread with a connection of its own: no look-up, request or event loop ever waits for its polls."""

    def __init__(self, feed: Looks) -> None:
        self._feed = feed
        self._bell = Bell()
        self._turn = Condition()
        self._asked = self._served = 0
        self._stopping = False
        self._thread = SystemThread(target=self._run, name=f"creative-services-feed-{feed.alias}", daemon=True)
        self._thread.start()
        _running.add(self)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def look(self, timeout: float) -> None:
        """Wake the thread, and wait for a look that began after now."""
        if current_thread() is self._thread:
            return  # a receiver or resolver called by the thread itself: it would wait for its own end
        with self._turn:
            self._asked += 1
            ticket = self._asked
        self._bell.ring()
        with self._turn:
            self._turn.wait_for(lambda: self._served >= ticket or not self.alive, timeout)

    def stop(self) -> None:
        """End the thread; its connection is closed by itself."""
        self._stopping = True
        self._bell.ring()
        if current_thread() is not self._thread:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        ear = RedisEar(self._bell)
        while not self._stopping:
            try:
                self._follow(ear)
            except Exception as error:  # noqa: BLE001 - as above; the thread must outlive whatever happens
                self._feed.lost(error)
                self._serve(self._asked)
                self._bell.wait(_RETRY_SECONDS)
        ear.close()
        self._bell.close()

    def _follow(self, ear: RedisEar) -> None:
        with private_connection(self._feed.alias) as connection:
            socket = listen(connection, self._bell)
            while not self._stopping:
                asked = self._asked
                self._feed.look()
                if connection.vendor == "sqlite":
                    connection.close()  # or a file put in its place, a restored backup say, would never be seen
                self._serve(asked)
                pace = self._feed.pace
                ear.listen(pace.redis_url)
                self._bell.wait(pace.poll_seconds, socket)

    def _serve(self, ticket: int) -> None:
        with self._turn:
            self._served = ticket
            self._turn.notify_all()


_running: WeakSet[Thread] = WeakSet()


def after_fork() -> None:
    """A child has none of its parent's threads to stop."""
    _running.clear()


@atexit.register
def _stop_all() -> None:
    for thread in list(_running):
        with suppress(RuntimeError):  # joining while the interpreter goes down
            thread.stop()
