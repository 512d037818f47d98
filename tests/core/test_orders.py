"""Other orders agree with the cost they claim to sort by."""

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.completions import Request
from creative_services.core.estimates import input_tokens
from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.core.orders import Blended, Expected
from creative_services.core.usage import Usage
from tests.core.strategies import entries

FOUND = st.lists(entries(is_active=True), min_size=1, max_size=8, unique_by=lambda e: e.id)


def naive(found: list[LLMEntry], usage: Usage) -> list[int]:
    costs = {e.id: e.cost(usage) for e in found}
    return sorted(costs, key=lambda n: (float("inf") if costs[n] is None else costs[n], n))


@given(FOUND, st.integers(1, 20), st.integers(0, 20))
def test_blended_sorts_by_the_price_of_the_mix(found: list[LLMEntry], asked: int, answered: int) -> None:
    order = Blended(input=asked, output=answered)
    chosen = [e.id for e in sorted(found, key=lambda e: order.key(e, None))]
    assert chosen == naive(found, Usage(input_tokens=asked, output_tokens=answered))


@given(FOUND, st.text(max_size=3000), st.integers(1, 500), st.integers(0, 5000))
def test_expected_sorts_by_the_price_of_this_request(found, text, allowed, cached) -> None:
    request = Request(messages=({"role": "user", "content": text},), max_tokens=allowed)
    order = Expected(cached_tokens=cached)
    asked = input_tokens(request.messages)
    usage = Usage(input_tokens=asked, output_tokens=allowed, cached_tokens=min(cached, asked))
    assert [e.id for e in sorted(found, key=lambda e: order.key(e, request))] == naive(found, usage)


def test_input_price_alone_misorders_what_expected_cost_orders() -> None:
    cheap_in = LLMEntry(
        id=1, name="a", provider="p", model="m", tier=LLMTier.STANDARD, cost_per_1k_input="0.00175",
        cost_per_1k_output="0.014",
    )  # fmt: skip
    cheap_out = cheap_in.using(id=2, cost_per_1k_input="0.002", cost_per_1k_output="0.010")
    order = Expected(output_tokens=1000)
    request = Request(messages=({"role": "user", "content": "x" * 3000},))
    assert min(cheap_in, cheap_out, key=lambda e: order.key(e, request)) is cheap_out
