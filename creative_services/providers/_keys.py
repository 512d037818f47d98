"""The key and endpoint of an entry, looked at before they travel."""

from urllib.parse import urlsplit

from creative_services.core.errors import AuthenticationError, BadRequestError
from creative_services.core.llm_registry import LLMEntry, LLMTier

_QUOTES = ("'", '"')
CONNECT_SECONDS = 10.0  # generous: the client's own deadline is what ends a call


def key_of(entry: LLMEntry, *, needed: bool) -> str:
    """The key as it goes into a header; empty when there is none and none is needed."""
    key = entry.api_key.reveal().strip() if entry.api_key else ""
    if not key and needed:
        raise AuthenticationError("no api_key is set", llm=entry)
    if not (key.isascii() and key.isprintable()) or " " in key:
        del key  # or a traceback with local values would show it
        raise AuthenticationError("the api_key has characters no header can carry; was it copied whole", llm=entry)
    if key[:1] in _QUOTES or key[-1:] in _QUOTES:
        del key
        # Docker's --env-file and Kubernetes' secrets keep the quotes that a shell takes away.
        raise AuthenticationError("the api_key begins or ends with a quote; write it without quotes", llm=entry)
    return key


def checked_url(url: str, entry: LLMEntry) -> str:
    """The URL, when it is one that can be asked."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequestError(f"api_endpoint '{url}' is no http:// or https:// URL", llm=entry)
    return url


def stays_here(entry: LLMEntry) -> bool:
    """Whether no proxy of the environment may see this entry's calls."""
    return entry.tier is LLMTier.LOCAL
