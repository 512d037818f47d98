"""LOCAL means: at home."""

import pytest

from creative_services.core.llm_registry import LLMEntry
from creative_services.core.locality import leaves_home


def entry(provider: str, endpoint: str | None) -> LLMEntry:
    return LLMEntry(id=1, name="n", provider=provider, model="m", tier="local", api_endpoint=endpoint)


@pytest.mark.parametrize(
    ("provider", "endpoint"),
    [
        ("ollama", None),
        ("offline", None),
        ("ollama", "http://127.0.0.1:11434"),
        ("openai", "http://localhost:8000/v1"),
        ("openai", "http://10.1.2.3:8000/v1"),
        ("openai", "http://[::1]:8000"),
        ("openai", "http://[fd00::1]:8000"),
        ("openai", "gpu-box:8000/v1"),
        ("openai", "http://gpu-box.lan/v1"),
        ("openai", "http://notopenai.com.lan/v1"),
    ],
)
def test_at_home(provider: str, endpoint: str | None) -> None:
    assert leaves_home(entry(provider, endpoint)) is None


@pytest.mark.parametrize(
    ("provider", "endpoint"),
    [
        ("openai", None),
        ("anthropic", None),
        ("groq", ""),
        ("openai", "https://api.openai.com/v1"),
        ("openai", "HTTPS://API.OpenAI.com./v1"),
        ("openai", "api.openai.com/v1"),
        ("ollama", "https://ollama.com"),
        ("openai", "https://my.openai.azure.com/x"),
        ("openai", "http://8.8.8.8/v1"),
        ("openai", "8.8.8.8:80/v1"),
        ("openai", "http://[2606:4700::1111]/v1"),
        ("openai", "http://[::ffff:8.8.8.8]/v1"),
    ],
)
def test_away(provider: str, endpoint: str | None) -> None:
    reason = leaves_home(entry(provider, endpoint))
    assert reason is not None
    assert reason.startswith("would leave home: ")


def test_every_shipped_provider_that_has_a_vendor_is_known_to_leave_home() -> None:
    from creative_services.providers import known_providers
    from creative_services.providers.vendors import VENDORS

    at_home = {name for name in known_providers() if leaves_home(entry(name, None)) is None}
    assert at_home == {"offline", "ollama", "compatible", "vllm", "llamacpp", "lmstudio", "replicas"} & set(
        known_providers()
    )
    for vendor in VENDORS.values():
        if vendor.key_variable:
            assert leaves_home(entry("compatible", vendor.base_url)), vendor.name


def test_ollamas_cloud_models_are_not_local() -> None:
    there = LLMEntry(id=1, name="n", provider="ollama", model="gpt-oss:120b-cloud", tier="local")
    assert "cloud" in (leaves_home(there) or "")
