"""What LOCAL means: the request does not leave the machines of its owner."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from creative_services.core.llm_registry import LLMEntry

# Without an endpoint of its own an entry of these goes to the vendor.
REMOTE_PROVIDERS: Final = frozenset(
    {
        "openai", "anthropic", "groq", "openrouter", "together", "fireworks", "mistral", "xai", "cerebras",
        "perplexity",
        "nvidia", "sambanova", "huggingface", "gemini", "deepseek",
    }
)  # fmt: skip

_PUBLIC_DOMAINS: Final = (
    "openai.com", "anthropic.com", "groq.com", "openrouter.ai", "together.ai", "together.xyz", "fireworks.ai",
    "deepseek.com", "mistral.ai", "x.ai", "cerebras.ai", "perplexity.ai", "googleapis.com", "azure.com",
    "amazonaws.com", "huggingface.co", "ollama.com", "nvidia.com", "sambanova.ai",
)  # fmt: skip


def leaves_home(entry: LLMEntry) -> str | None:
    """Why calling ``entry`` would send the request to a stranger; None when it stays home."""
    if entry.provider == "ollama" and entry.model.endswith(("-cloud", ":cloud")):
        return f"would leave home: Ollama sends {entry.model} on to its own cloud"
    if not entry.api_endpoint:
        remote = entry.provider in REMOTE_PROVIDERS
        return f"would leave home: {entry.provider} without api_endpoint is the vendor" if remote else None
    host = _host(entry.api_endpoint)
    if any(host == domain or host.endswith(f".{domain}") for domain in _PUBLIC_DOMAINS) or _public_address(host):
        return f"would leave home: {host} is a public host"
    return None


def _host(endpoint: str) -> str:
    # Without a scheme the host would be read as a path, and a stranger as nobody.
    return (urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or "").rstrip(".")


def _public_address(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    # ::ffff:8.8.8.8 is 8.8.8.8, whatever some versions of the standard library say of its wrapping.
    return (getattr(address, "ipv4_mapped", None) or address).is_global
