"""The keys of a Django project as a gateway's feed: one small query a look, one more when something changed."""

import asyncio
from collections.abc import Hashable, Iterable
from typing import Final, Protocol

from django.apps import apps
from django.core.exceptions import AppRegistryNotReady
from django.db import DatabaseError, connections, router

from creative_services.adapters.django_errands import Lender, errands_of
from creative_services.core.access import KeyRecord, KeySnapshot
from creative_services.core.errors import ConfigurationError, StoreUnreachableError

APP: Final = "creative_services_access"
# A database that takes longer is taken for one that is away. The keys known last stay valid meanwhile.
ANSWER_SECONDS: Final = 5.0


class KeySource(Protocol):
    """Where the feed reads from; the Django app hands one out for each database."""

    def revision(self) -> Hashable:
        """The revision now: one row."""
        ...

    def records(self) -> Iterable[KeyRecord]:
        """Every key that may come in."""
        ...


class DjangoKeys:
    """A ``KeyFeed`` over the ``AccessKey`` table; ``build(Parts(feed=DjangoKeys(), ...))``.

    It asks on a thread of its own with a connection of its own: no call ever waits for the database.
    """

    __slots__ = ("_lender", "_records", "_source", "_using")

    def __init__(self, using: str | None = None) -> None:
        self._using = using
        self._lender = Lender()
        self._source: KeySource | None = None
        self._records: dict[bytes, KeyRecord] = {}

    async def fetch(self, known: Hashable) -> KeySnapshot | None:
        """The keys of this moment; None when they are still those of the revision ``known``."""
        using = self._using = self._using or default_database()
        answer = errands_of(using, "keys").run(lambda: self._look(using, known), self._lender)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except TimeoutError:
            raise StoreUnreachableError(
                f"Database '{using}' gave no answer in {ANSWER_SECONDS:.0f} s. Check that it runs and can be reached."
            ) from None
        except DatabaseError as error:
            raise StoreUnreachableError(
                f"Database '{using}' does not give its keys: {error}. "
                "Check the database, and that `manage.py migrate` has run."
            ) from error

    def _look(self, using: str, known: Hashable) -> KeySnapshot | None:
        self._source = self._source or source_of(using)
        try:
            # The revision first: what changes in between is read again at the next look, and nothing is missed.
            revision = self._source.revision()
            return None if revision == known else self._read(self._source, revision)
        finally:
            if connections[using].vendor == "sqlite" and not connections[using].in_atomic_block:
                connections[using].close()  # or a file put in its place, a restored backup say, would never be seen

    def _read(self, source: KeySource, revision: Hashable) -> KeySnapshot:
        # A key that did not change stays the same object, by which limits and desks know it.
        before, found = self._records, {record.digest: record for record in source.records()}
        self._records = {key: before[key] if before.get(key) == record else record for key, record in found.items()}
        return KeySnapshot.of(self._records.values(), revision)


def default_database() -> str:
    """The database whose keys a feed without ``using`` reads."""
    try:
        return router.db_for_read(apps.get_model(APP, "AccessKey"))
    except AppRegistryNotReady as error:
        raise ConfigurationError(
            "DjangoKeys was asked before Django was set up. Call django.setup() first, or ask it later."
        ) from error
    except LookupError as error:
        raise ConfigurationError(
            "DjangoKeys reads the tables of an app that is not installed. Add 'django_app.llms' and "
            "'django_app.access' to INSTALLED_APPS, then run `manage.py migrate`."
        ) from error


def source_of(using: str) -> KeySource:
    """Where the keys of this database are read."""
    source: KeySource = apps.get_app_config(APP).key_source(using)  # type: ignore[attr-defined]  # our app's own method
    return source
