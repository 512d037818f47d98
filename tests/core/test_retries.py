"""Pauses and the budget that keeps retries from doubling an outage."""

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.retries import RetryBudget, full_jitter


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_pause_is_between_nothing_and_the_longest(attempt: int, chance: float) -> None:
    assert 0 <= full_jitter(attempt, chance) <= 8.0


@given(st.integers(0, 50))
def test_the_bound_doubles_until_the_longest(attempt: int) -> None:
    assert full_jitter(attempt, 1.0) == min(8.0, 0.5 * 2**attempt)
    assert full_jitter(attempt, 0.0) == 0


@given(st.lists(st.booleans(), max_size=300))
def test_the_budget_stays_within_its_bounds(calls: list[bool]) -> None:
    budget, spent = RetryBudget(), 0
    for retried in calls:
        budget = budget.earned()
        after = budget.spent() if retried else None
        spent += after is not None
        budget = after or budget
        assert 0 <= budget.tokens <= budget.most
    assert spent <= 10 + 0.2 * len(calls), "an outage is met with a fifth more traffic, not with twice as much"


def test_an_empty_budget_says_so_and_fills_again() -> None:
    empty = RetryBudget(tokens=0.0, most=1.0, per_call=0.5)
    assert empty.spent() is None
    assert empty.earned().spent() is None
    assert empty.earned().earned().spent() == empty
