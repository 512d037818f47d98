"""What a way to a vendor must be able to do, whether an SDK or plain HTTP goes it."""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

from creative_services.core.llm_registry import LLMEntry


class Answer(NamedTuple):
    """A whole good answer as it came."""

    headers: Mapping[str, str]
    content: bytes

    def __repr__(self) -> str:
        # It is a local variable where errors are raised, and a vendor may echo a key.
        return f"<an answer of {len(self.content)} bytes>"


class Flow:
    """A good answer that is still coming. It must be closed, which also stops the vendor."""

    __slots__ = ("_shut", "data", "headers")

    def __init__(
        self, headers: Mapping[str, str], data: AsyncIterable[bytes], shut: Callable[[], Awaitable[None]]
    ) -> None:
        self.headers = headers
        self.data = data
        self._shut = shut

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._shut()


class Leg(Protocol):
    """Goes to the vendor and back. Everything it raises is one of our errors."""

    async def post(self, entry: LLMEntry, path: str, body: Mapping[str, Any]) -> Answer:
        """Send ``body``, bring the whole answer."""
        ...

    async def get(self, entry: LLMEntry, path: str) -> Answer:
        """Bring what is there."""
        ...

    async def open(self, entry: LLMEntry, path: str, body: Mapping[str, Any]) -> Flow:
        """Send ``body``, bring the answer while it is coming."""
        ...

    async def aclose(self) -> None:
        """Close the running loop's connections."""
        ...
