"""The genai-prices package, spoken only here: its prices per million tokens become our cards per thousand."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from creative_services.core.pricing import Band, Pricing, Rates

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

_KEYS: Final = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "request": "requests_kcount",
}
# From a million tokens to a thousand, and from a thousand requests to one.
_THOUSAND: Final = Decimal(1000)
# Where the package calls a vendor by another name than we do.
_VENDORS: Final = {"gemini": "google", "xai": "x-ai"}

_BASE_SERVICES: Final = frozenset({"default", "standard", "auto"})

# What the request context calls a cheaper or faster lane, usage reports under one name: its service tier.
_LANES: Final = ("service_tier", "processing", "speed")


def card_on(provider: str, model: str, day: date) -> Pricing | None:
    """The card of a model on ``day``; None when the package is not installed or does not know the model."""
    found = find(provider, model)
    return None if found is None else _card(found, day)


def cards_from(provider: str, model: str, day: date) -> dict[date, Pricing]:
    """The card on ``day`` and every announced later one, by the day it begins."""
    found = find(provider, model)
    if found is None:
        return {}
    later = sorted(start for start in _starts(found) if start > day)
    return {start: _card(found, start) for start in (day, *later)}


def find(provider: str, model: str) -> "ModelInfo | None":
    """The package's record of a model."""
    try:
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        return None
    snapshot = get_snapshot()
    # By exact id: the package's own fuzzy match would price somebody's "my-openai-proxy" as OpenAI.
    name = _VENDORS.get(provider, provider)
    vendor = next((known for known in snapshot.providers if known.id == name), None)
    return vendor.find_model(model, all_providers=snapshot.providers) if vendor else None


def version() -> str:
    """The installed release, as a source note."""
    from importlib.metadata import version as installed

    return f"genai-prices {installed('genai-prices')}"


def _starts(model: "ModelInfo") -> set[date]:
    return {constraint.start_date for constraint in _constraints(model) if hasattr(constraint, "start_date")}


def _constraints(model: "ModelInfo") -> list[Any]:
    rows: list[Any] = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
    return [row.constraint for row in rows if row.constraint is not None]


def _card(model: "ModelInfo", day: date) -> Pricing:
    moment = _dearest_moment(model, day)
    base = _priced(model.get_prices(moment))
    lanes = {lane: _priced(model.get_prices(moment, context)) for lane, context in _contexts(model).items()}
    # A lane that is announced but not open yet has the base prices: leaving it out says the same.
    return replace(base, services={lane: card for lane, card in lanes.items() if card != base}, source=version())


def _dearest_moment(model: "ModelInfo", day: date) -> datetime:
    """Some vendors are cheaper at night: a card that holds all day must not promise less than the bill."""
    hours = [constraint.start_time for constraint in _constraints(model) if hasattr(constraint, "start_time")]
    moments = [datetime.combine(day, hour.replace(tzinfo=UTC)) for hour in (time(), *hours)]
    return max(moments, key=lambda moment: _base_prices(model.get_prices(moment)))


def _base_prices(prices: "ModelPrice") -> tuple[Decimal, ...]:
    rates = _priced(prices).rates
    return (rates.input or Decimal(0), rates.output or Decimal(0))


def _contexts(model: "ModelInfo") -> dict[str, dict[str, str]]:
    found = {}
    for variant in model.price_variants or ():
        for key in _LANES:
            lane = variant.when.get(key)
            if lane and lane not in _BASE_SERVICES and len(variant.when) == 1:
                found[lane] = dict(variant.when)
    return found


def _priced(prices: "ModelPrice") -> Pricing:
    """One list of prices without conditions: base rates, and bands at every prompt length where one of them changes."""
    table = {ours: getattr(prices, theirs) for ours, theirs in _KEYS.items()}
    starts = sorted({tier.start for price in table.values() for tier in getattr(price, "tiers", ())})
    bands = (Band(above=start, rates=_rates_above(start, table)) for start in starts)
    return Pricing(rates=_rates_above(-1, table), bands=tuple(bands))


def _rates_above(start: int, table: dict[str, Any]) -> Rates:
    return Rates(**{name: _rate_above(start, price) for name, price in table.items()})


def _rate_above(start: int, price: Any) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return None if price is None else price / _THOUSAND
    reached = [tier.price for tier in price.tiers if tier.start <= start]
    return Decimal(reached[-1] if reached else price.base) / _THOUSAND
