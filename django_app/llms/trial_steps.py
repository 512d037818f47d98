"""The single steps of trying an entry, from the name of its host to the abilities of its model."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from creative_services.core.completions import LLMResponse
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import ListsModels, Provider
from creative_services.llms.client import DynamicLLMClient
from creative_services.llms.dict_registry import DictRegistry
from creative_services.providers import load_provider
from creative_services.providers.vendors import VENDORS
from django_app.llms import endpoints

# Some reasoning models refuse, or never answer within, a limit of one token.
_TOKENS: Final = 16
_ABILITY_TOKENS: Final = 200

_WEATHER: Final = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_SCHEMA: Final = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}

# Where the SDKs go when an entry names no endpoint.
_HOMES: Final = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "groq": "https://api.groq.com",
    "ollama": "http://127.0.0.1:11434",
}

Found = tuple[str, Decimal | None]


class Bench:
    """An entry under test, with what the steps so far have found."""

    def __init__(self, entry: LLMEntry, provider: Provider | None) -> None:
        self.entry = entry.using(is_active=True)
        self.provider: Any = provider
        self.models: tuple[str, ...] | None = None
        self._given = provider is not None

    @property
    def url(self) -> str:
        """Where requests would go; empty when only the provider knows."""
        vendor = VENDORS.get(self.entry.provider)
        return self.entry.api_endpoint or _HOMES.get(self.entry.provider) or (vendor and vendor.base_url) or ""

    @property
    def place(self) -> tuple[str, int, bool] | None:
        """Host, port, and whether it is spoken to with TLS; None where there is nothing to connect to."""
        parts = urlsplit(self.url if "://" in self.url else f"//{self.url}")
        if self._given or not parts.hostname or parts.scheme not in ("", "http", "https"):
            return None
        secure = parts.scheme == "https"
        return parts.hostname, parts.port or (443 if secure else 80), secure

    async def ask(self, **options: Any) -> LLMResponse:
        """One real call of this entry alone."""
        providers = {self.entry.provider: self.provider} if self.provider else None
        async with DynamicLLMClient(DictRegistry([self.entry]), providers=providers) as client:
            return await client.generate(llm_id=self.entry.id, **options)

    async def listen(self, prompt: str, **options: Any) -> tuple[int, LLMResponse | None]:
        """One streamed call: how many pieces of text came, and the whole."""
        providers = {self.entry.provider: self.provider} if self.provider else None
        pieces, response = 0, None
        async with DynamicLLMClient(DictRegistry([self.entry]), providers=providers) as client:
            async for piece in client.stream(prompt, llm_id=self.entry.id, **options):
                pieces += bool(piece.text)
                response = piece.response or response
        return pieces, response

    async def close(self) -> None:
        """Close what the steps opened."""
        if self.provider is not None:
            await self.provider.aclose()


Act = Callable[[Bench], Awaitable[Found]]


async def _endpoint(bench: Bench) -> Found:
    entry = bench.entry
    if why := await endpoints.arefusal(entry.api_endpoint, entry.tier):
        raise CreativeServicesError(f"{entry} {why}.")
    return entry.api_endpoint or "the vendor's own", None


async def _driver(bench: Bench) -> Found:
    # Imports of a vendor's SDK take up to a second: not on the event loop of a server.
    bench.provider = bench.provider or await asyncio.to_thread(load_provider, bench.entry.provider)
    return bench.entry.provider, None


async def _name(bench: Bench) -> Found:
    if bench.place is None:
        return "left to the driver", None
    host, port, _ = bench.place
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    except OSError as error:
        raise CreativeServicesError(f"DNS does not know {host}: {error.strerror}. Check its spelling.") from error
    return ", ".join(dict.fromkeys(str(address[0]) for *_, address in found[:3])), None


async def _connection(bench: Bench) -> Found:
    if bench.place is None:
        return "left to the driver", None
    host, port, secure = bench.place
    context = ssl.create_default_context() if secure else None
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    kind = writer.get_extra_info("ssl_object").version() if secure else "TCP"
    writer.close()
    return f"{host}:{port}, {kind}", None


async def _key(bench: Bench) -> Found:
    if not isinstance(bench.provider, ListsModels):
        return "shown by the call below", None
    bench.models = tuple(await bench.provider.models(bench.entry))
    return "accepted" if bench.entry.api_key else "none needed", None


async def _model(bench: Bench) -> Found:
    if bench.models is None:
        return "this provider does not list its models", None
    if bench.entry.model in bench.models:
        return f"{bench.entry.model} is one of {len(bench.models)}", None
    # Not a failure: several vendors serve models, or aliases of them, that they do not list.
    return f"{bench.entry.model} is not among the {len(bench.models)} that are listed", None


async def _call(bench: Bench) -> Found:
    answer = await bench.ask(prompt="Say OK.", max_tokens=_TOKENS)
    counted = f", {answer.usage.input_tokens} tokens in, {answer.usage.output_tokens} out" if answer.usage else ""
    return f"answered {answer.content[:40]!r}{counted}", answer.cost


async def _stream(bench: Bench) -> Found:
    pieces, response = await bench.listen("Count from one to five.", max_tokens=_ABILITY_TOKENS)
    return f"{pieces} pieces", response.cost if response else None


async def _tools(bench: Bench) -> Found:
    answer = await bench.ask(
        prompt="What is the weather in Paris? Use the tool.", tools=[_WEATHER], max_tokens=_ABILITY_TOKENS
    )
    if not answer.tool_calls:
        raise CreativeServicesError("The model answered with text instead of a tool call.")
    return f"called {answer.tool_calls[0].name}", answer.cost


async def _json(bench: Bench) -> Found:
    answer = await bench.ask(
        prompt='Answer with the JSON object {"ok": true}.', response_model=_SCHEMA, max_tokens=_ABILITY_TOKENS
    )
    return f"answered {answer.content[:40]!r}", answer.cost


NECESSARY: Final[tuple[tuple[str, Act], ...]] = (
    ("endpoint", _endpoint),
    ("driver", _driver),
    ("name", _name),
    ("connection", _connection),
    ("key", _key),
    ("model", _model),
    ("call", _call),
)
ABILITIES: Final[tuple[tuple[str, Act], ...]] = (("stream", _stream), ("tools", _tools), ("json", _json))
