"""Anthropic, through its own SDK."""

from creative_services.providers._chat import ChatProvider
from creative_services.providers._dialects import AnthropicShaped
from creative_services.providers._sdk import SDKLeg
from creative_services.wire.endpoints import without_v1


class AnthropicProvider(ChatProvider):
    """Chats of Anthropic, or of an endpoint that an entry points its SDK at."""

    __slots__ = ()

    def __init__(self) -> None:
        leg = SDKLeg("anthropic", "AsyncAnthropic", home="https://api.anthropic.com", base=without_v1)
        super().__init__(AnthropicShaped(), leg)
