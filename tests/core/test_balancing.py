"""Each rule of the balancing alone, and all together in a replayed simulation."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.replicas.simulation import mean_of
from creative_services.core.balancing import (
    RULES,
    UNKNOWN,
    Contender,
    Patience,
    Standing,
    first_wins,
    may_eject,
    two_of,
)

SECONDS = st.floats(0.001, 100)


def known(latency: float, at: float = 0.0) -> Standing:
    return Standing(latency=latency, at=at)


@given(fast=SECONDS, slow=SECONDS)
def test_the_faster_of_two_idle_ones_is_asked(fast: float, slow: float) -> None:
    one, two = Contender(standing=known(fast)), Contender(standing=known(slow))
    assert first_wins(one, two, 0.0) is (fast <= slow)


def test_the_less_busy_of_two_equals_is_asked() -> None:
    assert not first_wins(Contender(in_flight=2), Contender(in_flight=1), 0.0)


def test_twice_the_weight_carries_twice_the_load() -> None:
    heavy, light = Contender(weight=2.0, in_flight=2), Contender(in_flight=1)
    assert first_wins(heavy, light, 0.0)
    assert not first_wins(Contender(weight=2.0, in_flight=4), light, 0.0)


def test_a_replica_nobody_asked_yet_counts_as_fast_as_the_other() -> None:
    assert not first_wins(Contender(standing=UNKNOWN, in_flight=1), Contender(standing=known(9.0)), 0.0)
    assert first_wins(Contender(standing=UNKNOWN), Contender(standing=known(9.0), in_flight=1), 0.0)


def test_old_news_of_slowness_fade() -> None:
    slow, fast = Contender(standing=known(10.0)), Contender(standing=known(1.0, at=200.0), in_flight=1)
    assert not first_wins(slow, Contender(standing=known(1.0), in_flight=1), 0.0)
    assert first_wins(slow, fast, 200.0)


@given(before=SECONDS, report=SECONDS)
def test_a_report_counts_for_the_very_next_choice(before: float, report: float) -> None:
    after = known(before).succeeded(report, 0.0).latency
    assert after == pytest.approx(before + RULES.least_news * (report - before))


def test_after_ten_seconds_a_report_counts_two_thirds() -> None:
    assert known(1.0).succeeded(0.0, 10.0).latency == pytest.approx(0.368, abs=0.001)


@given(before=SECONDS, took=SECONDS)
def test_a_fast_error_makes_nobody_look_fast(before: float, took: float) -> None:
    after = known(before).failed(took, 1.0, jitter=0.0).latency
    assert after is not None
    assert after >= before


def fail(standing: Standing, times: int, now: float = 0.0, **how: bool) -> Standing:
    for _ in range(times):
        standing = standing.failed(0.1, now, jitter=1.0, **how)
    return standing


def test_five_failures_eject_and_two_refused_connections_do() -> None:
    assert not fail(UNKNOWN, 4).resting(0.0)
    assert fail(UNKNOWN, 5).resting(4.9)
    assert not fail(UNKNOWN, 5).resting(5.0)
    assert not fail(UNKNOWN, 1, refused=True).resting(0.0)
    assert fail(UNKNOWN, 2, refused=True).resting(4.9)


def test_half_of_twenty_calls_eject_even_when_never_in_a_row() -> None:
    standing = UNKNOWN
    for number in range(20):
        standing = standing.succeeded(0.1, 0.0) if number % 2 == 0 else fail(standing, 1)
        assert standing.resting(0.1) is (number == 19)


def test_who_keeps_failing_rests_longer_and_longer_but_not_for_ever() -> None:
    standing, now, rests = UNKNOWN, 0.0, []
    standing = fail(standing, 5, now)
    for _ in range(12):
        rests.append(standing.breaker.rests_until - now)
        now = standing.breaker.rests_until
        standing = fail(standing, 1, now)
    assert rests[:4] == [5.0, 10.0, 20.0, 40.0]
    assert max(rests) == RULES.failures.longest_rest


def test_one_call_at_a_time_tries_a_replica_whose_rest_is_over() -> None:
    standing = fail(UNKNOWN, 5)
    assert not standing.resting(6.0)
    assert first_wins(Contender(standing=standing, in_flight=99), Contender(standing=known(0.01)), 6.0)
    assert standing.departed(6.0).resting(6.1)


def test_who_is_back_begins_with_a_tenth_and_a_clean_slate() -> None:
    back = fail(known(9.0), 5).departed(6.0).succeeded(0.2, 6.0)
    assert back.latency == 0.2
    assert not back.resting(6.0)
    assert back.share(6.0) == RULES.least_share
    assert back.share(21.0) == pytest.approx(0.5)
    assert back.share(36.0) == 1.0


def test_a_relapse_rests_longer_until_it_is_forgiven() -> None:
    back = fail(UNKNOWN, 5).succeeded(0.1, 6.0)
    assert fail(back, 5, 7.0).breaker.rests_until == 7.0 + 10.0
    for second in range(1, 60):
        back = back.succeeded(0.1, 6.0 + second)
    assert back.ejections == 0
    assert fail(back, 5, 70.0).breaker.rests_until == 70.0 + 5.0


def test_never_more_than_half_rest() -> None:
    assert [may_eject(out, 2) for out in range(3)] == [True, False, False]
    assert not may_eject(0, 1)
    assert not fail(UNKNOWN, 50, may_eject=False).resting(0.0)


@given(st.integers(0, 30), st.sets(st.integers(0, 29)), st.integers())
def test_two_are_drawn_from_the_usable_ones(count: int, unusable: set[int], seed: int) -> None:
    drawn = two_of(range(count), lambda one: one not in unusable, random.Random(seed).randrange)
    usable = set(range(count)) - unusable
    if not usable:
        assert drawn is None
    else:
        assert drawn is not None
        assert set(drawn) <= usable
        assert (drawn[0] == drawn[1]) is (len(usable) == 1)


@pytest.mark.parametrize("count", [2, 5, 12])
def test_every_pair_is_drawn_equally_often(count: int) -> None:
    rng, seen = random.Random(1), [0] * count
    for _ in range(6000):
        for one in two_of(range(count), lambda _: True, rng.randrange) or ():
            seen[one] += 1
    assert max(seen) < 1.25 * min(seen)


def test_patience_follows_the_answers() -> None:
    patience = Patience()
    for _ in range(4):
        patience = patience.seen(1.0)
    assert patience.limit(least=2.0, unknown=30.0) == 30.0
    for _ in range(100):
        patience = patience.seen(1.0)
    assert patience.limit(least=2.0, unknown=30.0) == 2.0
    assert patience.limit(least=0.0, unknown=30.0) == pytest.approx(1.0, abs=0.05)
    assert patience.seen(20.0).limit(least=2.0, unknown=30.0) > 10.0


def test_a_replayed_queue_waits_as_short_as_with_perfect_knowledge() -> None:
    ours, perfect = mean_of("two random, latency x in flight"), mean_of("least in flight, all known")
    print(f"mean latency: {ours:.4f} s, with perfect knowledge {perfect:.4f} s")
    assert ours < perfect * 1.05
