"""The metrics agree with what happened, and their labels stay few."""

import subprocess
import sys
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from creative_services import NoEntryError
from creative_services.telemetry import PrometheusListener
from tests.telemetry.conftest import GOOD, PROMPT, USAGE, Made, entry


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"creative_services_{name}", labels)


async def test_tries_tokens_and_money_are_counted(made: Made, registry: CollectorRegistry) -> None:
    await made(PrometheusListener(registry)).generate(PROMPT, tier="standard", user_id="ada")
    second: dict[str, Any] = {"tier": "standard", "provider": "vendor2", "model": "model-2"}
    assert value(registry, "calls_total", tier="standard", outcome="ok") == 1
    assert value(registry, "call_seconds_count", tier="standard", outcome="ok") == 1
    assert value(registry, "attempts_total", **second, outcome="ok") == 1
    assert (
        value(
            registry,
            "attempts_total",
            tier="standard",
            provider="vendor1",
            model="model-1",
            outcome="RateLimitedError",
        )
        == 1
    )
    kinds = ("input", "cached", "cache_write", "output", "reasoning")
    tokens = [value(registry, "tokens_total", **second, kind=kind) for kind in kinds]
    assert tokens == [600, 400, None, 150, 50]
    assert sum(count or 0 for count in tokens) == USAGE.total_tokens
    assert value(registry, "cost_usd_total", **second) == pytest.approx(2.4)


async def test_no_label_names_a_person_or_a_call(made: Made, registry: CollectorRegistry) -> None:
    await made(PrometheusListener(registry)).generate(PROMPT, tier="standard", user_id="ada")
    labels = {name for family in registry.collect() for sample in family.samples for name in sample.labels}
    assert labels == {"tier", "provider", "model", "outcome", "kind", "le"}


async def test_listeners_of_one_registry_share_their_metrics(made: Made, registry: CollectorRegistry) -> None:
    for _ in range(2):
        await made(PrometheusListener(registry), first=GOOD).generate(PROMPT, tier="standard")
    assert value(registry, "calls_total", tier="standard", outcome="ok") == 2


async def test_an_unknown_price_is_no_cost_of_zero(made: Made, registry: CollectorRegistry) -> None:
    unpriced = entry(2, cost_per_1k_input=None, cost_per_1k_output=None)
    await made(PrometheusListener(registry), entries=[unpriced]).generate(PROMPT, tier="standard")
    second = {"tier": "standard", "provider": "vendor2", "model": "model-2"}
    assert value(registry, "unpriced_attempts_total", **second) == 1
    assert value(registry, "cost_usd_total", **second) is None


async def test_a_call_by_id_counts_for_its_entrys_tier_and_an_unknown_id_for_none(
    made: Made, registry: CollectorRegistry
) -> None:
    client = made(PrometheusListener(registry))
    await client.generate(PROMPT, llm_id=2)
    with pytest.raises(NoEntryError):
        await client.generate(PROMPT, llm_id=99)
    assert value(registry, "calls_total", tier="standard", outcome="ok") == 1
    assert value(registry, "calls_total", tier="none", outcome="NoEntryError") == 1


def test_the_default_registry_is_prometheus_own() -> None:
    script = (
        "from creative_services.telemetry import PrometheusListener; import prometheus_client as p;"
        "PrometheusListener(); PrometheusListener(); print('creative_services_calls' in p.generate_latest().decode())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
