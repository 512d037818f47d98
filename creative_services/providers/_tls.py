"""One TLS context per process: building one costs more than ten calls."""

import ssl
from functools import cache
from urllib.parse import urlsplit


def context_for(url: str) -> ssl.SSLContext:
    """The process's context; for plain HTTP one that trusts nobody, since loading certificates is what costs."""
    return _trusting_nobody() if urlsplit(url).scheme == "http" else _shared()


@cache
def _shared() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and not ssl.get_default_verify_paths().capath:
        # Small containers and some Python builds come without the system's certificates.
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context


@cache
def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
