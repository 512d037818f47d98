"""A price card as plain data, for files: prices in USD per 1,000 tokens, written as text so that no digit is lost."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

from creative_services.config import only_known
from creative_services.core.errors import ConfigurationError
from creative_services.core.pricing import Band, Pricing, Rates, money

RATE_NAMES: Final = tuple(field.name for field in fields(Rates))
CARD_KEYS: Final = (*RATE_NAMES, "bands", "services")


def card_of(data: Any, *, source: str, owner: str) -> Pricing:
    """The card that ``data`` describes; ``owner`` is named when it cannot be read."""
    table = _table(data, CARD_KEYS, owner)
    bands, services = table.get("bands", []), table.get("services", {})
    if not isinstance(bands, list) or not isinstance(services, dict):
        raise ConfigurationError(f"{owner}: bands is a list of tables, and services a table of price cards.")
    return Pricing(
        rates=_rates(table, owner),
        bands=tuple(_band(band, f"{owner}, band {number}") for number, band in enumerate(bands, 1)),
        services={name: card_of(card, source=source, owner=f"{owner}, {name}") for name, card in services.items()},
        source=source,
    )


def data_of(card: Pricing) -> dict[str, Any]:
    """The same card as data; rates that are not known are left out."""
    data: dict[str, Any] = _rates_data(card.rates)
    if card.bands:
        data["bands"] = [{"above": band.above, **_rates_data(band.rates)} for band in card.bands]
    if card.services:
        data["services"] = {name: data_of(card.services[name]) for name in sorted(card.services)}
    return data


def _table(data: Any, known: tuple[str, ...], owner: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ConfigurationError(f"{owner}: a price card is a table such as {{ input = 0.001, output = 0.002 }}.")
    only_known(data, known, owner)
    return data


def _band(data: Any, owner: str) -> Band:
    row = _table(data, ("above", *RATE_NAMES), owner)
    above = row.get("above")
    if not isinstance(above, int) or isinstance(above, bool):
        raise ConfigurationError(f"{owner}: says above which prompt length it holds, such as above = 200000.")
    return Band(above=above, rates=_rates(row, owner))


def _rates(row: Mapping[str, Any], owner: str) -> Rates:
    try:
        return Rates(**{name: money(row[name]) for name in RATE_NAMES if name in row})
    except ConfigurationError as error:
        raise ConfigurationError(f"{owner}: {error}") from None


def _rates_data(rates: Rates) -> dict[str, Any]:
    known = ((name, getattr(rates, name)) for name in RATE_NAMES)
    return {name: plain(amount) for name, amount in known if amount is not None}


def plain(amount: Decimal) -> str:
    """An amount without exponent and without trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
