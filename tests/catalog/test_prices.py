"""Where a price comes from, and what happens when nobody knows it."""

import sys
from datetime import date, timedelta
from decimal import Decimal

import pytest

from creative_services.catalog import price_of, priced, prices
from creative_services.catalog.genai import card_on, cards_from
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.pricing import Pricing, Rates
from creative_services.core.usage import Usage

DAY = date(2026, 11, 21)
LUNA = ("openai", "gpt-6-luna")


def entry(provider: str = "openai", model: str = "gpt-4o-mini", **fields: object) -> LLMEntry:
    return LLMEntry(**{"id": 1, "name": "n", "tier": "economy", "provider": provider, "model": model, **fields})


@pytest.fixture
def _without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "genai_prices"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "genai_prices", None)


@pytest.mark.usefixtures("_without_the_package")
def test_models_that_ship_need_no_package() -> None:
    card = price_of(*LUNA, DAY)
    assert card is not None
    assert (card.rates.input, card.rates.output, card.rates.cached_input) == tuple(
        map(Decimal, ("0.0001", "0.0005", "0.00001"))
    )
    assert [band.above for band in card.bands] == [272_000]
    assert set(card.services) == {"batch", "fast", "flex", "priority"}
    assert card.source.startswith("genai-prices ")


@pytest.mark.usefixtures("_without_the_package")
def test_without_the_package_a_stranger_is_unknown_not_free() -> None:
    assert price_of("mistral", "mistral-large-latest", DAY) is None
    assert card_on(*LUNA, DAY) is None
    assert cards_from(*LUNA, DAY) == {}
    assert priced(entry("mistral", "mistral-large-latest"), DAY).cost(Usage(input_tokens=1)) is None


def test_with_the_package_a_stranger_is_looked_up() -> None:
    card = price_of("mistral", "mistral-large-latest", DAY)
    assert card is not None
    assert card.rates.input


@pytest.mark.parametrize("provider", ["ollama", "offline"])
def test_what_runs_at_home_costs_nothing(provider: str) -> None:
    card = price_of(provider, "anything", DAY)
    assert card is not None
    assert card.cost(Usage(input_tokens=10**6, output_tokens=10**6)) == 0


def test_a_model_that_nobody_knows_has_no_price() -> None:
    assert price_of("openai", "no-such-model-9", DAY) is None
    assert price_of("no-such-vendor", "gpt-4o", DAY) is None


def dated(*starts: str) -> dict[str, object]:
    rows = [{"from": start, "card": {"input": str(n), "output": "0"}} for n, start in enumerate(starts, 1)]
    return {"source": "a list", "models": {"vendor": {"model": rows}}}


def test_the_card_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "snapshot", lambda: dated("2027-01-01", "2027-02-01", "2027-03-01"))

    def price_on(day: date) -> Decimal | None:
        card = price_of("vendor", "model", day)
        return card.rates.input if card else None

    first = date(2027, 2, 1)
    assert [price_on(first + timedelta(days=n)) for n in (-1, 0, 27, 28)] == [1, 2, 2, 3]
    assert price_on(date(2020, 1, 1)) == 1, "before the first day the first card is the nearest we know"


def test_an_entry_without_prices_gets_its_models_card() -> None:
    found = priced(entry(), DAY)
    assert (found.cost_per_1k_input, found.cost_per_1k_output) == (Decimal("0.00015"), Decimal("0.0006"))
    assert found.cost(Usage(input_tokens=1000, cached_tokens=1000)) == Decimal("0.000075")
    assert priced(found, DAY) is found


def test_explicit_prices_win() -> None:
    own = entry(cost_per_1k_input="9", cost_per_1k_output="9")
    assert priced(own, DAY).cost(Usage(input_tokens=1000, cached_tokens=1000)) == 9
    half = priced(entry(cost_per_1k_input="9"), DAY)
    assert (half.cost_per_1k_input, half.cost_per_1k_output) == (9, Decimal("0.0006"))
    free = priced(entry(cost_per_1k_input=0, cost_per_1k_output=0), DAY)
    assert free.cost(Usage(input_tokens=1000)) == 0


def test_a_card_of_ones_own_is_left_alone() -> None:
    own = entry(
        pricing=Pricing(rates=Rates(input=Decimal("0.00015"), output=Decimal("0.0006"), cached_input=Decimal(7)))
    )
    assert priced(own, DAY) is own
