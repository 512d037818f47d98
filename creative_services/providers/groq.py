"""Groq, through its own SDK."""

from dataclasses import replace

from creative_services.core.llm_registry import LLMEntry
from creative_services.providers._chat import ChatProvider
from creative_services.providers._dialects import OpenAIShaped
from creative_services.providers._sdk import SDKLeg
from creative_services.wire import openai_chat
from creative_services.wire.endpoints import groq_base

_BY_WORDS = openai_chat.Dialect(max_tokens="max_completion_tokens", schema="json_object")
_BY_SCHEMA = replace(_BY_WORDS, schema="json_schema")


class GroqShaped(OpenAIShaped):
    """Groq's dialect: only some of its models take a schema, the others JSON in general."""

    __slots__ = ()

    def words_for(self, entry: LLMEntry) -> openai_chat.Dialect:
        """By the entry's capabilities."""
        return _BY_SCHEMA if "json_schema" in entry.capabilities else _BY_WORDS


class GroqProvider(ChatProvider):
    """Chats of Groq."""

    __slots__ = ()

    def __init__(self) -> None:
        leg = SDKLeg("groq", "AsyncGroq", home="https://api.groq.com", base=groq_base)
        super().__init__(GroqShaped(_BY_WORDS, prefix="/openai/v1"), leg)
