"""Ollama, over plain HTTP."""

from creative_services.core.llm_registry import LLMEntry
from creative_services.providers._chat import EmbeddingProvider
from creative_services.providers._dialects import OllamaShaped
from creative_services.providers._http import HTTPLeg
from creative_services.wire.endpoints import normal_ollama

_HOME = "http://127.0.0.1:11434"


class OllamaProvider(EmbeddingProvider):
    """Chats and vectors of a machine of one's own."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(OllamaShaped(), HTTPLeg(_base, key_needed=_never))


def _base(entry: LLMEntry) -> str:
    return normal_ollama(entry.api_endpoint) if entry.api_endpoint else _HOME


def _never(_: LLMEntry) -> bool:
    return False
