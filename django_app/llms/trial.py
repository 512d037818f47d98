"""Trying an entry for real, step by step: what works is said as soon as it is known, and nothing is saved."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

from creative_services.core.completions import LLMResponse
from creative_services.core.errors import CreativeServicesError
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import ListsModels, Provider
from creative_services.llms.client import DynamicLLMClient
from creative_services.llms.dict_registry import DictRegistry
from creative_services.providers import load_provider
from django_app.llms import endpoints

# Some reasoning models refuse, or never answer within, a limit of one token.
_TOKENS: Final = 16
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried."""

    name: str
    ok: bool
    detail: str = ""
    seconds: float = 0.0
    cost: Decimal | None = None


async def try_entry(entry: LLMEntry, provider: Provider | None = None) -> AsyncIterator[Step]:
    """Endpoint, driver, connection, models, one short call. Ends with the first step that fails."""
    trial = _Trial(entry, provider)
    for name, act in trial.steps():
        step = await _timed(name, act)
        yield step
        if not step.ok:
            break
    await trial.close()


async def _timed(name: str, act: Callable[[], Awaitable[tuple[str, Decimal | None]]]) -> Step:
    started = perf_counter()
    try:
        async with asyncio.timeout(_SECONDS):
            detail, cost = await act()
    except (CreativeServicesError, OSError, TimeoutError) as error:
        told = str(error) or f"no answer within {_SECONDS:g} s"
        return Step(name=name, ok=False, detail=told, seconds=perf_counter() - started)
    return Step(name=name, ok=True, detail=detail, seconds=perf_counter() - started, cost=cost)


class _Trial:
    def __init__(self, entry: LLMEntry, provider: Provider | None) -> None:
        self._entry = entry.using(is_active=True)
        self._provider: Any = provider

    def steps(self) -> list[tuple[str, Callable[[], Awaitable[tuple[str, Decimal | None]]]]]:
        return [
            ("endpoint", self._endpoint),
            ("driver", self._driver),
            ("connection", self._connection),
            ("models", self._models),
            ("call", self._call),
        ]

    async def _endpoint(self) -> tuple[str, None]:
        why = await endpoints.arefusal(self._entry.api_endpoint, self._entry.tier)
        if why:
            raise CreativeServicesError(f"{self._entry} {why}.")
        return self._entry.api_endpoint or "the vendor's own", None

    async def _driver(self) -> tuple[str, None]:
        # Imports of a vendor's SDK take up to a second: not on the event loop of a server.
        self._provider = self._provider or await asyncio.to_thread(load_provider, self._entry.provider)
        return self._entry.provider, None

    async def _connection(self) -> tuple[str, None]:
        host = endpoints.host_of(self._entry.api_endpoint)
        if not host:
            return "left to the driver", None
        parts = urlsplit(self._entry.api_endpoint or "")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return f"{host}:{port}", None

    async def _models(self) -> tuple[str, None]:
        if not isinstance(self._provider, ListsModels):
            return "this provider does not list its models", None
        known = await self._provider.models(self._entry)
        if self._entry.model in known:
            return f"{self._entry.model} is one of {len(known)}", None
        # Not a failure: several vendors serve models, or aliases of them, that they do not list.
        return f"{self._entry.model} is not among the {len(known)} that are listed", None

    async def _call(self) -> tuple[str, Decimal | None]:
        registry = DictRegistry([self._entry])
        providers = {self._entry.provider: self._provider} if self._provider else None
        async with DynamicLLMClient(registry, providers=providers) as client:
            answer: LLMResponse = await client.generate(
                "Say OK.", llm_id=self._entry.id, max_tokens=_TOKENS, timeout=_SECONDS
            )
        return _told(answer), answer.cost

    async def close(self) -> None:
        if self._provider is not None:
            await self._provider.aclose()


def _told(answer: LLMResponse) -> str:
    counted = f", {answer.usage.input_tokens} tokens in, {answer.usage.output_tokens} out" if answer.usage else ""
    return f"answered {answer.content[:40]!r}{counted}"
