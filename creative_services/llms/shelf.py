"""The providers a client uses: the user's own first, then the shipped and the registered ones, loaded when needed."""

import asyncio
from collections.abc import Mapping

from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import MakesEmbeddings, Provider
from creative_services.providers import load_provider


class Shelf:
    """Providers by name."""

    __slots__ = ("_loaded", "_own")

    def __init__(self, own: Mapping[str, Provider] | None = None) -> None:
        self._own = dict(own or {})
        for name, provider in self._own.items():
            # A class has the methods too, but nobody to call them on.
            if isinstance(provider, type) or not hasattr(provider, "generate"):
                raise ConfigurationError(
                    f"providers[{name!r}] is {repr(provider)[:60]}; give an object with the methods generate, stream, "
                    "aclose."
                )
        self._loaded: dict[str, Provider] = {}

    def has(self, entry: LLMEntry) -> bool:
        """Whether the provider of ``entry`` is loaded."""
        return entry.provider in self._own or entry.provider in self._loaded

    async def fetch(self, entry: LLMEntry) -> None:
        """Load the provider of ``entry``: a vendor's SDK takes a second to import, and the loop has other guests."""
        provider = await asyncio.to_thread(load_provider, entry.provider)
        self._loaded.setdefault(entry.provider, provider)

    def of(self, entry: LLMEntry) -> Provider:
        """The provider that reaches ``entry``."""
        found = self._own.get(entry.provider) or self._loaded.get(entry.provider)
        # Not there although it was fetched: another task has closed the client meanwhile.
        return found or self._loaded.setdefault(entry.provider, load_provider(entry.provider))

    def embedder(self, entry: LLMEntry) -> MakesEmbeddings:
        """The same, when it can make embeddings."""
        provider = self.of(entry)
        if isinstance(provider, MakesEmbeddings):
            return provider
        raise ConfigurationError(f"{entry}: the provider '{entry.provider}' makes no embeddings. Ask another entry.")

    @property
    def in_use(self) -> bool:
        """Whether a provider was loaded since the last ``forget``."""
        return bool(self._loaded)

    async def aclose(self) -> None:
        """Close what this client's providers hold open on the running loop."""
        for provider in (*self._own.values(), *self._loaded.values()):
            await provider.aclose()

    def forget(self) -> None:
        """Load anew when next needed."""
        self._loaded.clear()
