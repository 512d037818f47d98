"""Any endpoint that speaks OpenAI's dialect, over plain HTTP: a vendor of the table, or one's own."""

from functools import partial

from creative_services.core.errors import BadRequestError
from creative_services.core.llm_registry import LLMEntry
from creative_services.providers._chat import EmbeddingProvider
from creative_services.providers._dialects import OpenAIShaped
from creative_services.providers._http import HTTPLeg
from creative_services.providers.vendors import VENDORS, Vendor
from creative_services.wire.openai_chat import Dialect


class CompatibleProvider(EmbeddingProvider):
    """Chats and vectors of one vendor of the table; ``compatible`` goes wherever the entry's ``api_endpoint`` says."""

    __slots__ = ()

    def __init__(self, name: str = "compatible") -> None:
        vendor = VENDORS[name]
        dialect = OpenAIShaped(Dialect(max_tokens=vendor.max_tokens, schema=vendor.schema))
        super().__init__(dialect, HTTPLeg(partial(_base, vendor), key_needed=partial(_needs_key, vendor)))


def _base(vendor: Vendor, entry: LLMEntry) -> str:
    url = entry.api_endpoint or vendor.base_url
    if not url:
        raise BadRequestError(
            "the provider 'compatible' needs an api_endpoint, such as http://127.0.0.1:8000/v1", llm=entry
        )
    return url.strip().rstrip("/")


def _needs_key(vendor: Vendor, entry: LLMEntry) -> bool:
    # An endpoint of one's own may be open to all.
    return vendor.key_variable is not None and not entry.api_endpoint
