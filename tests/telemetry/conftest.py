"""Calls as listeners see them: a client over scripted providers, on a clock that steps."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from creative_services import DictRegistry, DynamicLLMClient, LLMEntry, LLMTier
from creative_services.core.completions import Completion
from creative_services.core.errors import RateLimitedError
from creative_services.core.usage import Usage
from creative_services.testing import ScriptedProvider, SteppingClock, fails

# Whatever is found in a log, a span or a file beside these would be a leak.
PROMPT, ANSWER, KEY = "the secret prompt", "the secret answer", "sk-never-shown-anywhere-1234"

USAGE = Usage(input_tokens=1000, output_tokens=200, cached_tokens=400, reasoning_tokens=50)
GOOD = Completion(
    content=ANSWER, finish_reason="stop", usage=USAGE, model="model-2-2030-01-01", request_id="req_good_1"
)
# A vendor's own words quote the prompt, as real ones do.
LIMITED = fails(RateLimitedError, f"cannot take {PROMPT!r}", status=429, request_id="req_bad_1", retry_after=7.0)

Made = Callable[..., DynamicLLMClient]


def entry(llm_id: int, **fields: Any) -> LLMEntry:
    """An entry of the standard tier that costs its id."""
    known: dict[str, Any] = {
        "name": f"Model {llm_id}",
        "provider": f"vendor{llm_id}",
        "model": f"model-{llm_id}",
        "tier": LLMTier.STANDARD,
        "cost_per_1k_input": llm_id,
        "cost_per_1k_output": llm_id,
        "api_key": KEY,
        "api_endpoint": f"https://vendor{llm_id}.example:8443/v1",
    }
    return LLMEntry(**{"id": llm_id, **known, **fields})


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def made(clock: SteppingClock) -> AsyncIterator[Made]:
    """Builds clients with listeners: by default the first entry is limited and the second answers."""
    clients: list[DynamicLLMClient] = []

    def make(*listeners: Any, first: Any = LIMITED, second: Any = GOOD, entries: Any = None) -> DynamicLLMClient:
        client = DynamicLLMClient(
            DictRegistry(entries or [entry(1), entry(2)]),
            providers={"vendor1": ScriptedProvider(first), "vendor2": ScriptedProvider(second)},
            listeners=listeners,
            clock=clock,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()
