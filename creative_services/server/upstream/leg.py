"""The seam: what the gateway asks of whatever carries its requests to a vendor."""

from collections.abc import Mapping
from typing import Protocol

from creative_services.server.upstream.origins import Target


class Answer(Protocol):
    """A vendor's answer whose head has come. Whoever holds one closes it."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The head, names in lower case."""
        ...

    def taken(self) -> bytes:
        """What has come of the body and was not taken yet: all of it, unless the answer was asked for as a stream."""
        ...

    async def whole(self) -> bytes:
        """The body to its end."""
        ...

    async def piece(self) -> bytes:
        """The bytes that have come since the last piece; empty at the end."""
        ...

    def interrupt(self, reason: Exception) -> None:
        """Make whoever waits for a piece raise ``reason``."""
        ...

    def close(self) -> None:
        """Let go: a finished answer's connection is used again, any other is cut, which stops the vendor."""
        ...


class Leg(Protocol):
    """Carries one request to a vendor. Raises ``OSError`` kinds and ``ValueError`` kinds, never a library's own."""

    async def ask(self, target: Target, body: bytes, *, more: bytes = b"", streamed: bool = False) -> Answer:
        """Send; the answer when it is whole, or, streamed, when its first piece is there."""
        ...

    async def start(self) -> None:
        """Before the first request."""
        ...

    async def stop(self) -> None:
        """After the last: close every connection."""
        ...
