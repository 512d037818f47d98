"""The surfaces callers may speak to, as rows: dialect, operation, how a request is read and an answer counted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from creative_services.core.access import KeyScope
from creative_services.core.completions import Request
from creative_services.core.needs import NO_NEEDS, Needs
from creative_services.core.usage import Usage
from creative_services.server.callers.meters import ChatMeter, MessagesMeter, Meter, ResponsesMeter
from creative_services.wire import (
    anthropic_inbound,
    anthropic_messages,
    embedding_inbound,
    openai_chat,
    openai_inbound,
    openai_responses,
    responses_inbound,
)

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One endpoint of ours. ``mark`` is the member by which a good answer is known."""

    name: str
    dialect: str
    operation: str
    scope: KeyScope
    mark: str
    request: Callable[[Document], Request]
    usage: Callable[[Document], Usage | None]
    meter: Callable[[], Meter] | None = None
    asks_usage: bool = False  # streams tell their usage only when asked to
    needs: Needs = NO_NEEDS


def _chat_usage(answer: Document) -> Usage | None:
    return openai_chat.usage(answer.get("usage"), answer.get("service_tier"))


def _messages_usage(answer: Document) -> Usage | None:
    return anthropic_messages.usage(answer.get("usage"))


def _responses_usage(answer: Document) -> Usage | None:
    return openai_responses.usage(answer.get("usage"), answer.get("service_tier"))


CHAT: Final = Surface(
    name="chat",
    dialect="openai",
    operation="chat",
    scope=KeyScope.CHAT,
    mark="choices",
    request=openai_inbound.request,
    usage=_chat_usage,
    meter=ChatMeter,
    asks_usage=True,
)
RESPONSES: Final = Surface(
    name="responses",
    dialect="responses",
    operation="chat",
    scope=KeyScope.CHAT,
    mark="output",
    request=responses_inbound.request,
    usage=_responses_usage,
    meter=ResponsesMeter,
)
MESSAGES: Final = Surface(
    name="messages",
    dialect="anthropic",
    operation="chat",
    scope=KeyScope.CHAT,
    mark="content",
    request=anthropic_inbound.request,
    usage=_messages_usage,
    meter=MessagesMeter,
)
EMBEDDINGS: Final = Surface(
    name="embeddings",
    dialect="openai",
    operation="embeddings",
    scope=KeyScope.EMBEDDINGS,
    mark="data",
    needs=Needs(embeddings=True),
    request=embedding_inbound.request,
    usage=_chat_usage,
)

SURFACES: Final[Mapping[str, Surface]] = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/embeddings": EMBEDDINGS,
}
