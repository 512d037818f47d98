"""How the environment gives access to a vendor: its key and, if it is not the usual one, its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from creative_services.config import setting
from creative_services.core.secrets import Secret, secret
from creative_services.wire.endpoints import normal_ollama

# The variables the vendors' own SDKs read.
VARIABLES: Final = {
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "groq": ("GROQ_API_KEY", "GROQ_BASE_URL"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A key and an address; an address of None is the vendor's own, which its SDK knows."""

    api_key: Secret | None = None
    api_endpoint: str | None = None


def access_to(provider: str, environ: Mapping[str, str]) -> Access | None:
    """The access that is set up for a vendor, None when there is none."""
    if provider == "ollama":
        return _ollama(environ)
    key_name, base_name = VARIABLES.get(provider, ("", ""))
    key = setting(environ, key_name)
    return Access(api_key=secret(key), api_endpoint=setting(environ, base_name)) if key else None


def _ollama(environ: Mapping[str, str]) -> Access | None:
    # Not set means the usual place; set empty means: no local models, please.
    host = environ.get("OLLAMA_HOST", "127.0.0.1").strip()
    return Access(api_endpoint=normal_ollama(host)) if host else None
