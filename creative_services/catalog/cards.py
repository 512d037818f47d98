"""A price card as plain data, for files: prices in USD per 1,000 tokens, written as text so that no digit is lost."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from creative_services.core.errors import ConfigurationError
from creative_services.core.pricing import Band, Pricing, Rates

RATE_NAMES: Final = tuple(field.name for field in fields(Rates))
_CARD_KEYS: Final = (*RATE_NAMES, "bands", "services")


def card_of(data: Mapping[str, Any], *, source: str, owner: str) -> Pricing:
    """The card that ``data`` describes; ``owner`` is named when it cannot be read."""
    _only(data, _CARD_KEYS, owner)
    return Pricing(
        rates=_rates(data, owner),
        bands=tuple(sorted((_band(row, owner) for row in data.get("bands", ())), key=lambda band: band.above)),
        services={name: card_of(card, source=source, owner=owner) for name, card in data.get("services", {}).items()},
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


def _band(row: Mapping[str, Any], owner: str) -> Band:
    _only(row, ("above", *RATE_NAMES), owner)
    if not isinstance(row.get("above"), int):
        raise ConfigurationError(f"{owner}: a price band says from which prompt length on it holds: above = 200000.")
    return Band(above=row["above"], rates=_rates(row, owner))


def _rates(row: Mapping[str, Any], owner: str) -> Rates:
    return Rates(**{name: price(row[name], owner=f"{owner}: {name}") for name in RATE_NAMES if name in row})


def price(written: Any, *, owner: str) -> Decimal:
    """A price that somebody wrote: a number or its text, not negative."""
    try:
        amount = Decimal(str(written))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(written, bool) or not amount.is_finite() or amount < 0:
        raise ConfigurationError(f"{owner} = {written!r} is no price. Write USD per 1,000 tokens, such as 0.00015.")
    return amount


def _rates_data(rates: Rates) -> dict[str, Any]:
    known = ((name, getattr(rates, name)) for name in RATE_NAMES)
    return {name: plain(amount) for name, amount in known if amount is not None}


def plain(amount: Decimal) -> str:
    """An amount without exponent and without trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _only(written: Mapping[str, Any], known: tuple[str, ...], owner: str) -> None:
    from creative_services.config import only_known

    only_known(written, known, owner)
