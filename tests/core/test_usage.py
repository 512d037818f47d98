"""Counts add up."""

from hypothesis import given

from creative_services.core.usage import Usage
from tests.core.strategies import usages

NOTHING = Usage()


@given(usages(), usages(), usages())
def test_adding_is_counting(one: Usage, other: Usage, third: Usage) -> None:
    assert one + NOTHING == NOTHING + one == one
    assert one + other == other + one
    assert (one + other) + third == one + (other + third)
    assert (one + other).total_tokens == one.total_tokens + other.total_tokens


def test_a_sum_with_a_guess_in_it_is_a_guess() -> None:
    assert (NOTHING + Usage(estimated=True)).estimated
    assert (Usage(estimated=True) + NOTHING).estimated
