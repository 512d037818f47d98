"""From one row of the table to one entry."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from logging import getLogger
from typing import Any, Final

from django.db import models
from django.db.models.functions import Cast, JSONArray
from django.utils import timezone

from creative_services.catalog.prices import price_of, snapshot
from creative_services.core.entry_copies import alike
from creative_services.core.errors import ConfigurationError, CreativeServicesError
from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.core.pricing import Pricing, Rates, money
from creative_services.core.secrets import Secret
from django_app.llms import endpoints
from django_app.llms.keys.reading import read_key
from django_app.llms.keys.written import SEALED_PREFIX
from django_app.llms.ordering import PRICE_ORDER

_OWN: Final = ("id", "name", "api_key", "api_endpoint", "options")
_COMMON: Final = (
    "is_active", "provider", "model_name", "tier", "max_tokens", "temperature", "cost_per_1k_input",
    "cost_per_1k_output", "capabilities", "context_window", "retires_on", "successor",
)  # fmt: skip
COLUMNS: Final = (*_OWN, *_COMMON)


class _Array(JSONArray):
    """On PostgreSQL without Django's way by JSONB, which takes half as long again, to become text at once."""

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_BUILD_ARRAY", **context)


def _text(what: Any) -> Cast:
    return Cast(what, models.TextField())


# A table of thousands has as many keys and endpoints, but some hundred models at most: what their rows have in common
# is read as one text, and understood once.
_AS_TEXT: Final = frozenset({"cost_per_1k_input", "cost_per_1k_output", "capabilities"})
_COMMON_TEXT: Final = _text(_Array(*(_text(name) if name in _AS_TEXT else models.F(name) for name in _COMMON)))
_CHOSEN: Final = ("id", "name", "api_key", "api_endpoint", _text("options"), _COMMON_TEXT)

# The columns of _CHOSEN.
Row = tuple[int, str, str, str, Any, str]
KEY: Final = 2
_TIERS: Final[Mapping[str, LLMTier]] = {tier.value: tier for tier in LLMTier}

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
    """What the rows of one reading have in common: the day, each reference's key and each model, asked for once."""

    today: date = field(default_factory=utc_today)
    keys: dict[str, Secret] = field(default_factory=dict, repr=False)
    firsts: dict[str, LLMEntry] = field(default_factory=dict, repr=False)

    def first_of(self, row: Row) -> LLMEntry:
        """The entry of the first row of its kind, checked."""
        first = self.firsts[row[-1]] = _checked(row[0], row[1], json.loads(row[-1]), self.today)
        return first


def entry_of(
    row: Row, last_key: Secret | None, shared: Shared, first: LLMEntry | None = None
) -> tuple[LLMEntry, str | None]:
    """The entry of a row. One that cannot be asked is switched off, with the reason; it never fails the others.

    ``last_key`` is what the same reference gave before: a vault that is away for a minute must not stop the calls.
    """
    llm_id, name, key, endpoint, options, common = row
    first = first or shared.firsts.get(common) or shared.first_of(row)
    secret = why = None
    if (key or endpoint) and first.is_active:  # nobody asks one that is off, so nobody needs to hear what it lacks
        secret, why = _way(row, first.tier, last_key, shared)
    entry = alike(first, llm_id, name, secret, endpoint or None, {} if options == "{}" else _options(options))
    return (entry.using(is_active=False) if why else entry), why


def written_entry(values: Mapping[str, Any]) -> tuple[LLMEntry, str | None]:
    """The entry of a row that has these values of ``COLUMNS``, saved or not."""
    shared = Shared()
    common = [values[name] for name in _COMMON]
    first = _checked(values["id"], values["name"], common, shared.today)
    llm_id, name, key, endpoint, options = (values[name] for name in _OWN)
    return entry_of((llm_id, name, key, endpoint, options, ""), None, shared, first)


def _checked(llm_id: int, name: str, common: Sequence[Any], today: date) -> LLMEntry:
    (is_active, provider, model, tier, max_tokens, temperature, price_in, price_out,
     capabilities, context_window, retires_on, successor) = common  # fmt: skip
    return LLMEntry(
        id=llm_id,
        name=name,
        provider=provider,
        model=model,
        tier=_TIERS.get(tier, tier),
        max_tokens=max_tokens,
        temperature=temperature,
        is_active=bool(is_active),
        capabilities=json.loads(capabilities) if isinstance(capabilities, str) else capabilities,
        context_window=context_window,
        pricing=_card(provider, model, price_in, price_out, today),
        retires_on=date.fromisoformat(retires_on) if isinstance(retires_on, str) else retires_on,
        successor=successor or None,
    )


def _options(written: Any) -> Mapping[str, Any]:
    # Each entry its own, though many are alike: a dictionary could be changed by whoever gets it.
    options = json.loads(written) if isinstance(written, str) else written
    if not isinstance(options, Mapping):
        raise ConfigurationError("options hold no names with values.")
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


def _way(row: Row, tier: LLMTier, last_key: Secret | None, shared: Shared) -> tuple[Secret | None, str | None]:
    """The row's key; or why it cannot be asked."""
    llm_id, name, key, endpoint, *_ = row
    owner, why = f"entry {llm_id} '{name}'", None
    secret = shared.keys.get(key)
    if key and secret is None:
        secret, why = _key(key, llm_id, owner, last_key)
        if secret and not key.startswith(SEALED_PREFIX):
            # A sealed key belongs to its row: copied to another one it must be refused there.
            shared.keys[key] = secret
    refused = endpoints.literal_refusal(endpoint, tier) if endpoint else None
    return secret, why or (f"{owner} {refused}." if refused else None)


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
