"""Limits: what counts together, and the most a call can cost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.budgets import Budget, worst_case
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.usage import Usage

NOON = datetime(2027, 3, 31, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("per", "same", "other"),
    [
        ("hour", timedelta(minutes=29), timedelta(minutes=30)),
        ("day", timedelta(hours=11), timedelta(hours=12)),
        ("month", timedelta(days=-30), timedelta(days=1)),
    ],
)
def test_spending_is_added_up_per_window(per, same, other) -> None:
    budget = Budget(limit="5", per=per)
    here = budget.account(tier="economy", user=None, at=NOON)
    assert budget.account(tier="economy", user=None, at=NOON + same) == here
    assert budget.account(tier="economy", user=None, at=NOON + other) != here


def test_ever_has_one_window() -> None:
    budget = Budget(limit=1, per="ever")
    assert len({budget.account(tier="t", user="u", at=NOON + timedelta(days=n)) for n in range(0, 4000, 500)}) == 1


@pytest.mark.parametrize(("scope", "accounts"), [("client", 1), ("tier", 2), ("user", 3)])
def test_spending_is_added_up_per_scope(scope, accounts) -> None:
    budget = Budget(limit=1, scope=scope)
    whom = [(tier, user) for tier in ("economy", "premium") for user in ("ann", "bob", None)]
    assert len({budget.account(tier=tier, user=user, at=NOON) for tier, user in whom}) == accounts


@pytest.mark.parametrize(
    "wrong", [{"limit": -1}, {"limit": None}, {"limit": 1, "per": "week"}, {"limit": 1, "scope": "x"}]
)
def test_what_is_no_budget_is_refused(wrong) -> None:
    with pytest.raises(ValueError):
        Budget(**wrong)


def test_a_budget_reads_as_a_sentence() -> None:
    assert str(Budget(limit=0.1, per="day", scope="user")) == "0.1 USD per day and user"


@given(st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**5))
def test_no_answer_costs_more_than_the_worst_case(asked: int, allowed: int, answered: int) -> None:
    entry = LLMEntry(
        id=1, name="n", provider="p", model="m", tier="local", cost_per_1k_input="0.001", cost_per_1k_output="0.005"
    )
    most = worst_case(entry, input_tokens=asked, max_tokens=allowed)
    actual = entry.cost(Usage(input_tokens=asked, output_tokens=min(answered, allowed)))
    assert most is not None
    assert actual is not None
    assert actual <= most


def test_the_worst_case_of_an_unknown_price_is_unknown() -> None:
    entry = LLMEntry(id=1, name="n", provider="p", model="m", tier="local")
    assert worst_case(entry, input_tokens=1, max_tokens=1) is None
    assert worst_case(entry.using(cost_per_1k_input=0, cost_per_1k_output=0), input_tokens=1, max_tokens=1) == Decimal(
        0
    )
