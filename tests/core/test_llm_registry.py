"""Tiers, entries and the documented rule."""

import copy
import dataclasses
import pickle
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry, LLMRegistry, LLMTier, cheapest, rank, ranked
from creative_services.core.pricing import Band, Pricing, Rates
from creative_services.core.usage import Usage
from tests.core.strategies import entries

KEY = "sk-test-abcdefgh12345678"


def entry(**fields: object) -> LLMEntry:
    given = {"id": 1, "name": "n", "provider": "openai", "model": "m", "tier": LLMTier.ECONOMY}
    return LLMEntry(**{**given, **fields})


def naive(found: list[LLMEntry], tier: LLMTier) -> list[LLMEntry]:
    """The rule as a person would write it down, with floats: unknown is dearer than anything."""
    dear = float("inf")

    def order(e: LLMEntry) -> tuple[float, float, int]:
        known = (e.cost_per_1k_input, e.cost_per_1k_output)
        return *(dear if price is None else float(price) for price in known), e.id

    return sorted((e for e in found if e.is_active and e.tier == tier), key=order)


@given(st.lists(entries(), max_size=12), st.sampled_from(LLMTier))
def test_ranked_is_the_naive_sort(found: list[LLMEntry], tier: LLMTier) -> None:
    assert list(ranked(found, tier)) == naive(found, tier)
    assert cheapest(found, tier) == next(iter(naive(found, tier)), None)


@given(st.lists(entries(), max_size=12, unique_by=lambda e: e.id), st.sampled_from(LLMTier), st.randoms())
def test_the_choice_does_not_depend_on_the_order_of_entries(found, tier, random) -> None:
    shuffled = found.copy()
    random.shuffle(shuffled)
    assert cheapest(shuffled, tier) == cheapest(found, tier)


@given(entries(), entries())
def test_rank_is_a_total_order_ending_in_the_id(one: LLMEntry, other: LLMEntry) -> None:
    assert (rank(one) < rank(other)) + (rank(one) > rank(other)) + (rank(one) == rank(other)) == 1
    if rank(one) == rank(other):
        assert one.id == other.id


@given(entries(cost_per_1k_input=None), entries(cost_per_1k_input="1000000", is_active=True))
def test_an_unknown_price_is_never_cheaper(unknown: LLMEntry, dear: LLMEntry) -> None:
    assert rank(dear) < rank(unknown)


@pytest.mark.parametrize("written", ["premium", "PREMIUM", " Premium ", LLMTier.PREMIUM])
def test_a_tier_in_any_spelling(written: str) -> None:
    assert LLMTier(written) is LLMTier.PREMIUM
    assert entry(tier=written).tier is LLMTier.PREMIUM


def test_a_tier_is_its_text() -> None:
    assert LLMTier.LOCAL == "local"
    assert f"{LLMTier.LOCAL}" == str(LLMTier.LOCAL) == "local"
    assert {LLMTier.LOCAL: 1}["local"] == {"local": 1}[LLMTier.LOCAL] == 1
    assert [tier.value for tier in LLMTier] == ["economy", "standard", "premium", "local"]


@pytest.mark.parametrize("written", ["gold", "", None, 3])
def test_no_such_tier_says_which_there_are(written: object) -> None:
    with pytest.raises(ValueError, match=r"no tier .*economy, standard, premium, local"):
        LLMTier(written)
    with pytest.raises(ConfigurationError, match=r"entry 1 'n' .*no tier"):
        entry(tier=written)


def test_the_documented_defaults() -> None:
    plain = entry()
    assert (plain.max_tokens, plain.temperature, plain.is_active) == (4096, 0.7, True)
    assert (plain.cost_per_1k_input, plain.cost_per_1k_output, plain.api_key, plain.api_endpoint) == (None,) * 4


@pytest.mark.parametrize("price", ["0.00015", 0.00015, Decimal("0.00015"), "1.5e-4"])
def test_a_price_is_the_decimal_that_was_written(price: object) -> None:
    assert entry(cost_per_1k_input=price).cost_per_1k_input == Decimal("0.00015")


@pytest.mark.parametrize("price", ["dear", "nan", "inf", "-0.1", float("nan"), -1, "", b"1"])
def test_what_is_no_price_is_refused_by_name(price: object) -> None:
    with pytest.raises(ConfigurationError, match=r"entry 1 'n' \(openai m\): .*no amount of money.*USD"):
        entry(cost_per_1k_output=price)


def test_an_entry_is_frozen_and_changes_by_copy() -> None:
    first = entry(cost_per_1k_input="1", cost_per_1k_output="2")
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.model = "other"  # type: ignore[misc]  # that it cannot be set is the point
    second = first.using(model="other", cost_per_1k_input="3")
    assert (second.model, second.cost_per_1k_input, second.cost_per_1k_output) == ("other", Decimal(3), Decimal(2))
    assert (first.model, first.cost_per_1k_input) == ("m", Decimal(1))
    assert second.cost(Usage(input_tokens=1000)) == 3


@given(entries())
def test_equal_entries_have_one_hash(one: LLMEntry) -> None:
    twin = dataclasses.replace(one)
    assert twin == one
    assert hash(twin) == hash(one)
    assert len({one, twin, one.using(options={"a": [1]})}) == 2


def test_the_key_shows_nowhere() -> None:
    secretive = entry(api_key=KEY)
    shown = [repr(secretive), str(secretive), f"{secretive}", repr([secretive]), repr(dataclasses.asdict(secretive))]
    assert not any("12345678" in text for text in shown)
    assert KEY.encode() not in pickle.dumps(secretive)
    assert not pickle.loads(pickle.dumps(secretive)).api_key


def test_a_copy_keeps_the_key() -> None:
    for twin in (copy.copy(entry(api_key=KEY)), copy.deepcopy(entry(api_key=KEY)), entry(api_key=KEY).using(name="x")):
        assert twin.api_key is not None
        assert twin.api_key.reveal() == KEY


def test_retirement_begins_with_its_day() -> None:
    mortal = entry(retires_on=date(2027, 1, 14))
    assert [mortal.retired(date(2027, 1, day)) for day in (13, 14, 15)] == [False, True, True]
    assert not entry().retired(date.max)


CARD = Pricing(
    rates=Rates(input=Decimal(1), output=Decimal(2), cached_input=Decimal("0.1")),
    bands=(Band(above=10, rates=Rates(input=Decimal(5), output=Decimal(6))),),
    source="a list",
)


def test_a_price_card_fills_the_prices() -> None:
    priced = entry(pricing=CARD)
    assert (priced.cost_per_1k_input, priced.cost_per_1k_output) == (1, 2)
    assert priced.pricing is CARD


def test_explicit_prices_that_agree_keep_the_whole_card() -> None:
    assert entry(pricing=CARD, cost_per_1k_input=1, cost_per_1k_output="2.0").pricing is CARD


def test_explicit_prices_that_differ_win_and_drop_the_cards_details() -> None:
    own = entry(pricing=CARD, cost_per_1k_input="3")
    assert (own.cost_per_1k_input, own.cost_per_1k_output) == (3, 2)
    assert own.cost(Usage(input_tokens=1000, cached_tokens=1000)) == 3
    assert own.pricing.source == "explicit"


def test_new_prices_on_a_priced_entry_take_effect() -> None:
    assert entry(pricing=CARD).using(cost_per_1k_input="7").cost(Usage(input_tokens=1000)) == 7


def test_a_registry_is_whoever_has_the_three_methods() -> None:
    class Three:
        def get_by_id(self, llm_id: int) -> None: ...
        def get_by_tier(self, tier: LLMTier) -> None: ...
        def list_active(self) -> list[LLMEntry]:
            return []

    class Two:
        def get_by_id(self, llm_id: int) -> None: ...
        def get_by_tier(self, tier: LLMTier) -> None: ...

    assert isinstance(Three(), LLMRegistry)
    assert not isinstance(Two(), LLMRegistry)
