"""A lease: who has what until when, and whose word counts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.leases import Lease, Sighting, admits, granted, sighted

LEASE = Lease(subject="gpu-1", holder="ada", expires_at=100.0, token=7)
MOMENTS = st.floats(min_value=0, max_value=1e9)


def test_a_lease_is_over_at_its_end() -> None:
    assert not LEASE.expired(99.9)
    assert LEASE.expired(100.0)
    assert (LEASE.remaining(40.0), LEASE.remaining(200.0)) == (60.0, 0.0)


def test_a_renewal_keeps_the_token_and_never_shortens() -> None:
    assert LEASE.renewed(90.0, 30.0) == Lease(subject="gpu-1", holder="ada", expires_at=120.0, token=7)
    assert LEASE.renewed(10.0, 30.0) == LEASE


def test_what_is_over_cannot_be_renewed() -> None:
    assert LEASE.renewed(100.0, 30.0) is None


def test_only_the_holder_with_its_token_holds_it() -> None:
    assert LEASE.held_by("ada", 7, 99.0)
    assert not LEASE.held_by("ada", 6, 99.0)
    assert not LEASE.held_by("bob", 7, 99.0)
    assert not LEASE.held_by("ada", 7, 100.0)


def test_nobody_is_granted_what_another_holds() -> None:
    assert granted(LEASE, subject="gpu-1", holder="bob", now=99.0, seconds=30.0) is None


def test_the_next_holder_outranks_the_last() -> None:
    new = granted(LEASE, subject="gpu-1", holder="bob", now=100.0, seconds=30.0)
    assert new == Lease(subject="gpu-1", holder="bob", expires_at=130.0, token=8)
    assert new.outranks(LEASE)
    assert not LEASE.outranks(new)
    assert LEASE.outranks(None)


def test_the_holder_itself_begins_anew_with_a_higher_token() -> None:
    new = granted(LEASE, subject="gpu-1", holder="ada", now=50.0, seconds=30.0)
    assert new is not None
    assert new.token == 8


def test_a_store_that_forgot_is_reminded_of_the_highest_token() -> None:
    new = granted(None, subject="gpu-1", holder="bob", now=0.0, seconds=30.0, above=41)
    assert new is not None
    assert new.token == 42


def test_a_fence_obeys_no_lower_token_than_it_has_obeyed() -> None:
    assert admits(7, 8)
    assert admits(7, 7)
    assert not admits(7, 6)


@given(turns=st.lists(st.tuples(st.sampled_from(["ada", "bob"]), st.floats(min_value=0, max_value=50)), max_size=30))
def test_tokens_only_rise_and_holds_never_overlap(turns: list[tuple[str, float]]) -> None:
    now, lease, held = 0.0, None, []
    for holder, passed in turns:
        now += passed
        if new := granted(lease, subject="x", holder=holder, now=now, seconds=20.0):
            held.append((now, new))
            lease = new
    assert [new.token for _, new in held] == list(range(1, len(held) + 1))
    for (_, before), (begun, after) in pairwise(held):
        assert before.holder == after.holder or before.expires_at <= begun


@given(first=MOMENTS, later=MOMENTS)
def test_only_a_new_sign_breaks_the_silence(first: float, later: float) -> None:
    seen = sighted(None, "beat 1", first)
    assert seen == Sighting(sign="beat 1", since=first)
    assert sighted(seen, "beat 1", later) is seen
    assert seen.silent(later) == later - first
    assert sighted(seen, "beat 2", later).silent(later) == 0
