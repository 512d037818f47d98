"""Every way people write Ollama's address means one base URL."""

import pytest

from creative_services.core.errors import ConfigurationError
from creative_services.wire.endpoints import normal_ollama


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("box", "http://box:11434"),
        (" box/ ", "http://box:11434"),
        ("box:8080", "http://box:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("http://box:11434", "http://box:11434"),
        ("http://box:11434/api", "http://box:11434"),
        ("http://box:11434/api/", "http://box:11434"),
        ("box:11434/v1", "http://box:11434"),
        ("https://box/v1/", "https://box"),
        ("http://box", "http://box"),
        ("https://box/behind/a/proxy/api", "https://box/behind/a/proxy"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:99", "http://127.0.0.1:99"),
        ("http://0.0.0.0", "http://127.0.0.1"),
        ("[::]", "http://[::1]:11434"),
        ("http://[fe80::1]:5/v1", "http://[fe80::1]:5"),
        ("HTTP://Box:1", "http://box:1"),
    ],
)
def test_addresses(written: str, meant: str) -> None:
    assert normal_ollama(written) == meant
    assert normal_ollama(meant) == meant, "what we write is what we read"


@pytest.mark.parametrize("written", ["box:port", "box:70000", "http://[fe80::1", "ftp://box", "unix://sock", "::1"])
def test_what_is_no_address_says_so(written: str) -> None:
    with pytest.raises(ConfigurationError, match="Ollama's address"):
        normal_ollama(written)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="api_key") as caught:
        normal_ollama("http://me:hunter2@box:badport")
    assert "hunter2" not in str(caught.value)
