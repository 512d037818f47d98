"""Endpoints as people write them, and as each SDK wants them."""

from typing import Final

OLLAMA_PORT: Final = 11434


def normal_ollama(url: str) -> str:
    """``OLLAMA_HOST`` in any common spelling as a base URL: with or without scheme, port, ``/api``, ``/v1``."""
    told = url.strip().rstrip("/")
    for suffix in ("/api", "/v1"):
        told = told.removesuffix(suffix).rstrip("/")
    scheme, _, rest = told.rpartition("://")
    host, slash, path = rest.partition("/")
    bare = host.rpartition("@")[2]
    if bare.startswith(":"):
        host = f"127.0.0.1{host}"
    elif not scheme and not _has_port(bare):
        # As Ollama itself reads it: a bare host means its own port, a scheme means that scheme's.
        host = f"{host}:{OLLAMA_PORT}"
    # A server told to listen everywhere is reached on this machine.
    host = host.replace("0.0.0.0:", "127.0.0.1:", 1) if host.startswith("0.0.0.0:") else host  # noqa: S104 - not bound
    return f"{scheme or 'http'}://{host}{slash}{path}"


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and (not host.startswith("[") or "]:" in host) and host.count(":") != 0


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
