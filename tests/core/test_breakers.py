"""Circuit breakers: whatever happens in whatever order, the promises hold."""

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.breakers import CLOSED, DEFAULT_RULES, Breaker, BreakerRules
from creative_services.core.failures import POLICIES, RAISE, Policy

TRIP = Policy(moves_on=True, trips=True)
REST = Policy(moves_on=True, rests=300.0)

TIMES = st.floats(0, 1e6)
CHANCE = st.floats(0, 1)
SEEN_POLICIES = st.sampled_from([*POLICIES.values(), RAISE])
BREAKERS = st.builds(
    Breaker, failures=st.integers(0, 9), openings=st.integers(0, 9), rests_until=TIMES, probing_until=TIMES
)


def failed(breaker: Breaker, policy: Policy = TRIP, now: float = 0.0, retry_after: float | None = None) -> Breaker:
    return breaker.failed(policy, now, retry_after=retry_after, jitter=1.0)


@given(BREAKERS, SEEN_POLICIES, TIMES, st.none() | st.floats(0, 1e4), CHANCE)
def test_a_failure_never_shortens_a_rest(before, policy, now, retry_after, jitter) -> None:
    after = before.failed(policy, now, retry_after=retry_after, jitter=jitter)
    assert after.rests_until >= before.rests_until
    assert after.failures >= before.failures
    assert after.openings >= before.openings


@given(BREAKERS, SEEN_POLICIES, TIMES, st.floats(0.001, 1e4), CHANCE)
def test_the_vendors_wish_to_wait_is_kept(before, policy, now, retry_after, jitter) -> None:
    after = before.failed(policy, now, retry_after=retry_after, jitter=jitter)
    assert after.rests_until >= now + retry_after
    assert not after.admits(now)


@given(BREAKERS, TIMES)
def test_state_and_admission_agree(breaker: Breaker, now: float) -> None:
    state = breaker.state(now)
    assert breaker.admits(now) == (state == "closed" or (state == "half-open" and now >= breaker.probing_until))


def test_closed_until_the_threshold() -> None:
    breaker = CLOSED
    for _ in range(DEFAULT_RULES.threshold - 1):
        breaker = failed(breaker)
        assert breaker.state(0.0) == "closed"
        assert breaker.admits(0.0)
    breaker = failed(breaker)
    assert breaker.state(0.0) == "open"
    assert not breaker.admits(0.0)


def test_after_the_rest_one_probe_at_a_time() -> None:
    breaker = opened = failed(failed(failed(CLOSED)))
    assert breaker.rests_until == 1.0
    assert breaker.state(1.0) == "half-open"
    probing = opened.probed(1.0)
    assert not probing.admits(1.0)
    assert not probing.admits(1.0 + DEFAULT_RULES.probe_lease - 0.001)
    assert probing.admits(1.0 + DEFAULT_RULES.probe_lease), "a probe that never reports frees the place"
    assert CLOSED.admits(1.0), "success is the closed state"


def test_a_failed_probe_opens_at_once_and_for_longer() -> None:
    opened = failed(failed(failed(CLOSED)))
    again = failed(opened.probed(1.0), now=2.0)
    assert again.state(2.0) == "open"
    assert again.rests_until == 4.0
    assert again.admits(4.0), "the next probe needs no more waiting for the last one's lease"


@given(BREAKERS, TIMES)
def test_a_closed_breaker_counts_no_probes(breaker: Breaker, now: float) -> None:
    assert (breaker.probed(now) is breaker) == (breaker.openings == 0)


@given(st.integers(3, 5000), CHANCE)
def test_rests_grow_to_a_bound_and_no_further(outages: int, jitter: float) -> None:
    breaker = Breaker(failures=outages, openings=outages)
    after = breaker.failed(TRIP, 0.0, retry_after=None, jitter=jitter)
    longest = DEFAULT_RULES.longest_rest
    assert min(longest, 2.0 ** min(outages, 10)) / 2 <= after.rests_until <= longest


def test_jitter_spreads_the_return() -> None:
    rested = [Breaker(failures=9).failed(TRIP, 0.0, retry_after=None, jitter=j).rests_until for j in (0.0, 0.5, 1.0)]
    assert rested == [0.5, 0.75, 1.0]


@given(st.lists(SEEN_POLICIES, max_size=20))
def test_only_tripping_failures_open(seen: list[Policy]) -> None:
    breaker = CLOSED
    for policy in seen:
        breaker = failed(breaker, policy)
    trips = sum(policy.trips for policy in seen)
    assert breaker.failures == trips
    assert bool(breaker.openings) == (trips >= DEFAULT_RULES.threshold)


def test_a_rest_without_a_trip_ends_closed() -> None:
    resting = failed(CLOSED, REST)
    assert resting.state(299.0) == "open"
    assert resting.state(300.0) == "closed"
    assert failed(CLOSED, RAISE, now=5.0) == CLOSED


def test_other_rules_for_other_houses() -> None:
    nervous = BreakerRules(threshold=1, first_rest=10.0, longest_rest=15.0)
    once = CLOSED.failed(TRIP, 0.0, retry_after=None, jitter=1.0, rules=nervous)
    assert once.rests_until == 10.0
    assert once.failed(TRIP, 10.0, retry_after=None, jitter=1.0, rules=nervous).rests_until == 25.0
