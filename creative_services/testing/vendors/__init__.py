"""A local server that speaks as OpenAI, Anthropic, Groq and Ollama do, and fails as told.

>>> from creative_services.testing.vendors import Fault, Reply, VendorServer
>>> with VendorServer() as server:
...     server.script(Reply(text="hi"), Fault.status(429, retry_after=7), Fault.hang())
...     server.unused
3
"""

from creative_services.testing.vendors.faults import Fault
from creative_services.testing.vendors.replies import Reply, Tokens, ToolCall
from creative_services.testing.vendors.seen import Seen
from creative_services.testing.vendors.server import VendorServer

__all__ = ["Fault", "Reply", "Seen", "Tokens", "ToolCall", "VendorServer"]
