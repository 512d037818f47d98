"""What tokens cost: a price card, and the sum for one usage."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from creative_services.core.errors import ConfigurationError
from creative_services.core.usage import Usage

_THOUSAND: Final = Decimal(1000)
_NOTHING: Final = Decimal(0)
_NOT_A_NUMBER: Final = Decimal("NaN")


def money(value: Any) -> Decimal | None:
    """A Decimal from what people write (``0.00015``, ``"0.00015"``); None stays None, which is not 0."""
    if value is None:
        return None
    try:
        # str() first: Decimal(0.1) would carry the float's binary dust into every sum.
        amount = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        amount = _NOT_A_NUMBER
    # One NaN among the prices would break the sorting of a whole registry.
    if not (amount.is_finite() and amount >= 0):
        raise ConfigurationError(f"{value!r} is no amount of money. Write a number of USD such as 0.00015, or 0.")
    return amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """USD per 1,000 tokens; a kind without its own rate is charged as plain input. ``request`` is USD per request."""

    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    request: Decimal | None = None

    def cost(self, usage: Usage) -> Decimal | None:
        """What ``usage`` costs at these rates; None when a rate it needs is unknown."""
        # Models that only read, such as embeddings, have no output price and need none.
        if self.input is None or (self.output is None and usage.output_tokens):
            return None
        # An endpoint that counts cached tokens beside the input instead of inside it must not earn us money.
        plain = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
        total = plain * self.input + usage.output_tokens * _first(self.output, _NOTHING)
        if usage.cached_tokens:
            total += usage.cached_tokens * _first(self.cached_input, self.input)
        if usage.cache_write_tokens:
            long = min(usage.cache_write_1h_tokens, usage.cache_write_tokens)
            short_rate = _first(self.cache_write, self.input)
            total += (usage.cache_write_tokens - long) * short_rate
            total += long * _first(self.cache_write_1h, short_rate)
        return total / _THOUSAND + _first(self.request, _NOTHING)


def _first(rate: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if rate is None else rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Other rates for the whole request once its input is longer than ``above`` tokens."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """A model's price card: base rates, long-context bands, cards for other service tiers (flex, batch, priority)."""

    rates: Rates = field(default_factory=Rates)
    bands: tuple[Band, ...] = ()
    services: Mapping[str, "Pricing"] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "bands", tuple(sorted(self.bands, key=lambda band: band.above)))

    def cost(self, usage: Usage) -> Decimal | None:
        """What ``usage`` costs; None when the price is not known, never 0 for want of knowing."""
        card = self.services.get(usage.service_tier, self) if self.services and usage.service_tier else self
        return card.rates_for(usage.input_tokens).cost(usage)

    def rates_for(self, input_tokens: int) -> Rates:
        """The rates of the highest band that ``input_tokens`` exceeds: vendors re-price the whole request."""
        chosen = self.rates
        for band in self.bands:
            if input_tokens > band.above:
                chosen = band.rates
        return chosen

    def with_base(self, *, input: Decimal | None, output: Decimal | None) -> "Pricing":  # noqa: A002 - the noun is input
        """This card with explicit base prices, which win: details that belonged to other prices are dropped."""
        if (input, output) == (self.rates.input, self.rates.output):
            return self
        return Pricing(rates=Rates(input=input, output=output), source="explicit")

    def sourced(self, source: str) -> "Pricing":
        """The same card, with a word on where it comes from."""
        return replace(self, source=source)


# One for all entries that have none: a card never changes, and most entries bring only their two prices.
UNPRICED: Final = Pricing()
