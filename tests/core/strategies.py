"""What Hypothesis draws for the tests of this floor."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.core.pricing import Band, Pricing, Rates
from creative_services.core.usage import Usage

# Few distinct values, so that ties happen in nearly every draw; different spellings of one number among them.
PRICES = st.sampled_from([None, "0", "0.00000001", "0.0001", "0.00010", 0.0001, "1e-4", "0.5", Decimal(2)])
AMOUNTS = st.decimals(min_value=0, max_value=1, places=8)


@st.composite
def entries(draw: st.DrawFn, **fixed: Any) -> LLMEntry:
    given = {
        "id": draw(st.integers(-5, 50)),
        "name": draw(st.sampled_from(["a", "b"])),
        "provider": "offline",
        "model": "m",
        "tier": draw(st.sampled_from(LLMTier)),
        "cost_per_1k_input": draw(PRICES),
        "cost_per_1k_output": draw(PRICES),
        "is_active": draw(st.booleans()),
    }
    return LLMEntry(**{**given, **fixed})


@st.composite
def usages(draw: st.DrawFn, most: int = 2_000_000) -> Usage:
    """Counts as vendors report them: the parts never exceed the whole."""
    asked, answered = draw(st.integers(0, most)), draw(st.integers(0, most))
    cached = draw(st.integers(0, asked))
    written = draw(st.integers(0, asked - cached))
    return Usage(
        input_tokens=asked,
        output_tokens=answered,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=draw(st.integers(0, written)),
        reasoning_tokens=draw(st.integers(0, answered)),
    )


RATES = st.builds(
    Rates,
    input=AMOUNTS,
    output=AMOUNTS,
    cached_input=st.none() | AMOUNTS,
    cache_write=st.none() | AMOUNTS,
    cache_write_1h=st.none() | AMOUNTS,
)
BANDS = st.lists(
    st.builds(Band, above=st.integers(0, 2_000_000), rates=RATES), max_size=3, unique_by=lambda band: band.above
)
CARDS = st.builds(Pricing, rates=RATES, bands=BANDS.map(tuple))
