"""One server for the tests of this folder, and entries that point at it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from creative_services.core.llm_registry import LLMEntry
from creative_services.testing.vendors import VendorServer

KEY = "sk-test-0123456789abcdef"
AT = {"openai": "openai", "anthropic": "anthropic", "groq": "groq", "ollama": "ollama", "compatible": "openai"}
EVERY_PROVIDER = tuple(AT)

MakeEntry = Callable[..., LLMEntry]


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


@pytest.fixture
def make_entry(server: VendorServer) -> MakeEntry:
    def make(provider: str = "openai", **fields: Any) -> LLMEntry:
        given = {
            "id": 1,
            "name": "The model",
            "model": "model",
            "tier": "economy",
            "api_key": KEY,
            "api_endpoint": getattr(server, f"{AT.get(provider, 'openai')}_url"),
        }
        return LLMEntry(provider=provider, **{**given, **fields})

    return make
