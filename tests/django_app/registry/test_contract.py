"""The public suite of every registry, over the table; and what this registry can do beyond it."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from creative_services import LLMEntry, LLMTier
from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.llm_registry import RanksCandidates
from creative_services.core.secrets import Secret
from creative_services.testing.registry_contract import RegistryContract
from django_app.llms.models import Llms

pytestmark = pytest.mark.django_db


def row_of(entry: LLMEntry) -> Llms:
    return Llms(
        pk=entry.id,
        name=entry.name,
        provider=entry.provider,
        model_name=entry.model,
        tier=entry.tier.value,
        api_key=entry.api_key.reveal() if entry.api_key else "",
        api_endpoint=entry.api_endpoint or "",
        max_tokens=entry.max_tokens,
        temperature=entry.temperature,
        cost_per_1k_input=entry.cost_per_1k_input,
        cost_per_1k_output=entry.cost_per_1k_output,
        is_active=entry.is_active,
        capabilities=sorted(entry.capabilities),
    )


def table_of(entries: Iterable[LLMEntry]) -> DjangoLLMRegistry:
    Llms.objects.all().delete()
    for row in map(row_of, entries):
        row.save(force_insert=True)
    return DjangoLLMRegistry()


def table_in_bulk(entries: Iterable[LLMEntry]) -> DjangoLLMRegistry:
    Llms.objects.all().delete()
    Llms.objects.bulk_create(map(row_of, entries))
    return DjangoLLMRegistry()


class TestDjangoLLMRegistry(RegistryContract):
    @pytest.fixture(params=[table_of, table_in_bulk])
    def make_registry(self, request: pytest.FixtureRequest) -> Any:
        return request.param


def make(name: str, price: Any = 1, **fields: Any) -> Llms:
    given = {"provider": "ollama", "model_name": "m", "tier": "standard", "cost_per_1k_output": 1}
    return Llms.objects.create(name=name, cost_per_1k_input=price, **{**given, **fields})


def test_candidates_come_in_the_order_they_would_be_asked() -> None:
    (
        make("dear", 2),
        make("off", 0, is_active=False),
        make("cheap", 1),
        make("unknown", None),
        make("local", tier="local"),
    )
    registry = DjangoLLMRegistry()
    assert isinstance(registry, RanksCandidates)
    assert [entry.name for entry in registry.candidates(LLMTier.STANDARD)] == ["cheap", "dear", "unknown"]
    assert registry.candidates(LLMTier.PREMIUM) == ()


def test_a_name_finds_its_cheapest_active_entry() -> None:
    make("twin", 2, model_name="a"), make("twin", 1, model_name="b"), make("off", is_active=False)
    registry = DjangoLLMRegistry()
    found = registry.get_by_name("twin")
    assert found is not None
    assert found.model == "b"
    assert registry.get_by_name("off") is None
    assert registry.get_by_name("nobody") is None


async def test_the_async_twins_say_the_same() -> None:
    registry = DjangoLLMRegistry()
    assert await registry.aget_by_id(1) is None
    assert await registry.aget_by_tier(LLMTier.STANDARD) is None
    assert await registry.alist_active() == []


def test_a_pinned_entry_goes_first_until_the_pin_ends() -> None:
    make("cheap", 1)
    pinned = make("dear", 5, pinned_until=timezone.now() + timedelta(hours=1), pin_reason="the cheap one stutters")
    registry = DjangoLLMRegistry()
    assert [entry.name for entry in registry.candidates(LLMTier.STANDARD)] == ["dear", "cheap"]
    pinned.pinned_until = timezone.now() - timedelta(seconds=1)
    pinned.save()
    assert registry.get_by_tier(LLMTier.STANDARD).name == "cheap"  # type: ignore[union-attr]  # there is one


def test_a_key_that_cannot_be_had_takes_only_its_own_entry_away(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = make("lost", 0, api_key="env:LLM_KEY_LOST")
    make("fine", 1)
    registry = DjangoLLMRegistry()
    assert registry.get_by_tier(LLMTier.STANDARD).name == "fine"  # type: ignore[union-attr]  # there is one
    assert registry.unavailable.keys() == {lost.pk}
    assert "LLM_KEY_LOST, which is not set" in registry.unavailable[lost.pk]
    assert not registry.get_by_id(lost.pk).is_active  # type: ignore[union-attr]  # there is one
    monkeypatch.setenv("LLM_KEY_LOST", "sk-found-123456789")
    registry.reload()
    assert registry.get_by_tier(LLMTier.STANDARD).name == "lost"  # type: ignore[union-attr]  # there is one
    assert registry.unavailable == {}


def test_a_key_file_that_changes_is_read_again_and_one_that_vanishes_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-first-123456789")
    with override_settings(CREATIVE_SERVICES={"FILE_ALLOW": [str(tmp_path)]}):
        row = make("filed", api_key=f"file:{file}")
        registry = DjangoLLMRegistry()

        def key() -> str:
            return registry.get_by_id(row.pk).api_key.reveal()  # type: ignore[union-attr]  # it has one

        assert key() == "sk-first-123456789"
        file.write_text("sk-second-123456789")
        registry.reload()
        assert key() == "sk-second-123456789"
        file.unlink()
        registry.reload()
        assert (key(), registry.unavailable) == ("sk-second-123456789", {})


def test_a_reference_of_many_rows_is_followed_once_and_a_copied_sealed_key_never(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-shared-123456789")
    with override_settings(CREATIVE_SERVICES={**settings.CREATIVE_SERVICES, "FILE_ALLOW": [str(tmp_path)]}):
        rows = [make(f"filed {number}", api_key=f"file:{tmp_path / 'key'}") for number in range(3)]
        own, thief = make("own", api_key="sk-sealed-123456789"), make("thief")
        Llms.objects.filter(pk=thief.pk).update(api_key=Llms.objects.values_list("api_key").get(pk=own.pk)[0])
        registry = DjangoLLMRegistry()
        assert len({id(registry.get_by_id(row.pk).api_key) for row in rows}) == 1  # type: ignore[union-attr]  # there is one
        assert registry.unavailable.keys() == {thief.pk}


def test_a_switched_off_entry_needs_no_key() -> None:
    make("off", is_active=False, api_key="env:LLM_KEY_LOST")
    assert DjangoLLMRegistry().unavailable == {}


def test_a_private_address_written_with_sql_is_not_asked() -> None:
    (
        make("metadata", 0, api_endpoint="http://169.254.169.254/v1"),
        make("home", tier="local", api_endpoint="http://10.0.0.7"),
    )
    registry = DjangoLLMRegistry()
    assert registry.get_by_tier(LLMTier.STANDARD) is None
    assert "private address 169.254.169.254" in next(iter(registry.unavailable.values()))
    assert registry.get_by_tier(LLMTier.LOCAL) is not None


def test_prices_of_the_catalogue_bring_their_whole_card() -> None:
    known = {
        "provider": "openai",
        "model_name": "gpt-4o-mini",
        "cost_per_1k_input": ".00015",
        "cost_per_1k_output": ".0006",
    }
    Llms.objects.create(name="listed", tier="standard", **known)
    Llms.objects.create(name="own", tier="premium", **{**known, "cost_per_1k_input": "1"})
    registry = DjangoLLMRegistry()
    listed, own = registry.get_by_tier(LLMTier.STANDARD), registry.get_by_tier(LLMTier.PREMIUM)
    assert listed is not None
    assert own is not None
    assert listed.pricing.rates.cached_input == Decimal("0.000075")
    assert own.pricing.rates.cached_input is None


def test_entries_of_unchanged_rows_stay_the_same_objects() -> None:
    one, two = make("one"), make("two", tier="premium")
    registry = DjangoLLMRegistry()
    before = registry.get_by_id(one.pk)
    two.save()
    assert registry.get_by_id(one.pk) is before


@pytest.mark.parametrize(
    "nonsense", ["capabilities = '7'", "capabilities = 'null'", "capabilities = '\"tools\"'", "options = '[1]'"]
)
def test_a_row_that_is_no_entry_takes_only_itself_away(nonsense: str) -> None:
    make("fine", 5)
    broken = make("broken", 1)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE creative_services_llms SET {nonsense} WHERE id = {broken.pk}")
    registry = DjangoLLMRegistry()
    registry.reload()
    found = registry.get_by_tier(LLMTier.STANDARD)
    assert found is not None
    assert found.name == "fine"
    assert "no valid entry" in registry.unavailable[broken.pk]


def test_rows_of_one_model_keep_what_is_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    keyed = make("keyed", api_key="env:LLM_KEY_ONE", options={"seed": 1})
    sealed = make("sealed", api_key="sk-another-one", options={"seed": 2})
    bare = make("bare", api_endpoint="http://10.0.0.1/v1")
    registry = DjangoLLMRegistry()
    monkeypatch.setenv("LLM_KEY_ONE", "the first key")
    registry.reload()
    found = {entry.name: entry for entry in registry.list_active()}
    assert (found["keyed"].api_key, found["keyed"].options) == (Secret("the first key"), {"seed": 1})
    assert (found["sealed"].api_key, found["sealed"].options) == (Secret("sk-another-one"), {"seed": 2})
    assert "private address" in registry.unavailable[bare.pk]
    assert found.keys() == {"keyed", "sealed"}
    assert {keyed.pk, sealed.pk} == {entry.id for entry in found.values()}
