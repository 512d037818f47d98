"""From one row of the table to one entry."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from logging import getLogger
from typing import Any, Final

from django.db import models
from django.db.models.functions import Cast
from django.utils import timezone

from creative_services.catalog.prices import price_of, snapshot
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.core.pricing import Pricing, Rates, money
from creative_services.core.secrets import Secret
from django_app.llms import endpoints
from django_app.llms.keys.reading import read_key
from django_app.llms.keys.written import SEALED_PREFIX
from django_app.llms.ordering import PRICE_ORDER

COLUMNS: Final = (
    "id", "name", "provider", "model_name", "tier", "api_key", "api_endpoint", "max_tokens", "temperature",
    "cost_per_1k_input", "cost_per_1k_output", "is_active", "capabilities", "context_window", "options",
    "retires_on", "successor",
)  # fmt: skip
KEY: Final = COLUMNS.index("api_key")
_TIERS: Final[Mapping[str, LLMTier]] = {tier.value: tier for tier in LLMTier}

_TEXT: Final["models.Field[Any, Any]"] = models.TextField()


class _AsStored(models.IntegerField):  # type: ignore[type-arg]  # a form for Cast, never a column of a model
    """A whole number as the driver gives it: Django calls ``int`` for every row of an IntegerField."""

    def get_internal_type(self) -> str:
        return "AsStored"

    def cast_db_type(self, connection: Any) -> str | None:
        return models.IntegerField().cast_db_type(connection)


# Read in forms that no converter touches row by row: a table of thousands has some hundred prices and a handful of
# lists, and each text needs to be understood only once.
_PLAIN: Final[Mapping[str, "models.Field[Any, Any]"]] = {
    **dict.fromkeys(("cost_per_1k_input", "cost_per_1k_output", "capabilities", "options", "retires_on"), _TEXT),
    "is_active": _AsStored(),
}
_CHOSEN: Final = tuple(Cast(name, _PLAIN[name]) if name in _PLAIN else models.F(name) for name in COLUMNS)

Row = tuple[Any, ...]

_log = getLogger("creative_services.registry")


def rows_of(table: "models.QuerySet[Any]") -> Iterable[Row]:
    """Each row's columns, in one query; in selection order, since sorting what is sorted costs Python little."""
    return table.order_by(*PRICE_ORDER).values_list(*_CHOSEN).iterator(chunk_size=2000)


def pins_of(table: "models.QuerySet[Any]") -> dict[int, datetime]:
    """Until when which rows are pinned."""
    return dict(table.order_by().filter(pinned_until__gt=timezone.now()).values_list("id", "pinned_until"))


def utc_today() -> date:
    """The day whose prices hold."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Shared:
    """What the rows of one reading have in common: the day, and each reference's key, asked for once."""

    today: date = field(default_factory=utc_today)
    keys: dict[str, Secret] = field(default_factory=dict, repr=False)


def entry_of(row: Row, last_key: Secret | None, shared: Shared | None = None) -> tuple[LLMEntry, str | None]:
    """The entry of a row. One that cannot be asked is switched off, with the reason; it never fails the others.

    ``last_key`` is what the same reference gave before: a vault that is away for a minute must not stop the calls.
    """
    (llm_id, name, provider, model, tier, key, endpoint, max_tokens, temperature, price_in, price_out, is_active,
     capabilities, context_window, options, retires_on, successor) = row  # fmt: skip
    shared = shared or Shared()
    secret = why = None
    if is_active:  # nobody asks one that is off, so nobody needs to hear what it lacks
        if key and (secret := shared.keys.get(key)) is None:
            secret, why = _key(key, llm_id, f"entry {llm_id} '{name}'", last_key)
            _share(key, secret, why, shared)
        why = why or (_refused(endpoint, tier, llm_id, name) if endpoint else None)
    entry = LLMEntry(
        id=llm_id,
        name=name,
        provider=provider,
        model=model,
        tier=_TIERS.get(tier, tier),
        api_key=secret,
        api_endpoint=endpoint or None,
        max_tokens=max_tokens,
        temperature=temperature,
        is_active=bool(is_active) and why is None,
        capabilities=_words(capabilities) if isinstance(capabilities, str) else capabilities,
        context_window=context_window,
        pricing=_card(provider, model, price_in, price_out, shared.today),
        retires_on=date.fromisoformat(retires_on) if isinstance(retires_on, str) else retires_on,
        successor=successor or None,
        options=_options(options) if isinstance(options, str) else options,
    )
    return entry, why


@lru_cache(maxsize=1024)
def _words(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def _options(text: str) -> dict[str, Any]:
    # Not remembered like the words: a dictionary could be changed by whoever gets it.
    options: dict[str, Any] = {} if text == "{}" else json.loads(text)
    return options


@lru_cache(maxsize=4096)
def _card(provider: str, model: str, price_in: Any, price_out: Any, today: date) -> Pricing:
    """The row's prices; where they are those of the catalogue, with what cached and long prompts cost."""
    rates = Rates(input=_trimmed(price_in), output=_trimmed(price_out))
    if model in _catalogue().get(provider, ()):
        known = price_of(provider, model, today)
        if known is not None and (known.rates.input, known.rates.output) == (rates.input, rates.output):
            return known
    return Pricing(rates=rates, source="explicit")


def _catalogue() -> Mapping[str, Any]:
    models_known: Mapping[str, Any] = snapshot()["models"]
    return models_known


def _trimmed(written: Any) -> Decimal | None:
    # The column has ten places; people are shown 0.0005, not 0.0005000000. A row not yet saved may hold any number.
    price = money(written)
    if price is None:
        return None
    trimmed = price.normalize()
    # From ten on it may have turned to an exponent: 2E+1.
    return trimmed if price < 10 else Decimal(f"{trimmed:f}")


def _key(text: str, llm_id: int, owner: str, last_key: Secret | None) -> tuple[Secret | None, str | None]:
    try:
        return read_key(text, llm_id, owner=owner), None
    except CreativeServicesError as error:
        why: str = str(error)
    except Exception as error:  # noqa: BLE001 - a resolver is somebody else's code; one bad key must not hide all entries
        why = f"{owner}: its key could not be resolved: {type(error).__name__}."
    if last_key is not None:
        _log.warning("%s The key from before is still used.", why)
        return last_key, None
    return None, why


def _share(text: str, found: Secret | None, why: str | None, shared: Shared) -> None:
    # A sealed key belongs to its row: copied to another one it must be refused there.
    if found is not None and why is None and not text.startswith(SEALED_PREFIX):
        shared.keys[text] = found


def _refused(endpoint: str, tier: str, llm_id: int, name: str) -> str | None:
    why = endpoints.literal_refusal(endpoint, tier)
    return f"entry {llm_id} '{name}' {why}." if why else None
