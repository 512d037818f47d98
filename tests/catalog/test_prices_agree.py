"""Our sums are those of the genai-prices package, to the last digit, for every model and day it knows."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage as Counted
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from creative_services.catalog import price_of
from creative_services.catalog.cards import data_of
from creative_services.catalog.genai import card_on, cards_from, find, version
from creative_services.catalog.prices import snapshot
from creative_services.core.pricing import Pricing
from creative_services.core.usage import Usage
from creative_services.system_clock import SystemClock
from tests.core.strategies import usages

TAKEN = date.fromisoformat(snapshot()["taken_on"])
SHIPPED = [(provider, model) for provider, models in snapshot()["models"].items() for model in models]
LANES = ("service_tier", "processing", "speed")


def record(provider: str, model: str) -> ModelInfo:
    found = find(provider, model)
    assert found is not None
    return found


# A few records do not match their own name.
KNOWN = [
    (vendor.id, model.id)
    for vendor in get_snapshot().providers
    for model in vendor.models
    if vendor.find_model(model.id) is model
]


def conditions(provider: str, model: str) -> list[Any]:
    found = record(provider, model)
    rows = [*(found.prices if isinstance(found.prices, list) else ()), *(found.price_variants or ())]
    return [row.constraint for row in rows]


def starts(provider: str, model: str) -> list[date]:
    return sorted({c.start_date for c in conditions(provider, model) if hasattr(c, "start_date")})


def by_the_hour(provider: str, model: str) -> bool:
    return any(hasattr(condition, "start_time") for condition in conditions(provider, model))


def lanes(provider: str, model: str) -> dict[str, dict[str, str]]:
    """Every lane of the package's record, with the request context that selects it."""
    variants = [variant.when for variant in record(provider, model).price_variants or ()]
    named = {lane: {key: lane} for when in variants if len(when) == 1 for key, lane in when.items() if key in LANES}
    return {"": {}, "default": {"service_tier": "default"}, **named}


def theirs(
    provider: str, model: str, usage: Usage, day: date, *, context: dict[str, str] | None = None, hour: int = 12
) -> Decimal:
    counted = Counted(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
    )
    moment = datetime.combine(day, time(hour), UTC)
    return get_snapshot().calc(counted, model, provider, None, moment, context).total_price


@st.composite
def usages_around_the_edges(draw: st.DrawFn, card: Pricing) -> Usage:
    usage = draw(usages(most=draw(st.sampled_from([20, 5_000, 2_000_000]))))
    if card.bands and draw(st.booleans()):
        edge = draw(st.sampled_from(card.bands)).above + draw(st.integers(-1, 1))
        usage = Usage(input_tokens=edge, output_tokens=usage.output_tokens, cached_tokens=draw(st.integers(0, edge)))
    return usage if card.rates.output is not None else Usage(input_tokens=usage.input_tokens)


def in_lane(usage: Usage, lane: str) -> Usage:
    return Usage(**{name: getattr(usage, name) for name in usage.__dataclass_fields__} | {"service_tier": lane})


def check_one_sum(provider: str, model: str, day: date, data: st.DataObject) -> None:
    card = card_on(provider, model, day)
    assert card is not None
    assume(card.rates.input is not None)  # priced by the minute or the picture, which is not our trade
    usage = data.draw(usages_around_the_edges(card))
    lane, context = data.draw(st.sampled_from(sorted(lanes(provider, model).items())))
    ours = card.cost(in_lane(usage, lane))
    assert ours is not None
    assert abs(ours - theirs(provider, model, usage, day, context=context)) < Decimal("1e-10")


@pytest.mark.parametrize(("provider", "model"), SHIPPED)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_sum_agrees_for_the_models_that_ship(provider: str, model: str, data: st.DataObject) -> None:
    check_one_sum(provider, model, data.draw(st.sampled_from([TAKEN, *starts(provider, model)])), data)


@settings(max_examples=200, deadline=None)
@given(known=st.sampled_from(KNOWN), data=st.data())
def test_every_sum_agrees_for_any_model_on_any_day(known: tuple[str, str], data: st.DataObject) -> None:
    assume(not by_the_hour(*known))
    days = [TAKEN, *(start - timedelta(days=n) for start in starts(*known) for n in (0, 1))]
    check_one_sum(*known, data.draw(st.sampled_from(days)), data)


def test_where_the_hour_matters_the_dearest_of_the_day_is_taken() -> None:
    usage = Usage(input_tokens=700, output_tokens=300, cached_tokens=200)
    moody = [known for known in KNOWN if by_the_hour(*known)]
    assert moody, "no vendor has off-peak hours any more: the rule in catalog/genai.py can go"
    for provider, model in moody:
        card = card_on(provider, model, TAKEN)
        assert card is not None
        assert card.cost(usage) == max(theirs(provider, model, usage, TAKEN, hour=hour) for hour in range(24))


DATED = [known for known in KNOWN if starts(*known)]


@given(st.sampled_from(DATED), st.integers(0, 900), st.integers(0, 900))
@example(DATED[0], 0, 0)
def test_announced_changes_are_kept_by_the_day_they_begin(known: tuple[str, str], back: int, ahead: int) -> None:
    first = TAKEN - timedelta(days=back)
    day = first + timedelta(days=ahead)
    cards = cards_from(*known, first)
    assert next(iter(cards)) == first
    assert cards[max(start for start in cards if start <= day)] == card_on(*known, day)


@pytest.mark.parametrize(("provider", "model"), SHIPPED)
def test_the_snapshot_is_what_the_package_says_today(provider: str, model: str) -> None:
    today = SystemClock().today()
    shipped, installed = price_of(provider, model, today), card_on(provider, model, today)
    assert shipped is not None
    assert installed is not None
    if data_of(shipped) != data_of(installed) and version() != snapshot()["source"]:
        pytest.xfail(f"{version()} has new prices: run `python -m creative_services.catalog refresh`")
    assert data_of(shipped) == data_of(installed)


@pytest.mark.parametrize(("ours", "name"), [("xai", "x-ai"), ("gemini", "google")])
def test_vendors_with_two_names(ours: str, name: str) -> None:
    vendor = next(vendor for vendor in get_snapshot().providers if vendor.id == name)
    assert card_on(ours, vendor.models[0].id, TAKEN) == card_on(name, vendor.models[0].id, TAKEN) is not None


def test_a_vendor_is_known_by_its_exact_name_only() -> None:
    assert card_on("my-openai-proxy", "gpt-4o", TAKEN) is None
    assert card_on("openai", "no-such-model-9", TAKEN) is None
