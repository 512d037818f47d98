"""Endpoints as people write them, and as each SDK wants them."""

from typing import Final
from urllib.parse import urlsplit

from creative_services.core.errors import ConfigurationError

OLLAMA_PORT: Final = 11434

# A server is told to listen on any address; who calls it calls this machine.
_ANY_ADDRESS: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


def normal_ollama(url: str) -> str:
    """``OLLAMA_HOST`` in any common spelling as a base URL: with or without scheme, port, ``/api``, ``/v1``."""
    told = url.strip()
    if "@" in told:
        raise ConfigurationError("Ollama's address holds a user name, which every log would show. Use an api_key.")
    scheme, host, port, path = _parts(told if "://" in told else f"http://{told}")
    if scheme not in ("http", "https"):
        raise ConfigurationError(f"Ollama's address {told!r} begins with neither http:// nor https://.")
    # As Ollama itself reads it: a bare host means its own port, a scheme means that scheme's.
    if port is None and "://" not in told:
        port = OLLAMA_PORT
    return f"{scheme}://{_called(host)}{'' if port is None else f':{port}'}{_root(path)}"


def _parts(url: str) -> tuple[str, str, int | None, str]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port, parts.path
    except ValueError:  # a port that is no number, or an IPv6 address without its brackets
        raise ConfigurationError(f"Ollama's address {url!r} cannot be read. Write host, host:port or a URL.") from None


def _called(host: str) -> str:
    name = _ANY_ADDRESS.get(host, host)
    return f"[{name}]" if ":" in name else name


def _root(path: str) -> str:
    bare = path.rstrip("/")
    for suffix in ("/api", "/v1"):
        bare = bare.removesuffix(suffix).rstrip("/")
    return bare


def with_v1(url: str) -> str:
    """The OpenAI SDK's convention: the base URL ends in ``/v1``. A path of another kind is the owner's business."""
    told = url.rstrip("/")
    host = told.partition("://")[2]
    return told if "/" in host else f"{told}/v1"


def without_v1(url: str) -> str:
    """Anthropic's convention: the SDK adds ``/v1`` itself."""
    return url.rstrip("/").removesuffix("/v1")


def groq_base(url: str) -> str:
    """Groq's convention: the SDK adds ``/openai/v1`` itself."""
    return without_v1(url).removesuffix("/openai")
