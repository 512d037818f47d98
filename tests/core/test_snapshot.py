"""A snapshot's indexes agree with each other and with the rule."""

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.llm_registry import LLMEntry, LLMTier, cheapest, ranked
from creative_services.core.snapshot import RegistrySnapshot
from tests.core.strategies import entries

NOBODY = LLMEntry(id=1000, name="nobody", provider="p", model="m", tier=LLMTier.LOCAL, is_active=False)


@given(st.lists(entries(), max_size=15))
def test_the_indexes_agree(found: list[LLMEntry]) -> None:
    held = RegistrySnapshot.of(found)
    last = {entry.id: entry for entry in found}
    assert held.by_id == last
    assert list(held.by_id) == list(last), "entries keep the order in which they came"
    for tier in LLMTier:
        assert held.by_tier[tier] == ranked(last.values(), tier)
        assert held.winners.get(tier) == cheapest(last.values(), tier)
    assert sorted(e.id for e in held.active) == sorted(e.id for tier in LLMTier for e in held.by_tier[tier])


@given(st.lists(entries(), max_size=15))
def test_a_snapshot_of_a_snapshot_is_the_same(found: list[LLMEntry]) -> None:
    held = RegistrySnapshot.of(found)
    assert RegistrySnapshot.of(held.by_id.values()) == held


@given(st.lists(entries(), max_size=15), st.sets(st.integers(-5, 50), max_size=3), st.lists(entries(), max_size=3))
def test_a_change_in_place_is_the_same_as_starting_over(found, gone, new) -> None:
    new = list({entry.id: entry for entry in new}.values())
    # Enough inactive company that the change is made in place; it ranks nowhere and so hides nothing.
    company = [NOBODY.using(id=llm_id) for llm_id in range(1000, 1500)]
    before = RegistrySnapshot.of([*found, *company])
    gone = gone & before.by_id.keys()
    after = before.changed(gone=gone, new=new)
    left = {llm_id: entry for llm_id, entry in before.by_id.items() if llm_id not in gone}
    again = RegistrySnapshot.of((left | {entry.id: entry for entry in new}).values())
    assert after == again
    assert list(after.by_id) == list(again.by_id)


def test_no_change_is_no_change() -> None:
    held = RegistrySnapshot.of([NOBODY])
    assert held.changed() == held


def test_a_generator_is_read_once() -> None:
    entry = LLMEntry(id=1, name="n", provider="p", model="m", tier=LLMTier.LOCAL)
    assert RegistrySnapshot.of(e for e in [entry]).active == (entry,)
