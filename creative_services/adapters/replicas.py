"""Entries that are answered by whichever replica is alive: ``api_endpoint="replicas://redis://...?model=qwen2"``.

A replica is chosen for each call; one that fails is left for another at once, and what happened is remembered for the
next choice. When nobody is left the tier's next entry is asked, as it would be for any other provider.
"""

import asyncio
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from creative_services.core.clock import Clock
from creative_services.core.completions import Completion, Embeddings, Piece, Request
from creative_services.core.errors import (
    BadRequestError,
    ConfigurationError,
    MalformedAnswerError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
    ServerError,
    StoreError,
    TimedOutError,
    UnreachableError,
)
from creative_services.core.llm_registry import LLMEntry, LLMTier
from creative_services.core.locality import leaves_home
from creative_services.providers.compatible import CompatibleProvider
from creative_services.replicas.balancer import Balancer
from creative_services.replicas.sources import Sources, parsed
from creative_services.system_clock import SystemClock
from creative_services.wire.endpoints import with_v1

T = TypeVar("T")

# What another replica may do better.
_MOVABLE: Final = (
    UnreachableError,
    OverloadedError,
    ServerError,
    RateLimitedError,
    TimedOutError,
    MalformedAnswerError,
)
# A replica that is silent for this long, or longer than its like usually are, is asked whether it lives. An answer may
# take minutes; a sign of life does not.
_PATIENCE: Final = 1.0
_UNKNOWN_PATIENCE: Final = 5.0
_PROBE_SECONDS: Final = 1.0
_MOST_WAYS: Final = 512  # replicas that connections are kept to; addresses come and go for as long as we run


@dataclass(slots=True)
class _Here:
    """What belongs to one event loop."""

    sources: Sources
    ways: dict[str, CompatibleProvider] = field(default_factory=dict)


class ReplicasProvider:
    """Chats and vectors of self-hosted servers that speak OpenAI's dialect, found and balanced by what they can do."""

    def __init__(self, *, clock: Clock | None = None, patience: float = _PATIENCE) -> None:
        self._clock = clock or SystemClock()
        self._patience = patience
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Here] = weakref.WeakKeyDictionary()

    async def generate(self, entry: LLMEntry, request: Request) -> Completion:
        """The whole answer."""
        return await self._rotate(entry, lambda way, there: way.generate(there, request))

    async def embed(self, entry: LLMEntry, texts: Sequence[str]) -> Embeddings:
        """One vector per text, in order."""
        return await self._rotate(entry, lambda way, there: way.embed(there, texts))

    async def models(self, entry: LLMEntry) -> tuple[str, ...]:
        """The names that a replica knows."""
        return await self._rotate(entry, lambda way, there: way.models(there))

    async def stream(self, entry: LLMEntry, request: Request) -> AsyncGenerator[Piece | Completion]:
        """Pieces as they come. Until the first one another replica may take over, and never after it."""
        opened: list[tuple[AsyncIterator[Piece | Completion], CompatibleProvider, LLMEntry]] = []

        async def begin(way: CompatibleProvider, there: LLMEntry) -> Piece | Completion:
            pieces = aiter(way.stream(there, request))
            first = await anext(pieces)
            opened.append((pieces, way, there))
            return first

        piece: Piece | Completion | None = await self._rotate(entry, begin)
        pieces, way, there = opened[0]
        assert isinstance(pieces, AsyncGenerator)
        async with aclosing(pieces):
            while piece is not None:
                yield piece
                piece = await self._watched(anext(pieces, None), way, there, _UNKNOWN_PATIENCE)

    async def aclose(self) -> None:
        """Close every connection of the running loop."""
        here = self._loops.pop(asyncio.get_running_loop(), None)
        if here:
            for way in here.ways.values():
                await way.aclose()
            await here.sources.aclose()

    async def _rotate(self, entry: LLMEntry, ask: Callable[[CompatibleProvider, LLMEntry], Awaitable[T]]) -> T:
        here = self._here()
        balancer = await self._balancer(here, entry)
        tried: set[str] = set()
        failure: ProviderError | None = None
        while (uri := balancer.choose(tried)) is not None:
            tried.add(uri)
            there = entry.using(api_endpoint=_base(uri))
            if entry.tier is LLMTier.LOCAL and (why := leaves_home(there)):
                failure = failure or UnreachableError(f"the replica {uri} is not asked: {why}", llm=entry)
                continue
            try:
                return await self._asked(balancer, uri, ask, await self._way(here, uri), there)
            except _MOVABLE as error:
                failure = error
        raise failure or UnreachableError(f"no replica on the roster satisfies {entry.api_endpoint}", llm=entry)

    async def _asked(
        self,
        balancer: Balancer,
        uri: str,
        ask: Callable[[CompatibleProvider, LLMEntry], Awaitable[T]],
        way: CompatibleProvider,
        there: LLMEntry,
    ) -> T:
        limit = balancer.patience.limit(least=self._patience, unknown=_UNKNOWN_PATIENCE)
        started = self._clock.now()
        balancer.departs(uri)
        try:
            answer = await self._watched(ask(way, there), way, there, limit)
        except _MOVABLE as error:
            balancer.failed(uri, self._clock.now() - started, refused=isinstance(error, UnreachableError))
            raise
        finally:
            balancer.returns(uri)
        balancer.succeeded(uri, self._clock.now() - started)
        return answer

    async def _watched(self, asking: Awaitable[T], way: CompatibleProvider, there: LLMEntry, limit: float) -> T:
        """Wait for as long as it takes, but only while the replica shows life."""
        task = asyncio.ensure_future(asking)
        try:
            while not (await asyncio.wait((task,), timeout=limit))[0]:
                if not await self._lives(way, there) and not task.done():
                    raise TimedOutError(f"{there.api_endpoint} went silent and shows no life", llm=there)
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, ProviderError):
                    await task

    async def _lives(self, way: CompatibleProvider, there: LLMEntry) -> bool:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await way.models(there)
        except (TimeoutError, UnreachableError):
            return False
        except ProviderError:
            return True  # it says no, so it lives
        return True

    async def _balancer(self, here: _Here, entry: LLMEntry) -> Balancer:
        try:
            where, wish = parsed(entry.api_endpoint or "", {"model": entry.model})
            return await here.sources.choice(where, wish).settle()
        except ConfigurationError as error:
            raise BadRequestError(str(error), llm=entry) from error
        except StoreError as error:
            raise UnreachableError(f"the roster of replicas cannot be read: {error}", llm=entry) from error

    def _here(self) -> _Here:
        loop = asyncio.get_running_loop()
        here = self._loops.get(loop)
        if here is None:
            here = self._loops[loop] = _Here(Sources(self._clock))
        return here

    async def _way(self, here: _Here, uri: str) -> CompatibleProvider:
        """A provider for each replica: its pool keeps connections by entry, and here one entry has many homes."""
        way = here.ways.pop(uri, None) or CompatibleProvider()
        here.ways[uri] = way  # the one used last is the last to go
        if len(here.ways) > _MOST_WAYS:
            await here.ways.pop(next(iter(here.ways))).aclose()
        return way


def _base(uri: str) -> str:
    return with_v1(uri if "://" in uri else f"http://{uri}")
