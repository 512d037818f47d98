"""The one seam to every vendor."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from creative_services.core.completions import Completion, Embeddings, Piece, Request
from creative_services.core.llm_registry import LLMEntry


@runtime_checkable
class Provider(Protocol):
    """Reaches a vendor. Raises ``ProviderError`` kinds; retries, deadlines and prices are the client's business."""

    async def generate(self, entry: LLMEntry, request: Request) -> Completion:
        """The whole answer."""
        ...

    def stream(self, entry: LLMEntry, request: Request) -> AsyncIterator[Piece | Completion]:
        """Pieces as they come, and the whole ``Completion`` as the last item."""
        ...

    async def aclose(self) -> None:
        """Close every connection of the running loop."""
        ...


@runtime_checkable
class MakesEmbeddings(Protocol):
    """An optional power: vectors for texts."""

    async def embed(self, entry: LLMEntry, texts: Sequence[str]) -> Embeddings:
        """One vector per text, in order."""
        ...


@runtime_checkable
class ListsModels(Protocol):
    """An optional power: what the endpoint serves, which also proves that key and endpoint work."""

    async def models(self, entry: LLMEntry) -> tuple[str, ...]:
        """The names the endpoint knows."""
        ...
