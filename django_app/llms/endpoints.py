"""Where an entry may send its requests: never to a private address, unless it is LOCAL or the address is allowed.

Whoever may edit entries could otherwise make the server call its own neighbours (a cloud's metadata service, an
admin port) and read their answers.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from creative_services.core.llm_registry import LLMTier
from django_app.llms import conf

Address = IPv4Address | IPv6Address

# Long enough that DNS is no part of most calls, short against anybody who points a name elsewhere and waits.
_ALLOWED_SECONDS: Final = 30.0
_allowed_until: dict[tuple[str, str, conf.Settings], float] = {}

_PORTS: Final = {"http": 80, "https": 443}


def host_of(endpoint: str | None) -> str:
    """The host of an endpoint in lower case; empty when it has none."""
    return (_parts(endpoint or "").hostname or "").rstrip(".")


def goal_of(provider: str, endpoint: str | None) -> tuple[str, str, int | None]:
    """Who gets a key that is sent there: scheme, host and port; without an endpoint, the provider's own."""
    if not endpoint:
        return (provider, "", None)
    parts = _parts(endpoint)
    scheme = parts.scheme or "http"
    if scheme not in _PORTS:
        return (scheme, endpoint, None)  # replicas:// holds an address of its own
    try:
        return (scheme, host_of(endpoint), parts.port or _PORTS[scheme])
    except ValueError:  # no port at all, and a sentence for clean() to say
        return (scheme, endpoint, None)


def _parts(endpoint: str) -> SplitResult:
    # People write `localhost:11434` as Ollama does; without a scheme urlsplit would call `localhost` one.
    return urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")


def refusal(endpoint: str | None, tier: str) -> str | None:
    """Why an entry of ``tier`` may not use ``endpoint``, after asking DNS; None when it may."""
    return _refusal(endpoint, tier, addresses)


def literal_refusal(endpoint: str | None, tier: str) -> str | None:
    """The part of it that needs no DNS, for who must not wait: an address written as digits, or localhost."""
    return _refusal(endpoint, tier, _literal)


def _refusal(endpoint: str | None, tier: str, found: Callable[[str], list[Address]]) -> str | None:
    host = host_of(endpoint)
    if not endpoint or _parts(endpoint).scheme not in ("", *_PORTS):
        return None  # the vendor's own, or a scheme such as replicas:// that opens no socket itself
    if not host:
        return "has an api_endpoint without a host"
    if tier == LLMTier.LOCAL or host in conf.current().endpoint_allow:
        return None
    return _refused_address(host, found(host))


async def arefusal(endpoint: str | None, tier: str) -> str | None:
    """The same without holding up the event loop while DNS answers; a good answer holds for half a minute."""
    now, key = time.monotonic(), (endpoint or "", str(tier), conf.current())
    if _allowed_until.get(key, 0.0) > now:
        return None
    why = await asyncio.get_running_loop().run_in_executor(None, refusal, endpoint, tier)
    if why is None:
        _remember(key, now)
    return why


def _remember(key: tuple[str, str, conf.Settings], now: float) -> None:
    if len(_allowed_until) > 1000:
        _allowed_until.clear()
    _allowed_until[key] = now + _ALLOWED_SECONDS


def addresses(host: str) -> list[Address]:
    """What ``host`` resolves to right now; nothing when DNS does not know it, for then no call can reach it."""
    return _literal(host) or list(_resolved(host))


def _literal(host: str) -> list[Address]:
    try:
        return [ip_address("127.0.0.1" if host == "localhost" else host)]
    except ValueError:
        return []


def _resolved(host: str) -> Iterator[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    for *_, address in found:
        yield ip_address(str(address[0]).partition("%")[0])


def _refused_address(host: str, found: Iterable[Address]) -> str | None:
    bad = next((address for address in found if not _public(address) and not _address_allowed(address)), None)
    if bad is None:
        return None
    shown = host if host == str(bad) else f"{host} ({bad})"
    return (
        f"would call the private address {shown}. Give it the tier local, "
        f"or add the host or network to {conf.NAME}['ENDPOINT_ALLOW']"
    )


def _public(address: Address) -> bool:
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (inner or address).is_global and not address.is_multicast


def _address_allowed(address: Address) -> bool:
    return any(address in network for network in _networks())


def _networks() -> Iterator[IPv4Network | IPv6Network]:
    for item in conf.current().endpoint_allow:
        try:
            yield ip_network(item, strict=False)
        except ValueError:
            continue  # a host's name, compared as such
