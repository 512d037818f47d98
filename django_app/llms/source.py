"""From rows to entries: what a registry's feed reads from one database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from logging import getLogger
from typing import Any, Final

from django.apps import apps
from django.db import connections

from creative_services.adapters.django_reading import Held, Pace, Reading, Revision
from creative_services.catalog.prices import price_of, snapshot
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.pricing import money
from creative_services.core.secrets import Secret
from django_app.llms import conf, endpoints, signals
from django_app.llms.keys.reading import read_key
from django_app.llms.keys.written import Kind, kind_of

COLUMNS: Final = (
    "id", "name", "provider", "model_name", "tier", "api_key", "api_endpoint", "max_tokens", "temperature",
    "cost_per_1k_input", "cost_per_1k_output", "is_active", "capabilities", "context_window", "options",
    "retires_on", "successor",
)  # fmt: skip
_KEY: Final = COLUMNS.index("api_key")

_log = getLogger("creative_services.registry")

_AS_THEY_ARE: Final = (
    "id", "name", "provider", "tier", "max_tokens", "temperature", "capabilities", "context_window", "options",
    "retires_on",
)  # fmt: skip

Row = tuple[Any, ...]


class LlmsSource:
    """Reads the ``Llms`` table of one database. Only the feed's own thread uses it."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._known: dict[int, tuple[Row, LLMEntry, str | None]] = {}

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
        known, pinned = {}, {}
        for *row, pinned_until in self._rows():
            known[row[0]] = self._entry(tuple(row), refresh=refresh)
            if pinned_until is not None:
                pinned[row[0]] = pinned_until
        self._known = known
        return Reading(
            revision=revision,
            entries=tuple(entry for _, entry, _ in known.values()),
            unavailable={llm_id: why for llm_id, (_, _, why) in known.items() if why},
            pinned=pinned,
        )

    async def refusal(self, entry: LLMEntry) -> str | None:
        """Why the endpoint must not be called now, after asking DNS."""
        return await endpoints.arefusal(entry.api_endpoint, entry.tier)

    def announce(self, held: Held) -> None:
        """Send ``registry_changed``."""
        signals.send_registry_changed(self._alias, held)

    def _rows(self) -> Any:
        model = apps.get_model("creative_services_llms", "Llms")
        rows = model._base_manager.using(self._alias).order_by()
        return rows.values_list(*COLUMNS, "pinned_until").iterator(chunk_size=2000)

    def _entry(self, row: Row, *, refresh: bool) -> tuple[Row, LLMEntry, str | None]:
        before = self._known.get(row[0])
        if before is None or before[0] != row:
            return (row, *entry_of(row, None))
        if refresh and (before[2] or kind_of(row[_KEY]) is Kind.REFERENCE):
            return (row, *entry_of(row, before[1].api_key))
        return before


def entry_of(row: Row, last_key: Secret | None) -> tuple[LLMEntry, str | None]:
    """The entry of a row. One that cannot be asked is switched off, with the reason; it never fails the others.

    ``last_key`` is what the same reference gave before: a vault that is away for a minute must not stop the calls.
    """
    fields = dict(zip(COLUMNS, row, strict=True))
    key, why = _key(fields, last_key)
    why = why or _refused(fields)
    return _with_card(_made(fields, key, usable=not why)), why


def _made(fields: dict[str, Any], key: Secret | None, *, usable: bool) -> LLMEntry:
    rest = {name: fields[name] for name in _AS_THEY_ARE}
    return LLMEntry(
        model=fields["model_name"],
        api_key=key,
        api_endpoint=fields["api_endpoint"] or None,
        successor=fields["successor"] or None,
        is_active=fields["is_active"] and usable,
        cost_per_1k_input=_trimmed(fields["cost_per_1k_input"]),
        cost_per_1k_output=_trimmed(fields["cost_per_1k_output"]),
        **rest,
    )


def _with_card(entry: LLMEntry) -> LLMEntry:
    """What cached and long prompts cost, where the prices are those of the catalogue; other prices stand alone."""
    if entry.model not in snapshot()["models"].get(entry.provider, ()):
        return entry
    prices = (entry.cost_per_1k_input, entry.cost_per_1k_output)
    card = price_of(entry.provider, entry.model, datetime.now(UTC).date())
    return entry if card is None or (card.rates.input, card.rates.output) != prices else replace(entry, pricing=card)


def _trimmed(written: Any) -> Decimal | None:
    # The column has ten places; people are shown 0.0005, not 0.0005000000. A row not yet saved may hold any number.
    price = money(written)
    if price is None:
        return None
    trimmed = price.normalize()
    return trimmed if trimmed.as_tuple().exponent <= 0 else trimmed.quantize(1)  # type: ignore[operator]  # finite here


def _key(fields: Mapping[str, Any], last_key: Secret | None) -> tuple[Secret | None, str | None]:
    if not fields["is_active"]:
        return None, None  # nobody asks it, so nobody needs to hear that its key is missing
    owner = f"entry {fields['id']} '{fields['name']}'"
    try:
        return read_key(fields["api_key"], fields["id"], owner=owner), None
    except CreativeServicesError as error:
        why: str = str(error)
    except Exception as error:  # noqa: BLE001 - a resolver is somebody else's code; one bad key must not hide all entries
        why = f"{owner}: its key could not be resolved: {type(error).__name__}."
    if last_key is not None:
        _log.warning("%s The key from before is still used.", why)
        return last_key, None
    return None, why


def _refused(fields: Mapping[str, Any]) -> str | None:
    if not (fields["is_active"] and fields["api_endpoint"]):
        return None
    why = endpoints.literal_refusal(fields["api_endpoint"], fields["tier"])
    return f"entry {fields['id']} '{fields['name']}' {why}." if why else None
