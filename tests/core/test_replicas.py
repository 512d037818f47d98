"""Registrations that follow one another, and what would be missed when one ends."""

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.capabilities import Capability, matches
from creative_services.core.replicas import Replica, losses, nameable

VALUES = st.one_of(st.integers(0, 2), st.booleans(), st.sampled_from(["chat", "embed", "1"]), st.none())
CAPABILITIES = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=3)
ROSTERS = st.lists(st.tuples(CAPABILITIES, st.booleans()), min_size=1, max_size=4)


def replica(name: str, *capabilities: Capability, draining: bool = False, token: int = 0) -> Replica:
    return Replica(id=name, endpoint="h:1", capabilities=capabilities, draining=draining, token=token)


@given(ROSTERS)
def test_what_is_lost_is_what_only_the_leaving_one_satisfies(rosters: list[tuple[list[Capability], bool]]) -> None:
    roster = [replica(str(n), *able, draining=drains) for n, (able, drains) in enumerate(rosters)]
    leaving, others = roster[0], [each for each in roster[1:] if not each.draining]
    lost = {loss.wish for loss in losses(leaving, roster)}
    for wish in map(nameable, leaving.capabilities):
        assert matches(leaving.capabilities, wish)
        nobody_else = not any(matches(other.capabilities, wish) for other in others)
        assert (wish in lost) is (nobody_else and not leaving.draining)


def test_half_of_a_capability_elsewhere_is_told() -> None:
    leaving = replica("a", {"model": "m", "gpus": 2})
    (loss,) = losses(leaving, [leaving, replica("b", {"model": "m", "gpus": 1})])
    assert loss.wish == (("gpus", "2"), ("model", "m"))
    assert loss.alone == (("gpus", "2"),)


def test_one_that_drains_already_is_not_missed() -> None:
    leaving = replica("a", {"model": "m"}, draining=True)
    assert losses(leaving, [leaving]) == []


def test_every_change_is_a_later_state() -> None:
    before = replica("a", token=7)
    drained, back = before.drained(), before.drained().drained(False)
    assert before.precedes(drained)
    assert drained.precedes(back)
    assert not back.precedes(before)
    assert back != before
    assert back.precedes(replica("a", token=8))
