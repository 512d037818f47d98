"""What look-ups see of one database, and how a process keeps it: one feed per database, shared by every registry."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from logging import getLogger
from threading import Lock
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.core.exceptions import AppRegistryNotReady
from django.db import connections, router, transaction

from creative_services.adapters import django_follower, django_testing
from creative_services.adapters.django_follower import Follower, Inline, Thread
from creative_services.adapters.django_reading import EntrySource, Held, Pace, Revision
from creative_services.adapters.django_redis import tell
from creative_services.core.errors import ConfigurationError, RegistryUnavailableError
from creative_services.system_clock import SystemClock

if TYPE_CHECKING:
    from creative_services.core.clock import Clock

APP: Final = "creative_services_llms"
FIRST_LOAD_SECONDS: Final = 10.0
# A writer waits this long at its commit until this process sees the change; then it goes on, and the poll follows.
OWN_EDIT_SECONDS: Final = 2.0

_log = getLogger("creative_services.registry")


class Feed:
    """The state of one database's table in this process. ``current`` is all that a look-up reads."""

    __slots__ = ("_confirmed", "_follower", "_held", "_loaded", "_looking", "_starting", "_trouble", "alias", "clock",
                 "current", "source", "tests")  # fmt: skip

    def __init__(self, alias: str, source: EntrySource, clock: "Clock | None" = None) -> None:
        self.alias, self.source, self.clock = alias, source, clock or SystemClock()
        self.current: Held | None = _override()
        self.tests = django_testing.Uncommitted(alias)
        self._follower: Follower | None = None
        self._starting = Lock()
        self._looking = False
        self._forget()

    def _forget(self) -> None:
        self._held: Held | None = None
        self._confirmed = self._loaded = float("-inf")
        self._trouble: BaseException | None = None

    @property
    def stale_for(self) -> float:
        """Seconds since the database last confirmed the state."""
        return self.clock.now() - self._confirmed

    def first(self) -> Held:
        """What look-ups do while there is no current state: wait for the follower's first look."""
        if held := self.current or self.tests.held():
            return held
        self.follower().look(FIRST_LOAD_SECONDS)
        if held := self.current or self.tests.held() or self._held:
            return held
        raise RegistryUnavailableError(
            f"Database '{self.alias}' never gave its language models: {self._trouble or 'no answer in time'}. "
            "Check the database, and that `manage.py migrate` has run."
        ) from self._trouble

    def follower(self) -> Follower:
        """Who looks at the database for this process; started by the first who asks."""
        with self._starting:
            if self._follower is None or not self._follower.alive:
                self._follower = Inline(self) if django_testing.no_thread(self.alias) else Thread(self)
            return self._follower

    @property
    def pace(self) -> Pace:
        """How closely to follow."""
        return self.source.pace

    def look(self) -> None:
        """One look at the database, by the follower: load if there is news."""
        self._looking = True
        try:
            self._look()
        finally:
            self._looking = False

    def _look(self) -> None:
        revision, now = self.source.revision(), self.clock.now()
        refresh = now - self._loaded >= self.pace.reload_seconds
        if refresh or self._is_news(revision):
            self._take(Held.of(self.source.read(revision, refresh=refresh), self.clock.utcnow()))
            self._loaded = now
        elif self.current is None and self._held:
            self._show(self._held)
        self._confirmed = now
        self._found()

    def _is_news(self, revision: Revision) -> bool:
        held = self._held
        if held is None or held.reading.revision != revision:
            return True
        return held.pins_end is not None and held.pins_end <= self.clock.utcnow()

    def _take(self, held: Held) -> None:
        before, self._held = self._held, held
        self._show(held)
        if before is None or before.reading.revision != held.reading.revision or before.snapshot != held.snapshot:
            self.source.announce(held)

    def _show(self, held: Held) -> None:
        in_a_test = self.tests.keep(held)
        if not _overrides:
            self.current = None if in_a_test else held

    def lost(self, error: BaseException) -> None:
        """The look failed: say so once, and go on with what there is."""
        if self._trouble is None and self._held:
            _log.warning(
                "The language models of database '%s' cannot be read (%s). Revision %s is still served; trying on.",
                self.alias, error, self._held.reading.revision,
            )  # fmt: skip
        self._trouble = error

    def _found(self) -> None:
        if self._trouble is not None and self._held:
            _log.warning("The language models of database '%s' can be read again.", self.alias)
        self._trouble = None

    def edited(self) -> None:
        """This process changed an entry: from its commit on, look-ups here see it."""
        if self.tests.writing():
            self.reload()  # no commit will come, and this connection alone sees the rows
        else:
            _once_at_commit(_Committed(self.alias))

    def committed(self) -> None:
        """The change is there for everybody: see it now, and let the others know."""
        # The very first look may have read what was there before this change, and not be over yet.
        if self._held or self.current or self._looking:
            self.follower().look(OWN_EDIT_SECONDS)
        if url := self.pace.redis_url:
            tell(url, self.alias)

    def reload(self) -> None:
        """Read everything again now, keys included."""
        self._loaded = float("-inf")
        self.follower().look(FIRST_LOAD_SECONDS)

    def forget(self) -> None:
        """Start over: the next look-up loads."""
        self._forget()
        self.tests.forget()
        self.current = _override()

    def after_fork(self) -> None:
        """A child has no thread of its parent, and must not trust its age: the next look-up starts anew.

        What the parent knew stays as the answer while the child cannot reach the database.
        """
        self._starting, self._looking, self._follower, self._loaded = Lock(), False, None, float("-inf")
        self.tests = django_testing.Uncommitted(self.alias)
        self.current = _override()

    def stop(self) -> None:
        """End the thread and close its connection."""
        if self._follower:
            self._follower.stop()


_feeds: dict[str, Feed] = {}
_overrides: list[Held] = []
_making = Lock()


def default_database() -> str:
    """The database whose entries a registry without ``using`` reads."""
    try:
        return router.db_for_read(apps.get_model(APP, "Llms"))
    except AppRegistryNotReady as error:
        raise ConfigurationError(
            "DjangoLLMRegistry was asked before Django was set up. Call django.setup() first, or ask it later."
        ) from error
    except LookupError as error:
        raise ConfigurationError(
            "DjangoLLMRegistry reads the tables of an app that is not installed. "
            "Add 'django_app.llms' to INSTALLED_APPS, then run `manage.py migrate`."
        ) from error


def feed_of(alias: str) -> Feed:
    """The process's feed of this database."""
    with _making:
        if alias not in _feeds:
            config = apps.get_app_config(APP)
            _feeds[alias] = Feed(alias, config.entry_source(alias))  # type: ignore[attr-defined]  # our app's own method
        return _feeds[alias]


def feeds() -> Iterator[Feed]:
    """Every feed of this process."""
    yield from list(_feeds.values())


def override(held: Held) -> None:
    """Every registry of this process shows ``held``, whatever the database says, until ``restore``."""
    _overrides.append(held)
    _show_override()


def restore(held: Held) -> None:
    """Undo an ``override``."""
    _overrides.remove(held)
    _show_override()


def _override() -> Held | None:
    return _overrides[-1] if _overrides else None


def _show_override() -> None:
    for feed in feeds():
        feed.current = _override()


def edited(alias: str) -> None:
    """Called in the transaction of every change of an entry by this process."""
    feed_of(alias).edited()


@dataclass(frozen=True, slots=True)
class _Committed:
    """Equal for one database, so that a thousand saves in one transaction cause one look at its end."""

    alias: str

    def __call__(self) -> None:
        feed_of(self.alias).committed()


def _once_at_commit(call: _Committed) -> None:
    connection = connections[call.alias]
    waiting = connection.run_on_commit
    # The same savepoints too: one that rolls back takes only its own callbacks with it.
    if not any(waits[1] == call and waits[0] == set(connection.savepoint_ids) for waits in waiting[-1:]):
        transaction.on_commit(call, using=call.alias, robust=True)


def forget_all() -> None:
    """Start over in this process: settings or tables changed."""
    for feed in feeds():
        feed.forget()


def _after_fork() -> None:
    global _making
    _making = Lock()
    django_follower.after_fork()
    for feed in _feeds.values():
        feed.after_fork()


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
