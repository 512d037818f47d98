"""What a registry's feed reads from one database."""

from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connections

from creative_services.adapters.django_reading import Held, Pace, Reading, Revision
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.secrets import Secret
from django_app.llms import conf, endpoints, signals
from django_app.llms.keys.written import Kind, kind_of
from django_app.llms.rows import KEY, Row, Shared, entry_of, pins_of, rows_of


@dataclass(frozen=True, slots=True)
class Known:
    """What the last reading gave, by id. Three dictionaries: a record for each row would be ten thousand of them."""

    rows: dict[int, Row] = field(default_factory=dict, repr=False)
    entries: dict[int, LLMEntry] = field(default_factory=dict)
    unavailable: dict[int, str] = field(default_factory=dict)


class LlmsSource:
    """Reads the ``Llms`` table of one database. Only the feed's own thread uses it."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._known = Known()

    @property
    def pace(self) -> Pace:
        """How closely to follow, from the settings."""
        found = conf.current()
        return Pace(poll_seconds=found.poll_seconds, reload_seconds=found.reload_seconds, redis_url=found.redis_url)

    def revision(self) -> Revision:
        """The one row; plain SQL, since the ORM's share of a poll would be ten times the database's."""
        with connections[self._alias].cursor() as cursor:
            cursor.execute("SELECT number, token FROM creative_services_revision WHERE id = 1")
            return Revision(*(cursor.fetchone() or (0, 0)))

    def read(self, revision: Revision, *, refresh: bool) -> Reading:
        """Every entry in one query; rows that did not change keep their entry."""
        before, now, shared = self._known, Known(), Shared()
        for row in rows_of(self._table()):
            llm_id = row[0]
            now.rows[llm_id] = row
            entry, why = before.entries.get(llm_id), before.unavailable.get(llm_id)
            if before.rows.get(llm_id) != row:
                entry, why = _understood(row, None, shared)
            elif refresh and (why or kind_of(row[KEY]) is Kind.REFERENCE):
                entry, why = _understood(row, entry.api_key if entry else None, shared)
            if entry:
                now.entries[llm_id] = entry
            if why:
                now.unavailable[llm_id] = why
        self._known = now
        entries = tuple(now.entries.values())
        return Reading(revision=revision, entries=entries, unavailable=now.unavailable, pinned=pins_of(self._table()))

    async def refusal(self, entry: LLMEntry) -> str | None:
        """Why the endpoint must not be called now, after asking DNS."""
        return await endpoints.arefusal(entry.api_endpoint, entry.tier)

    def announce(self, held: Held) -> None:
        """Send ``registry_changed``."""
        signals.send_registry_changed(self._alias, held)

    def _table(self) -> Any:
        return apps.get_model("creative_services_llms", "Llms")._base_manager.using(self._alias)


def _understood(row: Row, last_key: Secret | None, shared: Shared) -> tuple[LLMEntry | None, str | None]:
    try:
        return entry_of(row, last_key, shared)
    except (CreativeServicesError, TypeError, ValueError) as error:
        # Only SQL gets such a row past the constraints; it must not take the others with it.
        return None, f"entry {row[0]} '{row[1]}' is no valid entry: {error}"
