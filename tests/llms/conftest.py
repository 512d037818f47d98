"""A client over scripted providers and a clock that steps."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.llms.client import DynamicLLMClient
from creative_services.llms.dict_registry import DictRegistry
from creative_services.testing import ScriptedProvider, SteppingClock


def entry(llm_id: int, provider: str = "first", **fields: Any) -> LLMEntry:
    """An entry of the standard tier that costs its id."""
    known = {
        "name": f"Model {llm_id}",
        "model": f"model-{llm_id}",
        "tier": LLMTier.STANDARD,
        "cost_per_1k_input": llm_id,
        "cost_per_1k_output": llm_id,
        "max_tokens": 100,
        "api_key": "sk-never-shown-anywhere-1234",
    }
    return LLMEntry(**{**known, **fields, "id": llm_id, "provider": provider})


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def make_client(clock: SteppingClock) -> AsyncIterator[Callable[..., DynamicLLMClient]]:
    """Builds clients over entries and providers, and closes them."""
    made: list[DynamicLLMClient] = []

    def make(*entries: LLMEntry, registry: Any = None, **options: Any) -> DynamicLLMClient:
        providers = options.pop("providers", None) or {e.provider: ScriptedProvider() for e in entries}
        client = DynamicLLMClient(registry or DictRegistry(entries), providers=providers, **{"clock": clock, **options})
        made.append(client)
        return client

    yield make
    for client in made:
        await client.aclose()
