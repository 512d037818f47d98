"""What a model costs: the snapshot in ``prices.json`` first, then the genai-prices package if it is installed."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

from creative_services.catalog.cards import card_of
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.pricing import Pricing, Rates

# Models that run on machines of one's own send no bill per token.
_FREE: Final = frozenset({"ollama", "offline"})
_NOTHING: Final = Pricing(rates=Rates(input=Decimal(0), output=Decimal(0)), source="runs locally")


def price_of(provider: str, model: str, at: date) -> Pricing | None:
    """The price card of a model on a day; None when nobody we ask knows it."""
    if provider in _FREE:
        return _NOTHING
    return _from_snapshot(provider, model, at) or _from_package(provider, model, at)


def priced(entry: LLMEntry, at: date) -> LLMEntry:
    """The entry with its model's price card; prices it was given win. For when an entry is written, not per call."""
    if entry.pricing.source not in ("", "explicit") or _has_card(entry.pricing):
        return entry
    card = price_of(entry.provider, entry.model, at)
    return entry if card is None else entry.using(pricing=card)


def _has_card(pricing: Pricing) -> bool:
    # Somebody wrote a whole card, not only the two base prices: theirs is left as it is.
    return pricing.source == "" and pricing != Pricing()


def _from_snapshot(provider: str, model: str, at: date) -> Pricing | None:
    found: Mapping[str, Any] | None = None
    for row in snapshot()["models"].get(provider, {}).get(model, ()):
        if found is None or date.fromisoformat(row["from"]) <= at:
            found = row["card"]
    return None if found is None else card_of(found, source=snapshot()["source"], owner=f"prices.json: {model}")


def _from_package(provider: str, model: str, at: date) -> Pricing | None:
    # A third of a second and a large table, so only for models the snapshot lacks.
    from creative_services.catalog.genai import card_on

    return card_on(provider, model, at)


@cache
def snapshot() -> Mapping[str, Any]:
    """The prices that ship with this version: source, day, and dated cards per provider and model."""
    import json

    content: dict[str, Any] = json.loads(files(__package__).joinpath("prices.json").read_text(encoding="utf-8"))
    return content
