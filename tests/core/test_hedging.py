"""When a call is asked twice: never before enough is known, never for more than the share, never in a bad moment."""

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.hedging import RULES, Hedging, HedgingRules
from creative_services.core.retries import RetryBudget

PLENTY = RetryBudget()
SECONDS = st.floats(0.001, 100)


def after(*seconds: float) -> Hedging:
    hedging = Hedging.by(RULES)
    for each in seconds:
        hedging = hedging.answered(each)
    return hedging


@given(st.lists(st.booleans(), max_size=500), st.floats(0.01, 0.5))
def test_the_share_holds_at_every_moment(late: list[bool], share: float) -> None:
    hedging, sent = Hedging.by(HedgingRules(share=share)), 0
    for calls, is_late in enumerate(late, start=1):
        hedging = hedging.called()
        left = hedging.spent(PLENTY) if is_late else None
        sent += left is not None
        hedging = left or hedging
        assert sent <= calls * share + 1e-6


def test_a_quiet_time_saves_up_a_few_and_no_more() -> None:
    hedging = Hedging.by(RULES)
    for _ in range(10_000):
        hedging = hedging.called()
    sent = 0
    while left := hedging.spent(PLENTY):
        hedging, sent = left, sent + 1
    assert sent == 5


@given(st.lists(SECONDS, min_size=RULES.enough, max_size=400))
def test_late_is_what_few_answers_are(seconds: list[float]) -> None:
    late = after(*seconds).late_after()
    assert late is not None
    recent = seconds[-RULES.remembered :]
    assert sum(each > late for each in recent) <= 0.05 * len(recent)
    assert late >= RULES.least


@given(st.lists(SECONDS, max_size=RULES.enough - 1))
def test_nobody_is_late_before_enough_is_known(seconds: list[float]) -> None:
    assert after(*seconds).late_after() is None


def test_the_past_is_forgotten() -> None:
    assert after(*[9.0] * 200, *[0.1] * 200).late_after() == 0.1
    assert len(after(*[1.0] * 1000).answers) == RULES.remembered


def test_while_many_calls_are_repeated_none_is_hedged() -> None:
    hedging = Hedging.by(RULES)
    for _ in range(100):
        hedging = hedging.called()
    assert hedging.spent(RetryBudget(tokens=5.0)) is not None
    assert hedging.spent(RetryBudget(tokens=4.9)) is None
