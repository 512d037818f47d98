"""What every registry must do, as tests: derive from ``RegistryContract`` and say how to make yours."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from creative_services.core.llm_registry import LLMEntry, LLMRegistry, LLMTier

MakeRegistry = Callable[[Iterable[LLMEntry]], LLMRegistry]


def _entry(llm_id: int, price_in: Any = "0.001", price_out: Any = "0.002", **fields: Any) -> LLMEntry:
    given = {"name": f"Model {llm_id}", "provider": "offline", "model": f"model-{llm_id}", "tier": LLMTier.STANDARD}
    return LLMEntry(id=llm_id, cost_per_1k_input=price_in, cost_per_1k_output=price_out, **{**given, **fields})


def _chosen(registry: LLMRegistry, tier: LLMTier = LLMTier.STANDARD) -> int | None:
    found = registry.get_by_tier(tier)
    return found.id if found else None


class RegistryContract:
    """The promises about selection, for a registry of yours::

        class TestMyRegistry(RegistryContract):
            @pytest.fixture
            def make_registry(self):
                return lambda entries: MyRegistry(entries)

    ``make_registry`` gets entries with distinct ids, in any order, and returns a registry that holds exactly these.
    """

    def test_it_is_a_registry(self, make_registry: MakeRegistry) -> None:
        assert isinstance(make_registry([]), LLMRegistry), "get_by_id, get_by_tier or list_active is missing"

    def test_the_cheapest_input_price_wins(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1, "0.0002"), _entry(2, "0.0001", "9"), _entry(3, "0.0003", "0")])
        assert _chosen(registry) == 2

    def test_equal_input_prices_are_decided_by_the_output_price(self, make_registry: MakeRegistry) -> None:
        registry = make_registry(
            [_entry(1, "0.001", "0.004"), _entry(2, "0.001", "0.003"), _entry(3, "0.001", "0.005")]
        )
        assert _chosen(registry) == 2

    def test_equal_prices_are_decided_by_the_lowest_id(self, make_registry: MakeRegistry) -> None:
        entries = [_entry(7), _entry(3), _entry(5)]
        assert _chosen(make_registry(entries)) == 3
        assert _chosen(make_registry(reversed(entries))) == 3

    def test_prices_that_differ_in_the_eighth_decimal_differ(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1, "0.00000002"), _entry(2, "0.00000001")])
        assert _chosen(registry) == 2

    def test_an_inactive_entry_is_never_chosen(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1, "0.0001", is_active=False), _entry(2, "0.0002")])
        assert _chosen(registry) == 2
        assert [entry.id for entry in registry.list_active()] == [2]

    def test_a_tier_with_only_inactive_entries_is_empty(self, make_registry: MakeRegistry) -> None:
        assert _chosen(make_registry([_entry(1, is_active=False)])) is None

    def test_another_tiers_entry_is_no_substitute(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1, "0", tier=LLMTier.ECONOMY), _entry(2, "9", tier=LLMTier.PREMIUM)])
        assert _chosen(registry, LLMTier.STANDARD) is None
        assert _chosen(registry, LLMTier.LOCAL) is None
        assert _chosen(registry, LLMTier.PREMIUM) == 2

    def test_an_empty_registry_answers_none(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([])
        assert registry.get_by_tier(LLMTier.ECONOMY) is None
        assert registry.get_by_id(1) is None
        assert registry.list_active() == []

    def test_an_unknown_id_is_none(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1), _entry(3)])
        assert registry.get_by_id(2) is None

    def test_every_id_finds_its_own_entry(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(0), _entry(3), _entry(2)])
        for llm_id in (0, 2, 3):  # an id of 0 is an id
            found = registry.get_by_id(llm_id)
            assert found is not None
            assert found.id == llm_id

    def test_an_entry_without_a_price_comes_last(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1, None, None), _entry(2, "1000", "1000")])
        assert _chosen(registry) == 2

    def test_an_entry_without_a_price_is_better_than_none(self, make_registry: MakeRegistry) -> None:
        assert _chosen(make_registry([_entry(1, None, None)])) == 1

    def test_a_price_of_zero_is_a_price(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1, "0.0001"), _entry(2, "0", "0")])
        assert _chosen(registry) == 2

    def test_a_tier_may_be_written_as_text(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1, tier="premium")])
        assert _chosen(registry, "premium") == 1  # type: ignore[arg-type]  # what callers write, though typed as LLMTier

    def test_list_active_names_every_active_entry_once(self, make_registry: MakeRegistry) -> None:
        entries = [_entry(number, tier=tier) for number, tier in enumerate(LLMTier)]
        registry = make_registry([*entries, _entry(99, is_active=False)])
        assert sorted(entry.id for entry in registry.list_active()) == [0, 1, 2, 3]

    def test_the_list_is_the_callers_own(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1)])
        registry.list_active().clear()
        assert [entry.id for entry in registry.list_active()] == [1]
        assert _chosen(registry) == 1

    def test_what_goes_in_comes_out(self, make_registry: MakeRegistry) -> None:
        reached = {"api_key": "sk-test-1234567890", "api_endpoint": "http://127.0.0.1:9/v1"}
        written = _entry(5, "0.00000001", "0.12345678", max_tokens=1234, temperature=0.25, **reached)
        read = make_registry([written]).get_by_id(5)
        assert read is not None
        assert (read.name, read.provider, read.model, read.tier) == ("Model 5", "offline", "model-5", LLMTier.STANDARD)
        assert (read.max_tokens, read.temperature, read.api_endpoint) == (1234, 0.25, "http://127.0.0.1:9/v1")
        assert (read.cost_per_1k_input, read.cost_per_1k_output) == (Decimal("0.00000001"), Decimal("0.12345678"))
        assert read.api_key is not None
        assert read.api_key.reveal() == "sk-test-1234567890"

    def test_the_key_is_not_shown(self, make_registry: MakeRegistry) -> None:
        registry = make_registry([_entry(1, api_key="sk-test-1234567890")])
        shown = f"{registry!r} {registry.list_active()!r} {registry.get_by_id(1)}"
        assert "1234567890" not in shown
