"""Either spelling of a base URL means the one its SDK wants."""

import pytest

from creative_services.wire.endpoints import groq_base, with_v1, without_v1


@pytest.mark.parametrize(
    ("given", "openai"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://proxy.example/openai", "https://proxy.example/openai"),
    ],
)
def test_openai_s_ends_in_v1(given: str, openai: str) -> None:
    assert with_v1(given) == openai


@pytest.mark.parametrize("given", ["https://api.anthropic.com", "https://api.anthropic.com/v1/"])
def test_anthropic_s_does_not(given: str) -> None:
    assert without_v1(given) == "https://api.anthropic.com"


@pytest.mark.parametrize("path", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
def test_groq_s_does_not_either(path: str) -> None:
    assert groq_base(f"https://api.groq.com{path}") == "https://api.groq.com"
