"""The providers a client uses: the user's own first, then the shipped and the registered ones, loaded when needed."""

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
        self._loaded: dict[str, Provider] = {}

    def of(self, entry: LLMEntry) -> Provider:
        """The provider that reaches ``entry``."""
        name = entry.provider
        found = self._own.get(name) or self._loaded.get(name)
        if found is None:
            found = self._loaded[name] = load_provider(name)
        return found

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
