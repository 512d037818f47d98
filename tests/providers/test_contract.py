"""Every shipped provider keeps the public contract, over a server that speaks its vendor's wire format."""

import pytest

from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import Provider
from creative_services.providers import load_provider
from creative_services.testing.provider_contract import ProviderContract
from creative_services.testing.vendors import VendorServer

KEY = "sk-test-0123456789abcdef"


class Shipped(ProviderContract):
    """One of ours."""

    name: str
    at: str

    @pytest.fixture
    def provider(self) -> Provider:
        return load_provider(self.name)

    @pytest.fixture
    def entry(self, server: VendorServer) -> LLMEntry:
        url = getattr(server, f"{self.at}_url")
        return LLMEntry(
            id=1, name="The model", provider=self.name, model="model", tier="economy", api_key=KEY, api_endpoint=url
        )


class TestOpenAI(Shipped):
    name, at = "openai", "openai"


class TestAnthropic(Shipped):
    name, at = "anthropic", "anthropic"


class TestGroq(Shipped):
    name, at = "groq", "groq"


class TestOllama(Shipped):
    name, at = "ollama", "ollama"
    takes_image_links = False


class TestCompatible(Shipped):
    name, at = "compatible", "openai"


class TestAVendorOfTheTable(Shipped):
    name, at = "mistral", "openai"
