"""The public registry suite, over our own registry and over a user's plain class with three methods."""

from collections.abc import Iterable

import pytest

from creative_services import DictRegistry, LLMEntry, LLMTier
from creative_services.core.llm_registry import cheapest
from creative_services.testing.registry_contract import MakeRegistry, RegistryContract


class ListRegistry:
    """The least a registry can be."""

    def __init__(self, entries: Iterable[LLMEntry]) -> None:
        self._entries = list(entries)

    def get_by_id(self, llm_id: int) -> LLMEntry | None:
        return next((entry for entry in self._entries if entry.id == llm_id), None)

    def get_by_tier(self, tier: LLMTier) -> LLMEntry | None:
        return cheapest(self._entries, LLMTier(tier))

    def list_active(self) -> list[LLMEntry]:
        return [entry for entry in self._entries if entry.is_active]


class TestDictRegistry(RegistryContract):
    @pytest.fixture
    def make_registry(self) -> MakeRegistry:
        return DictRegistry


class TestRegistryFilledLater(RegistryContract):
    @pytest.fixture
    def make_registry(self) -> MakeRegistry:
        def filled(entries: Iterable[LLMEntry]) -> DictRegistry:
            registry = DictRegistry()
            for entry in entries:
                registry.add(entry)
            return registry

        return filled


class TestPlainClass(RegistryContract):
    @pytest.fixture
    def make_registry(self) -> MakeRegistry:
        return ListRegistry


class DocumentedRegistry(ListRegistry):
    """The documentation's own rule: by input price alone, first come first."""

    def get_by_tier(self, tier: LLMTier) -> LLMEntry | None:
        matching = [e for e in self._entries if e.tier == tier and e.is_active and e.cost_per_1k_input is not None]
        return min(matching, key=lambda e: e.cost_per_1k_input) if matching else None


@pytest.mark.parametrize(
    "broken",
    [
        "test_equal_input_prices_are_decided_by_the_output_price",
        "test_equal_prices_are_decided_by_the_lowest_id",
        "test_an_entry_without_a_price_is_better_than_none",
    ],
)
def test_the_suite_can_fail(broken: str) -> None:
    with pytest.raises(AssertionError):
        getattr(RegistryContract(), broken)(DocumentedRegistry)
