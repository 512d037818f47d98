"""OpenAI, through its own SDK."""

from creative_services.providers._chat import EmbeddingProvider
from creative_services.providers._dialects import OpenAIShaped
from creative_services.providers._sdk import SDKLeg
from creative_services.wire.endpoints import with_v1
from creative_services.wire.openai_chat import Dialect


class OpenAIProvider(EmbeddingProvider):
    """Chats and vectors of OpenAI, or of an endpoint that an entry points its SDK at."""

    __slots__ = ()

    def __init__(self) -> None:
        # Its newer models refuse the older word; the older models take both.
        dialect = OpenAIShaped(Dialect(max_tokens="max_completion_tokens"))
        super().__init__(dialect, SDKLeg("openai", "AsyncOpenAI", home="https://api.openai.com/v1", base=with_v1))
