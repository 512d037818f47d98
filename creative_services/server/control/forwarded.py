"""Who a caller really is when proxies stand between: their headers are believed only when they are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

from creative_services.core.errors import ConfigurationError

EVERYBODY: Final = "*"
# Said by proxies, and by anybody who would like to be taken for somebody else.
HEADERS: Final = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto", b"x-real-ip"}
)
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Address, scheme and host name as the caller knows them."""

    address: str
    scheme: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """The proxies whose word is taken. None, unless somebody says otherwise."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    everybody: bool = False

    @classmethod
    def parse(cls, written: str | None, *, variable: str) -> "Proxies":
        """``10.0.0.0/8, 192.0.2.7`` or ``*``."""
        parts = [part.strip() for part in (written or "").split(",") if part.strip()]
        if EVERYBODY in parts:
            return cls(everybody=True)
        try:
            return cls(networks=tuple(ip_network(part, strict=False) for part in parts))
        except ValueError as error:
            raise ConfigurationError(
                f"{variable}: {error}. Write addresses or networks with commas between them, or * for everybody."
            ) from None

    def know(self, address: str) -> bool:
        """Whether this is one of them."""
        if self.everybody:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)

    def caller(self, scope: dict[str, Any]) -> Caller:
        """The caller of a request, through as many known proxies as there are."""
        peer = scope["client"][0] if scope.get("client") else ""
        headers: Headers = scope["headers"]
        host = _last(headers, b"host")
        if not self.know(peer):
            return Caller(address=peer, scheme=scope["scheme"], host=host)
        told = _last(headers, b"x-forwarded-proto").lower()
        return Caller(
            address=self._first_stranger(peer, _all(headers, b"x-forwarded-for")),
            scheme=told if told in ("http", "https") else scope["scheme"],
            host=_last(headers, b"x-forwarded-host") or host,
        )

    def _first_stranger(self, peer: str, passed: Sequence[str]) -> str:
        # From the end: what stands further left was said by those who stand further right.
        found = peer
        for address in reversed(passed):
            try:
                found = str(ip_address(address))
            except ValueError:
                break
            if not self.know(found):
                break
        return found


NOBODY: Final = Proxies()


def _all(headers: Headers, name: bytes) -> list[str]:
    joined = b",".join(value for given, value in headers if given == name).decode("latin-1")
    return [part.strip() for part in joined.split(",") if part.strip()]


def _last(headers: Headers, name: bytes) -> str:
    return (_all(headers, name) or [""])[-1]
