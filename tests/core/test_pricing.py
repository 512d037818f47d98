"""Sums of money: unknown is not free, and every token is charged once."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.errors import ConfigurationError
from creative_services.core.pricing import Band, Pricing, Rates, money
from creative_services.core.usage import Usage
from tests.core.strategies import AMOUNTS, CARDS, RATES, usages

D = Decimal
PLAIN = Pricing(rates=Rates(input=D("0.001"), output=D("0.002")))


@given(st.floats(min_value=0, max_value=1e6))
def test_a_float_becomes_the_number_a_person_sees(value: float) -> None:
    assert money(value) == D(repr(value))


def test_none_is_not_zero() -> None:
    assert money(None) is None
    assert money(0) == 0


@pytest.mark.parametrize("value", ["", "x", "NaN", "-inf", -0.01, D("sNaN")])
def test_what_is_no_money_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="no amount of money"):
        money(value)


@given(usages())
def test_an_unknown_price_never_becomes_free(usage: Usage) -> None:
    assert Pricing().cost(usage) is None
    assert Pricing(rates=Rates(output=D(1))).cost(usage) is None


@given(usages())
def test_a_price_of_zero_is_known(usage: Usage) -> None:
    assert Pricing(rates=Rates(input=D(0), output=D(0))).cost(usage) == 0


def test_a_model_that_only_reads_needs_no_output_price() -> None:
    reader = Pricing(rates=Rates(input=D("0.02")))
    assert reader.cost(Usage(input_tokens=500)) == D("0.01")
    assert reader.cost(Usage(input_tokens=500, output_tokens=1)) is None


def by_hand(rates: Rates, usage: Usage) -> Decimal:
    """Every token alone, at the rate of its kind."""
    assert rates.input is not None
    assert rates.output is not None
    cached = rates.input if rates.cached_input is None else rates.cached_input
    written = rates.input if rates.cache_write is None else rates.cache_write
    longer = written if rates.cache_write_1h is None else rates.cache_write_1h
    kinds = [
        (usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens, rates.input),
        (usage.cached_tokens, cached),
        (usage.cache_write_tokens - usage.cache_write_1h_tokens, written),
        (usage.cache_write_1h_tokens, longer),
        (usage.output_tokens, rates.output),
    ]
    return sum((count * rate for count, rate in kinds), D(0)) / 1000


@given(RATES, usages())
def test_every_token_is_charged_once_at_the_rate_of_its_kind(rates: Rates, usage: Usage) -> None:
    assert rates.cost(usage) == by_hand(rates, usage)


@given(RATES, usages(), usages())
def test_without_bands_two_answers_cost_their_sum(rates: Rates, one: Usage, other: Usage) -> None:
    parts = (rates.cost(one), rates.cost(other))
    assert rates.cost(one + other) == sum(part for part in parts if part is not None)


@given(CARDS, usages(), st.integers(0, 10_000))
def test_a_longer_answer_never_costs_less(card: Pricing, usage: Usage, more: int) -> None:
    before, after = card.cost(usage), card.cost(usage + Usage(output_tokens=more))
    assert before is not None
    assert after is not None
    assert after >= before >= 0


@given(CARDS, st.integers(0, 2_500_000))
def test_the_highest_band_that_is_exceeded_holds(card: Pricing, tokens: int) -> None:
    exceeded = [band for band in card.bands if tokens > band.above]
    expected = max(exceeded, key=lambda band: band.above).rates if exceeded else card.rates
    assert card.rates_for(tokens) is expected


@given(CARDS, st.integers(0, 2_500_000), st.integers(0, 2_500_000))
def test_a_longer_prompt_never_falls_back_to_a_lower_band(card: Pricing, one: int, other: int) -> None:
    steps = [card.rates, *(band.rates for band in card.bands)]
    short, long = sorted((one, other))
    places = [max(i for i, step in enumerate(steps) if step is card.rates_for(n)) for n in (short, long)]
    assert places[0] <= places[1]


def test_a_band_re_prices_the_whole_request_beyond_its_edge() -> None:
    card = Pricing(rates=PLAIN.rates, bands=(Band(above=1000, rates=Rates(input=D("0.01"), output=D("0.02"))),))
    assert card.cost(Usage(input_tokens=1000, output_tokens=1000)) == D("0.003")
    assert card.cost(Usage(input_tokens=1001)) == D("0.01001")


def test_bands_may_be_written_in_any_order() -> None:
    low, high = (Band(above=n, rates=Rates(input=D(n), output=D(n))) for n in (10, 20))
    assert Pricing(bands=(high, low)) == Pricing(bands=(low, high))
    assert Pricing(bands=(high, low)).rates_for(30) is high.rates


@given(usages(), st.sampled_from(["", "default", "standard", "auto", "a lane of next year"]))
def test_a_service_without_a_card_costs_the_base_price(usage: Usage, tier: str) -> None:
    with_lanes = Pricing(rates=PLAIN.rates, services={"flex": Pricing(rates=Rates(input=D(9), output=D(9)))})
    tiered = usage + Usage()
    tiered = Usage(**{name: getattr(tiered, name) for name in tiered.__dataclass_fields__} | {"service_tier": tier})
    assert with_lanes.cost(tiered) == PLAIN.cost(usage)


def test_a_service_has_its_own_card_with_its_own_bands() -> None:
    flex = Pricing(
        rates=Rates(input=D("0.5"), output=D(1)), bands=(Band(above=10, rates=Rates(input=D(7), output=D(7))),)
    )
    card = Pricing(rates=Rates(input=D(1), output=D(2)), services={"flex": flex})
    assert card.cost(Usage(input_tokens=10, service_tier="flex")) == D("0.005")
    assert card.cost(Usage(input_tokens=11, service_tier="flex")) == D("0.077")
    assert card.cost(Usage(input_tokens=11)) == D("0.011")


def test_a_cached_token_of_the_cheapest_model_is_not_rounded_away() -> None:
    haiku = Pricing(rates=Rates(input=D("0.0001"), output=D("0.0005"), cached_input=D("0.00001")))
    assert haiku.cost(Usage(input_tokens=1, cached_tokens=1)) == D("0.00000001")
    assert haiku.cost(Usage(input_tokens=12, output_tokens=7)) == D("0.0000047")


def test_counts_that_contradict_each_other_earn_nothing() -> None:
    assert PLAIN.cost(Usage(input_tokens=10, cached_tokens=100)) == D("0.0001")
    assert PLAIN.cost(Usage(cache_write_tokens=1, cache_write_1h_tokens=5, input_tokens=1)) == D("0.000001")


@given(CARDS, AMOUNTS, AMOUNTS)
def test_explicit_base_prices_win(card: Pricing, price_in: Decimal, price_out: Decimal) -> None:
    own = card.with_base(input=price_in, output=price_out)
    assert (own.rates.input, own.rates.output) == (price_in, price_out)
    if (price_in, price_out) != (card.rates.input, card.rates.output):
        assert own == Pricing(rates=Rates(input=price_in, output=price_out), source="explicit")


def test_a_source_changes_no_price() -> None:
    assert PLAIN.sourced("today's list") == Pricing(rates=PLAIN.rates, source="today's list")
