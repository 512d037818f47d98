"""What people write into OLLAMA_HOST, and the address it means."""

from typing import Final
from urllib.parse import urlsplit

from creative_services.core.errors import ConfigurationError

DEFAULT_ENDPOINT: Final = "http://127.0.0.1:11434"

# A server listens on "any address"; a client cannot call that one and means the machine itself.
_ANY: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
_API_PATHS: Final = ("/api", "/v1")


def ollama_endpoint(host: str) -> str:
    """The root address of an Ollama server, from ``box``, ``box:8080``, ``https://box/api``, ``0.0.0.0`` and such."""
    text = host.strip().rstrip("/")
    has_scheme = "://" in text
    url = urlsplit(text if has_scheme else f"http://{text}")
    try:
        port = url.port
    except ValueError:
        raise ConfigurationError(f"OLLAMA_HOST={host!r}: the port is no number from 0 to 65535.") from None
    if url.username is not None:
        raise ConfigurationError(
            "OLLAMA_HOST holds a user name, which would show in every log line. Leave it out, and add an entry with "
            "an api_key in the file named by CREATIVE_SERVICES_CONFIG."
        )
    if url.scheme not in ("http", "https"):
        raise ConfigurationError(f"OLLAMA_HOST={host!r}: write http:// or https:// before the host, or nothing.")
    # As Ollama's own clients do: a bare host means Ollama's port, a URL means the port of its scheme.
    if port is None and not has_scheme:
        port = 11434
    return f"{url.scheme}://{_called(url.hostname or '')}{'' if port is None else f':{port}'}{_root(url.path)}"


def _called(hostname: str) -> str:
    name = _ANY.get(hostname, hostname)
    return f"[{name}]" if ":" in name else name


def _root(path: str) -> str:
    bare = path.rstrip("/")
    for ending in _API_PATHS:
        bare = bare.removesuffix(ending)
    return bare
