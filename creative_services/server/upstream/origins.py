"""Where a request goes: the other end of a connection, and the bytes that every request to it begins with."""

import ssl
from base64 import b64encode
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A way through somebody else: its address, and what it wants to see before it lets one through."""

    host: str
    port: int
    authorization: str | None = None

    @classmethod
    def of(cls, url: str) -> "Proxy":
        """The proxy an environment variable names, with or without a user and a password in it."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"a proxy is reached over http://, not {parts.scheme}://{parts.hostname or ''}")
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {b64encode(pair.encode()).decode()}"
        return cls(host=parts.hostname, port=parts.port or 80, authorization=authorization)

    def __repr__(self) -> str:
        return f"<proxy {self.host}:{self.port}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One end of connections that may be used for each other's requests."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    proxy: Proxy | None = None

    @property
    def authority(self) -> str:
        """As the Host header says it."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _DEFAULT_PORTS["https" if self.tls else "http"]
        return name if usual else f"{name}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One endpoint for one key: ``head`` is everything before the length of the body."""

    origin: Origin
    head: bytes

    def __repr__(self) -> str:
        # The head holds the key.
        return f"<target at {self.origin.authority}>"

    def request(self, body: bytes, more: bytes = b"") -> bytes:
        """The head of one request; ``more`` are whole header lines of this request alone."""
        return b"%b%bcontent-length: %d\r\n\r\n" % (self.head, more, len(body))
