"""The in-memory registry: changing it, refusing what cannot be, and staying fast."""

import sys
import threading
import timeit
from decimal import Decimal

import pytest

from creative_services import DictRegistry, LLMEntry, LLMRegistry, LLMTier
from creative_services.core.errors import ConfigurationError, NoEntryError
from creative_services.core.llm_registry import RanksCandidates


def entry(llm_id: int, price: str | None = "0.001", **fields: object) -> LLMEntry:
    given = {"name": f"model {llm_id}", "provider": "offline", "model": "m", "tier": LLMTier.ECONOMY}
    return LLMEntry(id=llm_id, cost_per_1k_input=price, cost_per_1k_output=price, **{**given, **fields})


def test_it_ranks_its_candidates() -> None:
    registry = DictRegistry([entry(1, "3"), entry(2, "1"), entry(3, "2", is_active=False), entry(4, None)])
    assert isinstance(registry, LLMRegistry)
    assert isinstance(registry, RanksCandidates)
    assert [found.id for found in registry.candidates(LLMTier.ECONOMY)] == [2, 1, 4]
    assert registry.candidates(LLMTier.PREMIUM) == ()
    assert registry.candidates("gold") == ()
    assert registry.get_by_tier("gold") is None


def test_an_inactive_entry_is_found_by_id_only() -> None:
    registry = DictRegistry([entry(1, is_active=False)])
    assert registry.get_by_id(1) == entry(1, is_active=False)
    assert registry.get_by_name("model 1") is None
    assert registry.list_active() == []
    assert [found.id for found in registry] == [1]


def test_of_two_with_one_name_the_cheaper_answers_to_it() -> None:
    registry = DictRegistry([entry(1, "2", name="twin"), entry(2, "1", name="twin"), entry(3, "0", name="other")])
    found = registry.get_by_name("twin")
    assert found is not None
    assert found.id == 2
    assert registry.get_by_name("nobody") is None


def test_a_taken_id_is_refused_and_nothing_is_added() -> None:
    registry = DictRegistry([entry(1, name="first")])
    with pytest.raises(ConfigurationError, match=r"'first'.*'second'.*registry\.replace"):
        registry.add(entry(2), entry(1, name="second"))
    assert registry.get_by_id(2) is None
    with pytest.raises(ConfigurationError, match="id 5"):
        DictRegistry([entry(5), entry(5)])


def test_replace_changes_the_next_answer() -> None:
    registry = DictRegistry([entry(1, "1"), entry(2, "2")])
    registry.replace(entry(1, "3"))
    assert registry.get_by_tier(LLMTier.ECONOMY) == entry(2, "2")
    registry.replace(entry(2, "2", tier=LLMTier.LOCAL))
    assert registry.get_by_tier(LLMTier.ECONOMY) == entry(1, "3")
    assert [found.id for found in registry.candidates(LLMTier.LOCAL)] == [2]


def test_remove_forgets() -> None:
    registry = DictRegistry([entry(1), entry(2)])
    registry.remove(1)
    assert registry.get_by_id(1) is None
    registry.remove(2)
    assert registry.get_by_tier(LLMTier.ECONOMY) is None


@pytest.mark.parametrize("change", [lambda r: r.replace(entry(9)), lambda r: r.remove(9)])
def test_changing_what_is_not_there_says_what_is(change) -> None:
    with pytest.raises(NoEntryError, match=r"id 9.*Known ids: 1, 2\."):
        change(DictRegistry([entry(1), entry(2)]))
    with pytest.raises(NoEntryError, match="the registry is empty"):
        change(DictRegistry())
    with pytest.raises(NoEntryError, match="and 980 more"):
        change(DictRegistry(entry(n) for n in range(1000, 2000)))


def test_an_empty_registry_is_not_false() -> None:
    assert DictRegistry(), "`registry or default` must not drop a registry that is merely empty"


def test_it_says_how_much_it_holds_and_no_key() -> None:
    registry = DictRegistry([entry(1, api_key="sk-test-1234567890"), entry(2, is_active=False)])
    assert repr(registry) == "<DictRegistry: 2 entries, 1 active>"


def test_a_reader_keeps_the_snapshot_it_began_with() -> None:
    registry = DictRegistry([entry(1), entry(2)])
    walk = iter(registry)
    next(walk)
    registry.remove(2)
    assert next(walk).id == 2


def test_many_writers_lose_nothing() -> None:
    registry = DictRegistry()
    together = threading.Barrier(8)

    def write(start: int) -> None:
        together.wait()
        for llm_id in range(start, start + 50):
            registry.add(entry(llm_id))
            registry.replace(entry(llm_id, "0.002"))
            if llm_id % 2:
                registry.remove(llm_id)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that threads do meet inside the methods
    try:
        threads = [threading.Thread(target=write, args=(100 * n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert sorted(found.id for found in registry) == [100 * n + i for n in range(8) for i in range(0, 50, 2)]
    assert {found.cost_per_1k_input for found in registry} == {Decimal("0.002")}


def seconds_per_call(registry: DictRegistry, llm_id: int) -> tuple[float, float]:
    def once(call) -> float:
        return min(timeit.repeat(call, number=2000, repeat=5)) / 2000

    return once(lambda: registry.get_by_tier(LLMTier.ECONOMY)), once(lambda: registry.get_by_id(llm_id))


def test_asking_does_not_slow_down_with_size() -> None:
    # Ratios, not microseconds: a slow machine is slow for both, and a scan would be a thousand times slower here.
    small = seconds_per_call(DictRegistry([entry(0)]), 0)
    large = seconds_per_call(DictRegistry(entry(n) for n in range(20_000)), 19_999)
    assert large[0] < small[0] * 20
    assert large[1] < small[1] * 20
